//! How cookies that carry a session are set (RFC 6265bis 4.1.2 and 4.1.3).

use cloakroom_browser::{Cookie, SameSite};

use super::finding;
use crate::finding::{Finding, Severity};
use crate::secret;
use crate::seen::{Seen, same_site};

/// All findings about attributes and names.
pub(super) fn look(seen: &Seen) -> Vec<Finding> {
    let all = &seen.credentials.cookies;
    let those =
        |wanted: &dyn Fn(&Cookie) -> bool| all.iter().filter(|cookie| wanted(cookie)).map(shown).collect::<Vec<_>>();
    let is_https = seen.target.url().scheme() == "https";
    // A site on this machine and in clear is somebody's desk; its Secure cookies work there all the same.
    let insecure = if is_https || !seen.target.is_local() { Severity::High } else { Severity::Medium };
    let is_wide = |cookie: &Cookie| cookie.domain.starts_with('.');
    let prefixed = |cookie: &Cookie| {
        ["__host-", "__secure-", "__http-"].iter().any(|prefix| cookie.name.to_ascii_lowercase().starts_with(prefix))
    };
    let claims = all.iter().filter(|cookie| !secret::claims(&cookie.value).is_empty());
    let claims = claims.map(|cookie| format!("{}: claims {}", cookie.name, secret::claims(&cookie.value).join(" ")));
    [
        finding(
            "cookie-readable",
            Severity::High,
            "A session's cookie is readable by scripts",
            those(&|cookie| !cookie.http_only),
            "Set it by a header with HttpOnly; scripts that need a hint get another cookie without power.",
            &["ASVS v5.0.0-3.3.4", "RFC 6265bis 4.1.2.6", "docs/lab/exhibits/e10-split-jwt.md"],
        ),
        finding(
            "cookie-insecure",
            insecure,
            "A session's cookie is also sent in clear",
            those(&|cookie| !cookie.secure),
            "Add Secure; browsers take it on http://localhost too (WebKit does not).",
            &["ASVS v5.0.0-3.3.1", "RFC 6265bis 4.1.2.5"],
        ),
        finding(
            "cookie-cross-site",
            Severity::Medium,
            "A session's cookie goes along with requests that other sites make",
            those(&|cookie| cookie.same_site == SameSite::None),
            "Use SameSite=Lax or Strict, and judge Sec-Fetch-Site and Origin on the server beside it.",
            &["ASVS v5.0.0-3.3.2", "RFC 6265bis 4.1.2.7"],
        ),
        finding(
            "cookie-same-site-unset",
            Severity::Medium,
            "A session's cookie leaves SameSite to the browser: Firefox and Safari then send it from other sites, Chromium for two minutes",
            those(&|cookie| cookie.same_site == SameSite::Unset),
            "Say SameSite=Lax or Strict.",
            &["ASVS v5.0.0-3.3.2", "RFC 6265bis 5.6.7.2", "docs/lab/exhibits/e03-lax-by-default.md"],
        ),
        finding(
            "cookie-domain",
            Severity::Medium,
            "A session's cookie is sent to every host below its domain, and each of them can set it",
            those(&is_wide),
            "Leave Domain out and name it __Host-…; hosts that share a log-in get sessions of their own.",
            &["ASVS v5.0.0-3.3.3", "RFC 6265bis 4.1.3.2", "docs/lab/exhibits/e07-host-prefix.md"],
        ),
        finding(
            "cookie-prefix",
            Severity::Low,
            "A session's cookie has no name that only this host could have set",
            those(&|cookie| !prefixed(cookie) && !is_wide(cookie)),
            "Name it __Host-… (Secure, Path=/, no Domain), or __Host-Http-… where browsers know that.",
            &["ASVS v5.0.0-3.3.1", "ASVS v5.0.0-3.3.3", "RFC 6265bis 4.1.3", "docs/lab/exhibits/e06-httponly-overwritten.md"],
        ),
        finding(
            "cookie-claims",
            Severity::Info,
            "A session's cookie holds claims that anybody who sees it can read",
            claims,
            "Use an opaque value, or encrypt it; NIST SP 800-63B forbids personal data in clear there.",
            &["NIST SP 800-63B-4 5.1.1"],
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn shown(cookie: &Cookie) -> String {
    let flag = |set: bool, name: &'static str| if set { name } else { "" };
    let domain = if cookie.domain.starts_with('.') { format!("Domain={}", cookie.domain) } else { String::new() };
    let lasts = if cookie.expiry.is_some() { "persistent" } else { "" };
    let path = format!("Path={}", cookie.path);
    let attributes =
        [flag(cookie.secure, "Secure"), flag(cookie.http_only, "HttpOnly"), same_site(cookie), &path, &domain, lasts];
    let attributes: Vec<_> = attributes.into_iter().filter(|attribute| !attribute.is_empty()).collect();
    format!("{} ({} characters): {}", cookie.name, cookie.value.len(), attributes.join("; "))
}
