//! What one visit has shown, and which of it is a credential: cookies that carry a session, and tokens that were sent in
//! headers. Judging it is done in `look`.

use std::collections::BTreeSet;

use cloakroom_browser::{Cookie, SameSite};
use serde_json::Value;

use crate::proxy::{Exchange, Head};
use crate::script::Secrets;
use crate::secret;
use crate::target::Target;

/// Least length of a value that is taken for a session's because of its name.
const SHORTEST_SESSION: usize = 16;

/// Headers of a request that carry a name for the session beside cookies.
const NEVER_TOKENS: [&str; 4] = ["cookie", "sec-websocket-key", "if-none-match", "authorization"];

/// A visit, up to the log-out.
pub(crate) struct Seen {
    pub(crate) target: Target,
    pub(crate) exchanges: Vec<Exchange>,
    /// Number of the first exchange inside the session; none if nobody logged in.
    pub(crate) session_from: Option<usize>,
    /// Cookies of the audited hosts at the end.
    pub(crate) cookies: Vec<Cookie>,
    /// What a script of the page could read at the end.
    pub(crate) census: Value,
    /// Hosts of scripts of others in the page, and whether their content is fixed by `integrity`.
    pub(crate) foreign_scripts: Vec<(String, bool)>,
    pub(crate) credentials: Credentials,
    /// What was typed and must not be printed.
    pub(crate) secrets: Secrets,
}

/// What identifies the session to the server.
#[derive(Default)]
pub(crate) struct Credentials {
    pub(crate) cookies: Vec<Cookie>,
    /// Values of `Authorization` and of headers like it, that look like credentials.
    pub(crate) tokens: BTreeSet<String>,
}

impl Credentials {
    /// Finds them in the cookies of the jar and the headers of requests.
    pub(crate) fn find(cookies: &[Cookie], exchanges: &[Exchange]) -> Self {
        let cookies = cookies.iter().filter(|cookie| carries_a_session(cookie)).cloned().collect();
        let mut tokens = BTreeSet::new();
        for exchange in exchanges {
            tokens.extend(
                exchange.request.authorization().filter(|token| token.len() >= SHORTEST_SESSION).map(str::to_owned),
            );
            for (name, value) in &exchange.request.headers {
                let Ok(value) = value.to_str() else { continue };
                let name = name.as_str();
                if !NEVER_TOKENS.contains(&name) && secret::names_a_credential(name) && secret::kind(value).is_some() {
                    tokens.insert(value.to_owned());
                }
            }
        }
        Self { cookies, tokens }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.cookies.is_empty() && self.tokens.is_empty()
    }

    /// Whether a word is one of them.
    pub(crate) fn is_one(&self, word: &str) -> bool {
        let same = |value: &str| secret::bare(value) == secret::bare(word);
        self.tokens.iter().any(|token| same(token)) || self.cookies.iter().any(|cookie| same(&cookie.value))
    }

    /// Whether a request carries one of them, or a later value of such a cookie.
    pub(crate) fn are_in(&self, request: &Head) -> bool {
        !self.carried(request).is_empty()
            || request.authorization().is_some()
            || self
                .tokens
                .iter()
                .any(|token| request.headers.values().any(|value| value.as_bytes() == token.as_bytes()))
    }

    /// Whether a request carries one of them as it is now.
    fn have_their_value_in(&self, request: &Head) -> bool {
        let sent = request.cookies();
        let cookie = self
            .cookies
            .iter()
            .any(|cookie| sent.iter().any(|(name, value)| *name == cookie.name && *value == cookie.value));
        cookie || request.authorization().is_some_and(|token| self.tokens.contains(token))
    }

    /// The session's cookies that a request carries, by their name.
    pub(crate) fn carried(&self, request: &Head) -> Vec<&Cookie> {
        let sent = request.cookies();
        self.cookies
            .iter()
            .filter(|cookie| sent.iter().any(|(name, value)| *name == cookie.name && !value.is_empty()))
            .collect()
    }
}

impl Seen {
    /// Exchanges of audited hosts that were made inside the session, with its credentials. What was only read counts from
    /// before the mark too, if it had the very credentials: the browser may have kept the answer and not asked again.
    pub(crate) fn signed_in(&self) -> impl Iterator<Item = &Exchange> {
        let from = self.session_from.unwrap_or(usize::MAX);
        let is_inside = move |(number, exchange): &(usize, &Exchange)| {
            let earlier = self.session_from.is_some()
                && !exchange.request.is_unsafe()
                && self.credentials.have_their_value_in(&exchange.request);
            (*number >= from && self.credentials.are_in(&exchange.request)) || earlier
        };
        self.exchanges.iter().enumerate().filter(is_inside).map(|(_, exchange)| exchange)
    }

    /// Pages, and whatever else is shown as one.
    pub(crate) fn pages(&self) -> impl Iterator<Item = &Exchange> {
        self.exchanges.iter().filter(|exchange| exchange.is_page() && exchange.is_success())
    }
}

/// Whether a cookie's name and value say that it stands for a session, or a part of one.
fn carries_a_session(cookie: &Cookie) -> bool {
    if secret::names_a_form_token(&cookie.name) {
        return false;
    }
    let value = cookie.value.trim_matches('"');
    match secret::kind(value) {
        Some(secret::Kind::Jwt | secret::Kind::Jwe) => true,
        Some(secret::Kind::Random) => cookie.http_only || secret::names_a_credential(&cookie.name),
        None => secret::names_a_credential(&cookie.name) && value.len() >= SHORTEST_SESSION,
    }
}

/// `SameSite` as people write it.
pub(crate) fn same_site(cookie: &Cookie) -> &'static str {
    match cookie.same_site {
        SameSite::Strict => "SameSite=Strict",
        SameSite::Lax => "SameSite=Lax",
        SameSite::None => "SameSite=None",
        SameSite::Unset => "no SameSite",
    }
}

/// Puts each evidence once, and no more than ten of them.
pub(crate) fn evidence(lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<String> = lines.into_iter().filter(|line| seen.insert(line.clone())).collect();
    let more = kept.len().saturating_sub(10);
    kept.truncate(10);
    if more > 0 {
        kept.push(format!("and {more} more"));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_of_a_session_are_told_from_others() {
        let cookie = |name: &str, value: &str, http_only| Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: "localhost".to_owned(),
            path: "/".to_owned(),
            secure: false,
            http_only,
            same_site: SameSite::Lax,
            expiry: None,
        };
        let random = "nJ3kq8Zb0WfR5tYc7LdX2a";
        for (name, value, http_only, expected) in [
            ("connect.sid", random, false, true),
            ("PHPSESSID", "abcdefghabcdefgh", false, true),
            ("x", random, true, true),
            ("x", random, false, false),
            ("csrf_token", random, true, false),
            ("session_theme", "dark", false, false),
        ] {
            assert_eq!(carries_a_session(&cookie(name, value, http_only)), expected, "{name}={value}");
        }
    }

    #[test]
    fn evidence_is_bounded_and_without_repetition() {
        let lines = evidence((0..30).map(|number| format!("{}", number / 2)));
        assert_eq!((lines.len(), lines[10].as_str()), (11, "and 5 more"));
    }
}
