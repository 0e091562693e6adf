//! Requests that change something, and what in them another site could not have sent. Whether the server judges `Origin` or
//! `Sec-Fetch-Site` cannot be seen from outside; `active` tries.

use cloakroom_browser::SameSite;

use super::finding;
use crate::finding::{Finding, Severity};
use crate::proxy::{Exchange, Head};
use crate::secret;
use crate::seen::{Seen, same_site};

/// Fields that browsers add by themselves, or that a page of another site may add without being asked (Fetch 2.2.2).
const USUAL: [&str; 22] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-language",
    "content-length",
    "content-type",
    "cookie",
    "dnt",
    "host",
    "origin",
    "pragma",
    "priority",
    "range",
    "referer",
    "save-data",
    "te",
    "upgrade-insecure-requests",
    "user-agent",
    "x-client-data",
];

/// What is found here is a guess as long as nobody has tried.
pub(super) const GUESSES: [&str; 2] = ["csrf-nothing-seen", "csrf-same-site-only"];

/// What can be said about each unsafe request inside the session.
pub(super) fn look(seen: &Seen) -> Vec<Finding> {
    let (mut open, mut lax) = (Vec::new(), Vec::new());
    for exchange in seen.signed_in().filter(|exchange| exchange.request.is_unsafe()) {
        let cookies = seen.credentials.carried(&exchange.request);
        // Without a cookie nothing comes along by itself.
        if cookies.is_empty() || defence(&exchange.request).is_some() {
            continue;
        }
        // All of them are needed, as far as anybody knows: the strictest decides.
        let weak = cookies.iter().all(|cookie| matches!(cookie.same_site, SameSite::None | SameSite::Unset));
        let named = cookies.iter().map(|cookie| format!("{} {}", cookie.name, same_site(cookie)));
        let line = format!("{} ({})", exchange.shown(), named.collect::<Vec<_>>().join(", "));
        if weak { open.push(line) } else { lax.push(line) }
    }
    let fix = "Refuse unsafe requests unless Sec-Fetch-Site or Origin says that they come from the site itself, and demand a header of your own or a form token.";
    let references = &[
        "ASVS v5.0.0-3.5.1",
        "ASVS v5.0.0-3.5.2",
        "docs/lab/exhibits/e05-sec-fetch-site.md",
        "docs/lab/exhibits/e20-bearer-and-csrf.md",
    ];
    let nothing = finding(
        GUESSES[0],
        Severity::Medium,
        "Nothing in a request that changes something tells it from one that another site sends; --active tries it",
        open,
        fix,
        references,
    );
    let same_site = finding(
        GUESSES[1],
        Severity::Low,
        "Only SameSite is seen to stand between another site and a request that changes something; a sibling host passes it",
        lax,
        fix,
        references,
    );
    nothing.into_iter().chain(same_site).collect()
}

/// What another site's form could not send along, if there is something.
fn defence(request: &Head) -> Option<&'static str> {
    let own = |name: &str| !USUAL.contains(&name) && !name.starts_with("sec-");
    if request.headers.keys().any(|name| own(name.as_str())) {
        return Some("a header of its own");
    }
    if request.method != http::Method::POST {
        return Some("a method that is asked for in advance");
    }
    let body = String::from_utf8_lossy(&request.body);
    let fields = url::form_urlencoded::parse(body.as_bytes()).map(|(name, _)| name.into_owned());
    let fields = fields.chain(request.url.query_pairs().map(|(name, _)| name.into_owned()));
    if fields.take(100).any(|name| secret::names_a_form_token(&name)) {
        return Some("a form token");
    }
    let kind = request.header("content-type");
    let multipart =
        kind.starts_with("multipart/") && ["csrf", "xsrf", "authenticity"].iter().any(|name| body.contains(name));
    let is_plain = kind.is_empty()
        || ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
            .iter()
            .any(|safe| kind.starts_with(safe));
    if multipart {
        return Some("a form token");
    }
    (!is_plain).then_some("a content type that is asked for in advance")
}

/// Whether two exchanges are the same request to a server's eyes.
pub(crate) fn is_same(one: &Exchange, other: &Exchange) -> bool {
    one.request.method == other.request.method && one.request.url.path() == other.request.url.path()
}
