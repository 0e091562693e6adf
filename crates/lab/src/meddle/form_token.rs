//! The proxy that knows the form token of whoever posts: it asks Cloakroom for one with the cookies of the very request, as
//! the application's own page does, and adds it.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use http::{Method, Request, Response};

use super::jar::{given, set_cookie};

/// Wins over the field of the form.
const HEADER: HeaderName = HeaderName::from_static("cloakroom-csrf");

/// What to ask Cloakroom for before this request is handed on: a token, if a form could have sent it.
pub(crate) fn asks_for(request: &Request<Bytes>) -> Option<Request<Bytes>> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let of_a_form = ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"];
    if request.method() != Method::POST || !of_a_form.iter().any(|form| kind.starts_with(form)) {
        return None;
    }
    let mut asks = Request::get("/auth/csrf");
    for line in request.headers().get_all(COOKIE) {
        asks = asks.header(COOKIE, line);
    }
    asks.body(Bytes::new()).ok()
}

/// The token, and the cookie of a device that it may belong to.
pub(crate) struct Asked {
    token: HeaderValue,
    cookies: Vec<HeaderValue>,
}

impl Asked {
    /// Reads the answer. None if there is no token in it.
    pub(crate) fn of(answer: &Response<Bytes>) -> Option<Self> {
        let said: serde_json::Value = serde_json::from_slice(answer.body()).ok()?;
        let token = HeaderValue::from_str(said.get("csrf")?.as_str()?).ok()?;
        Some(Self { token, cookies: answer.headers().get_all(SET_COOKIE).iter().cloned().collect() })
    }

    /// The request with it.
    pub(crate) fn request(&self, mut request: Request<Bytes>) -> Request<Bytes> {
        let headers = request.headers_mut();
        headers.insert(HEADER, self.token.clone());
        for (name, value) in self.cookies.iter().filter_map(given) {
            set_cookie(headers, name, value);
        }
        request
    }

    /// The answer to it: the browser gets the device's cookie that came with the token.
    pub(crate) fn response(&self, mut answer: Response<Bytes>) -> Response<Bytes> {
        for line in &self.cookies {
            answer.headers_mut().append(SET_COOKIE, line.clone());
        }
        answer
    }
}
