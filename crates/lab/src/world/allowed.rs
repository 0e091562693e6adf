//! What an application that allows another origin answers by CORS (Fetch Standard 3.2): done at the door, for all of them alike,
//! because no victim does it by itself. Off until something is measured that needs it.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method, Request, Response, StatusCode};

/// The one origin that every application allows, or none.
#[derive(Default)]
pub(super) struct Allowed(Mutex<Option<String>>);

impl Allowed {
    pub(super) fn set(&self, origin: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = origin;
    }

    /// Whether a request comes from that origin.
    pub(super) fn is_from_it(&self, headers: &HeaderMap) -> bool {
        let allowed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        allowed.is_some() && from == allowed.as_deref()
    }

    /// The answer to a preflight from there.
    pub(super) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<Bytes>> {
        let asks = request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        (asks && self.is_from_it(request.headers())).then(|| {
            let mut answer = Response::new(Bytes::new());
            *answer.status_mut() = StatusCode::NO_CONTENT;
            let headers = answer.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
            headers.insert(
                ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("authorization, content-type, dpop, x-csrf"),
            );
            answer
        })
    }

    /// Lets the allowed origin read an answer.
    pub(super) fn open(&self, mut answer: Response<Bytes>) -> Response<Bytes> {
        let allowed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(origin) = allowed.as_deref().and_then(|origin| HeaderValue::from_str(origin).ok()) {
            let headers = answer.headers_mut();
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        answer
    }
}
