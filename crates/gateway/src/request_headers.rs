//! The header that the upstream gets: what the client said about itself goes out, what we say about it comes in.

use std::net::IpAddr;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{
    AUTHORIZATION, CONNECTION, EXPECT, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, TE, UPGRADE,
};

use crate::gate::{ClientInfo, Identity};
use crate::hop_by_hop;
use crate::identity_headers::is_identity;
use crate::target::Named;
use crate::upstream::Access;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Who the client is to us: what goes into the forwarding fields.
pub(crate) struct From<'a> {
    pub(crate) client: &'a ClientInfo,
    /// As named by the client; `None` for HTTP/1.0 without a host.
    pub(crate) host: Option<HeaderValue>,
    /// The cut-off prefix.
    pub(crate) prefix: Option<HeaderValue>,
}

/// Removes everything of this connection and every identity that the client claimed. Cookies are the caller's.
/// The order matters: fields that `Connection` nominates go before ours come (the credential would be nominated away
/// otherwise).
pub(crate) fn remove_claims(headers: &mut HeaderMap, extra: &[HeaderName]) {
    let trailers = hop_by_hop::remove(headers);
    if trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
    let claimed: Vec<HeaderName> = headers.keys().filter(|name| is_identity(name.as_str())).cloned().collect();
    for name in claimed {
        headers.remove(name);
    }
    for name in extra {
        headers.remove(name);
    }
    // 100-continue is between the client and us: the server answers it when the upstream's connection asks for the body.
    headers.remove(EXPECT);
}

/// Sets the credential for the upstream. A client's own passes only to a public route, and only when we have none.
pub(crate) fn set_authorization(headers: &mut HeaderMap, access: Access, identity: &Identity) {
    if let Some(value) = &identity.authorization {
        let mut value = value.clone();
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    } else if access != Access::Public || identity.keep_authorization {
        headers.remove(AUTHORIZATION);
    }
}

/// Sets `Host`, `Forwarded` (RFC 7239), `X-Forwarded-*` and `X-Real-IP`. None of the client's is left to append to.
pub(crate) fn set_forwarding(headers: &mut HeaderMap, from: From<'_>, upstream_host: &HeaderValue) {
    let https = from.client.https;
    let (forwarded, address) = forwarded(from.client.address, https, from.host.as_ref());
    headers.insert(FORWARDED, forwarded);
    headers.insert(X_FORWARDED_FOR, address.clone());
    headers.insert(X_REAL_IP, address);
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(if https { "https" } else { "http" }));
    let port = from.host.as_ref().and_then(|host| Named::parse(host.to_str().ok()?)?.port);
    let usual = HeaderValue::from_static(if https { "443" } else { "80" });
    headers.insert(X_FORWARDED_PORT, port.and_then(|port| HeaderValue::from_str(port).ok()).unwrap_or(usual));
    if let Some(host) = from.host {
        headers.insert(X_FORWARDED_HOST, host);
    }
    if let Some(prefix) = from.prefix {
        headers.insert(X_FORWARDED_PREFIX, prefix);
    }
    headers.insert(HOST, upstream_host.clone());
}

/// Marks the request as a WebSocket handshake again, after everything of the client's connection went.
pub(crate) fn set_upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// `for=…;proto=…;host="…"` and the bare address, as two views of one allocation.
fn forwarded(address: IpAddr, https: bool, host: Option<&HeaderValue>) -> (HeaderValue, HeaderValue) {
    use std::fmt::Write;
    let mut text = BytesMut::with_capacity(128);
    let start = match address {
        IpAddr::V4(_) => {
            text.put_slice(b"for=");
            4
        }
        IpAddr::V6(_) => {
            text.put_slice(b"for=\"[");
            6
        }
    };
    let _ = write!(text, "{address}");
    let end = text.len();
    if address.is_ipv6() {
        text.put_slice(b"]\"");
    }
    text.put_slice(if https { b";proto=https" } else { b";proto=http" });
    if let Some(host) = host {
        text.put_slice(b";host=\"");
        text.put_slice(host.as_bytes());
        text.put_slice(b"\"");
    }
    let text = text.freeze();
    let value = |bytes: Bytes| HeaderValue::from_maybe_shared(bytes).unwrap_or(HeaderValue::from_static("unknown"));
    (value(text.clone()), value(text.slice(start..end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_follows_rfc_7239() {
        let host = HeaderValue::from_static("a.example:8080");
        let (value, address) = forwarded("192.0.2.7".parse().unwrap(), true, Some(&host));
        assert_eq!(value, "for=192.0.2.7;proto=https;host=\"a.example:8080\"");
        assert_eq!(address, "192.0.2.7");
        let (value, address) = forwarded("2001:db8::1".parse().unwrap(), false, None);
        assert_eq!(value, "for=\"[2001:db8::1]\";proto=http");
        assert_eq!(address, "2001:db8::1");
    }
}
