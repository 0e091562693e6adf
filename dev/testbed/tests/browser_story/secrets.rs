//! The search for what no script may be able to read: every value that a cookie of ours ever had, whole and in parts, and
//! anything that merely has the shape of a token.

use cloakroom_core::refresh::RefreshToken;
use cloakroom_testbed::browser::{Context, Page, ResponseSeen};
use std::collections::BTreeSet;

pub(crate) const ACCESS: &str = "__Host-Http-cloakroom";
pub(crate) const REFRESH: &str = "__Secure-cloakroom-refresh";
/// The half of a `split` token that is meant to be read.
pub(crate) const CLAIMS: &str = "__Host-cloakroom-claims";
pub(crate) const SIGNATURE: &str = "__Host-Http-cloakroom-signature";

/// Shorter parts of a value are ids and the like, which are no secrets.
const SECRET_CHARACTERS: usize = 40;

/// Values that were in the jar.
#[derive(Default)]
pub(crate) struct Secrets(BTreeSet<String>);

impl Secrets {
    /// Adds what is in the jar now. How many cookies of ours it held.
    pub(crate) async fn learn(&mut self, context: &Context) -> usize {
        let cookies = context.cookies().await.unwrap();
        let ours: Vec<_> = cookies.into_iter().filter(|cookie| cookie.name.contains("cloakroom")).collect();
        for cookie in &ours {
            assert!(cookie.secure && cookie.http_only == (cookie.name != CLAIMS), "{}", cookie.name);
            if cookie.http_only {
                self.add(&cookie.value);
            }
        }
        ours.len()
    }

    /// Adds what was handed out in another way.
    pub(crate) fn add(&mut self, value: &str) {
        assert!(value.len() >= SECRET_CHARACTERS, "too short to be looked for");
        let parts = value.split('.').filter(|part| part.len() >= SECRET_CHARACTERS);
        self.0.extend(parts.map(str::to_owned));
        self.0.insert(value.to_owned());
    }

    /// One of them.
    pub(crate) fn any(&self) -> String {
        self.0.first().unwrap().clone()
    }

    /// Why a text must not be readable by a script.
    pub(crate) fn found_in(&self, text: &str) -> Option<String> {
        if let Some(secret) = self.0.iter().find(|secret| text.contains(*secret)) {
            return Some(format!("a value of {} characters from the jar", secret.len()));
        }
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-.".contains(c));
        words.filter(|word| word.contains('.')).find_map(|word| {
            if looks_like_jwt(word) {
                Some("something shaped like a JWT".to_owned())
            } else {
                looks_like_refresh_token(word).then(|| "something shaped like a refresh token".to_owned())
            }
        })
    }

    /// Searches everything that scripts of this page can read now, and everything that this tab ever received.
    pub(crate) async fn assert_none_in(&self, page: &Page) {
        assert_eq!(self.search_page(page).await, None);
        assert_eq!(self.search_answers(page).await, None);
    }

    /// Where in the page something was found, and what.
    pub(crate) async fn search_page(&self, page: &Page) -> Option<(String, String)> {
        assert!(!self.0.is_empty(), "nothing to look for");
        let census = page.census().await.unwrap();
        assert_eq!(census.get("truncated"), Some(&false.into()));
        for (source, content) in census.as_object().unwrap() {
            assert!(content.get("unreadable").is_none(), "{source}: {content}");
            if let Some(what) = self.found_in(&content.to_string()) {
                return Some((format!("the page's {source}"), what));
            }
        }
        None
    }

    /// In which answer something was found, and what.
    pub(crate) async fn search_answers(&self, page: &Page) -> Option<(String, String)> {
        page.responses().await.unwrap().iter().find_map(|seen| self.found_in_response(seen))
    }

    fn found_in_response(&self, seen: &ResponseSeen) -> Option<(String, String)> {
        let headers = seen.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        let mut texts = headers.chain(seen.body.clone()).chain([seen.url.clone()]);
        texts.find_map(|text| self.found_in(&text)).map(|what| (format!("the answer of {}", seen.url), what))
    }
}

/// `eyJ`, more base64url, a dot, base64url, a dot: header and payload of a JWS (RFC 7515 §7.1).
fn looks_like_jwt(word: &str) -> bool {
    word.match_indices("eyJ").any(|(at, _)| {
        let mut parts = word.get(at..).unwrap_or_default().split('.');
        let (header, payload, more) = (parts.next(), parts.next(), parts.next());
        header.is_some_and(|part| part.len() > 3) && payload.is_some_and(|part| !part.is_empty()) && more.is_some()
    })
}

/// Whatever stands around it in the same word.
fn looks_like_refresh_token(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.windows(4).any(|window| {
        let &[key, session, generation, mac] = window else { return false };
        let (Some(key), Some(mac)) = (key.get(key.len().saturating_sub(22)..), mac.get(..43)) else { return false };
        RefreshToken::parse(&format!("{key}.{session}.{generation}.{mac}")).is_ok()
    })
}

/// The generation of the refresh token in the jar.
pub(crate) async fn generation(context: &Context) -> u32 {
    generation_in(context, REFRESH).await
}

/// The same of another slot, whose cookie has another name.
pub(crate) async fn generation_in(context: &Context, name: &str) -> u32 {
    let token = value(context, name).await.unwrap();
    RefreshToken::parse(&token).unwrap_or_else(|_| panic!("the cookie is no refresh token")).generation()
}

/// The value of a cookie in the jar.
pub(crate) async fn value(context: &Context, name: &str) -> Option<String> {
    context.cookies().await.unwrap().into_iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value)
}
