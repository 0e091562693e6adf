//! What the proxy remembers of the tokens that passed: with it, a used refresh token stays good, and one that was copied alone
//! finds its company.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{Request, Response};

use super::Meddle;
use super::jar::{given, jar, set_cookie};

const REFRESH: &str = "__Secure-cloakroom-refresh";
const ACCESS: &str = "__Host-Http-cloakroom";

/// The tokens that passed since the meddling began.
#[derive(Default)]
pub(crate) struct Remembered {
    tokens: Mutex<Tokens>,
}

#[derive(Default)]
struct Tokens {
    /// The refresh token that came in the place of another.
    next: HashMap<String, String>,
    /// The access token that went out with a refresh token.
    access: HashMap<String, String>,
}

impl Tokens {
    fn newest(&self, token: &str) -> String {
        let mut newest = token;
        // No longer than there are tokens, whatever a server gives out.
        for _ in 0..self.next.len() {
            let Some(next) = self.next.get(newest) else { break };
            newest = next;
        }
        newest.to_owned()
    }
}

impl Remembered {
    /// A request on its way in, and the refresh token that is handed on with it.
    pub(crate) fn request(&self, meddle: &[Meddle], mut request: Request<Bytes>) -> (Request<Bytes>, Option<String>) {
        let cookie =
            |name: &str| jar(request.headers()).into_iter().find_map(|(known, value)| (known == name).then_some(value));
        let (refresh, access) = (cookie(REFRESH), cookie(ACCESS));
        let Some(refresh) = refresh.filter(|_| request.uri().path() == "/auth/refresh") else { return (request, None) };
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = if meddle.contains(&Meddle::Rotation) { tokens.newest(&refresh) } else { refresh.clone() };
        let is_alone = access.is_none() && meddle.contains(&Meddle::RefreshCompany);
        let company = (newest != refresh || is_alone).then(|| tokens.access.get(&newest).cloned()).flatten();
        drop(tokens);
        set_cookie(request.headers_mut(), REFRESH, &newest);
        if let Some(company) = company {
            set_cookie(request.headers_mut(), ACCESS, &company);
        }
        (request, Some(newest))
    }

    /// An answer on its way out, to a request with this refresh token.
    pub(crate) fn response(&self, shown: Option<String>, answer: &Response<Bytes>) {
        let given: HashMap<_, _> = answer.headers().get_all(SET_COOKIE).iter().filter_map(given).collect();
        let value = |name: &str| given.get(name).filter(|value| !value.is_empty()).map(|value| (*value).to_owned());
        let Some(refresh) = value(REFRESH) else { return };
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(access) = value(ACCESS) {
            tokens.access.insert(refresh.clone(), access);
        }
        if let Some(shown) = shown.filter(|shown| *shown != refresh) {
            tokens.next.insert(shown, refresh);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::COOKIE;

    fn refresh_with(cookies: &str) -> Request<Bytes> {
        Request::post("/auth/refresh").header(COOKIE, cookies).body(Bytes::new()).unwrap()
    }

    fn gives(access: &str, refresh: &str) -> Response<Bytes> {
        Response::builder()
            .header(SET_COOKIE, format!("{ACCESS}={access}; Path=/; Secure; HttpOnly"))
            .header(SET_COOKIE, format!("{REFRESH}={refresh}; Path=/auth/refresh; Secure; HttpOnly"))
            .body(Bytes::new())
            .unwrap()
    }

    #[test]
    fn a_used_token_is_handed_on_as_the_newest_of_its_session() {
        let remembered = Remembered::default();
        remembered.response(None, &gives("a1", "r1"));
        remembered.response(Some("r1".to_owned()), &gives("a2", "r2"));
        remembered.response(Some("r2".to_owned()), &gives("a3", "r3"));
        let old = format!("{ACCESS}=a1; {REFRESH}=r1");
        let (request, shown) = remembered.request(&[Meddle::Rotation], refresh_with(&old));
        assert_eq!(request.headers()[COOKIE], format!("{REFRESH}=r3; {ACCESS}=a3"));
        assert_eq!(shown.as_deref(), Some("r3"));
        let (request, _) = remembered.request(&[Meddle::RefreshCompany], refresh_with(&old));
        assert_eq!(request.headers()[COOKIE], old, "what has company is left alone");
    }

    #[test]
    fn a_token_that_was_copied_alone_finds_its_company() {
        let remembered = Remembered::default();
        remembered.response(None, &gives("a1", "r1"));
        let (request, _) = remembered.request(&[Meddle::RefreshCompany], refresh_with(&format!("{REFRESH}=r1")));
        assert_eq!(request.headers()[COOKIE], format!("{REFRESH}=r1; {ACCESS}=a1"));
    }
}
