//! Which field names say who somebody is, where a request came from or what it really is. Upstreams believe them
//! because "only the proxy can set them", so a client's own never pass (RFC 9700 §2.6, ASVS 4.1.3).
//!
//! Names are compared after every character that is no letter or digit was read as `-`: CGI, WSGI and PHP make
//! `X_Forwarded_User`, `X.Forwarded.User` and `X-Forwarded-User` one variable.

/// Everything that starts so, by first letter: most names of a browser's request are decided by that letter alone.
fn prefixes(first: u8) -> &'static [&'static str] {
    match first {
        b'w' => &["wl-proxy-"],
        b'v' => &["via"],
        b'o' => &["oidc-"],
        b'm' => &["mellon-"],
        b'i' => &["impersonate-", "iv-"],
        b'e' => &["eppn"],
        b'a' => &["auth-user", "authenticated-"],
        b'c' => &["cf-access-", "cf-connecting-", "client-cert", "client-ip", "cloakroom-"],
        b'f' => &["fastly-client-", "fly-client-", "forwarded", "front-end-"],
        b'p' => &["proxy-"],
        b'r' => &["remote-"],
        b's' => &["shib-", "sm-", "ssl-"],
        b't' => &["tailscale-user-", "teleport-", "true-client-"],
        b'x' => &[
            "x-access-token",
            "x-amzn-mtls-",
            "x-amzn-oidc-",
            "x-apigateway-api-",
            "x-appengine-",
            "x-arr-",
            "x-auth",
            "x-azure-client",
            "x-client-",
            "x-cloakroom-",
            "x-cluster-client-",
            "x-consumer-",
            "x-credential-",
            "x-email",
            "x-endpoint-api-",
            "x-envoy-",
            "x-envoy-external-",
            "x-forward-",
            "x-forwarded",
            "x-goog-authenticated-user",
            "x-goog-iap-",
            "x-group",
            "x-groups",
            "x-host",
            "x-http-host-override",
            "x-http-method",
            "x-id-token",
            "x-jwt-",
            "x-mail",
            "x-method-override",
            "x-ms-client-principal",
            "x-ms-token-",
            "x-oauth-",
            "x-oidc-",
            "x-original-",
            "x-originating-",
            "x-pomerium-",
            "x-preferred-username",
            "x-principal",
            "x-proxy",
            "x-real-",
            "x-remote-",
            "x-rewrite-",
            "x-role",
            "x-roles",
            "x-scheme",
            "x-ssl-",
            "x-sso-",
            "x-subject",
            "x-tls-",
            "x-token-",
            "x-uid",
            "x-user",
            "x-verified-",
            "x-vouch-",
            "x-webauth-",
        ],
        _ => &[],
    }
}

/// Longer names than any rule are compared by their beginning.
const LONGEST: usize = 48;

/// Whether a client may not send this. `name` is lower case, as [`http::HeaderName`] keeps it.
pub(crate) fn is_identity(name: &str) -> bool {
    let candidates = name.as_bytes().first().map_or(&[][..], |&first| prefixes(first));
    if candidates.is_empty() {
        return imitates(name);
    }
    let mut buffer = [0_u8; LONGEST];
    let normal = normalised(name, &mut buffer);
    candidates.iter().any(|prefix| normal.starts_with(prefix.as_bytes())) || imitates(name)
}

/// Whether a field may not be a trailer: framing, routing, modifiers, authentication, cookies, identity
/// (RFC 9110 §6.5.1).
pub(crate) fn is_framing(name: &str) -> bool {
    const NEVER: &[&str] = &[
        "authorization",
        "cache-control",
        "clear-site-data",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "location",
        "max-forwards",
        "range",
        "service-worker-allowed",
        "set-cookie",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "www-authenticate",
    ];
    NEVER.contains(&name) || is_identity(name)
}

/// Whether a client's field reaches an application behind another proxy although that replaces what it is told to: another
/// spelling of an identity (`Cloakroom_Roles`), or another address or method than the one that was judged.
pub(crate) fn survives_replacing(name: &str) -> bool {
    const ELSEWHERE: [&str; 4] = ["x-original-", "x-rewrite-", "x-http-method", "x-method-override"];
    let is_odd = !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (is_odd && is_identity(name)) || ELSEWHERE.iter().any(|start| name.starts_with(start))
}

/// Whether a name with odd characters would be taken for one that we set, remove or frame by.
fn imitates(name: &str) -> bool {
    const OURS: &[&[u8]] = &[
        b"authorization",
        b"content-length",
        b"content-type",
        b"cookie",
        b"host",
        b"keep-alive",
        b"transfer-encoding",
    ];
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return false;
    }
    let mut buffer = [0_u8; LONGEST];
    let normal = normalised(name, &mut buffer);
    OURS.contains(&normal)
}

fn normalised<'a>(name: &str, buffer: &'a mut [u8; LONGEST]) -> &'a [u8] {
    let mut length = 0;
    for (to, byte) in buffer.iter_mut().zip(name.bytes()) {
        *to = if byte.is_ascii_alphanumeric() { byte } else { b'-' };
        length += 1;
    }
    buffer.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_spelling_and_another_address_survive_replacing() {
        for name in
            ["cloakroom_roles", "cloakroom.account", "x_forwarded_user", "x-original-url", "x-http-method-override"]
        {
            assert!(survives_replacing(name), "{name}");
        }
        for name in ["cloakroom-roles", "x_custom", "x-forwarded-for", "accept"] {
            assert!(!survives_replacing(name), "{name}");
        }
    }

    #[test]
    fn asvs_4_1_3_every_identity_header_is_known_in_every_spelling() {
        for name in [
            "x-auth-request-user",
            "x-authenticated-user",
            "x-user",
            "x-user-id",
            "x-userinfo",
            "x-remote-user",
            "remote-user",
            "remote_user",
            "remote-email",
            "remote-groups",
            "x-forwarded-user",
            "x_forwarded_user",
            "x-forwarded_email",
            "x-forwarded-groups",
            "x-forwarded-preferred-username",
            "x-forwarded-access-token",
            "x-cloakroom-session",
            "cloakroom-grant",
            "cloakroom_grant",
            "x-client-cert",
            "client-cert",
            "client-cert-chain",
            "ssl-client-cert",
            "ssl_client_verify",
            "x-ssl-client-dn",
            "x-webauth-user",
            "x-token-subject",
            "x-id-token",
            "x-access-token",
            "x-original-url",
            "x_original_url",
            "x-rewrite-url",
            "x-original-uri",
            "x-http-method-override",
            "x-http-method",
            "x-method-override",
            "x-real-ip",
            "forwarded",
            "x.forwarded.for",
            "proxy-authorization",
            "proxy_authorization",
            "transfer_encoding",
            "content_length",
            "keep_alive",
            "true-client-ip",
        ] {
            assert!(is_identity(name), "{name}");
        }
        for name in [
            "accept",
            "content-type",
            "content-length",
            "cookie",
            "cache-control",
            "range",
            "referer",
            "sec-fetch-site",
            "sec-websocket-key",
            "te",
            "traceparent",
            "tracestate",
            "x-request-id",
            "x-requested-with",
            "x-csrf-token",
            "x-api-key",
            "x-custom",
            "cf-ray",
            "priority",
            "save-data",
            "if-none-match",
            "user-agent",
            "x_custom",
            "origin",
            "content-security-policy",
            "prefer",
            "pragma",
        ] {
            assert!(!is_identity(name), "{name}");
        }
    }
}
