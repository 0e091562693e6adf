//! CORS with credentials, for listed origins only (Fetch, "HTTP extensions"): an origin is compared whole, `null` is never
//! one, and nothing an upstream says opens what is closed here.

use crate::navigation::text;
use crate::problem::{Code, Problem};
use crate::{Client, Content, Response, Web};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

/// What pages elsewhere may call; anything else is nobody's.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Names of headers in one preflight, and bytes of their list.
const MOST_HEADERS: usize = 32;
const MOST_HEADER_BYTES: usize = 1024;

/// How long browsers may remember a preflight, in seconds: a changed list is known everywhere soon.
const REMEMBERED_FOR: u32 = 600;

impl Web {
    /// Whether CORS is ours to answer.
    pub fn shares(&self) -> bool {
        self.site.readers.is_some()
    }

    /// Whether a request asks what a page may send: it never gets further than to us where CORS is ours.
    pub fn is_preflight(&self, request: &Parts) -> bool {
        self.shares()
            && request.method == Method::OPTIONS
            && request.headers.contains_key(ORIGIN)
            && request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// The origin of a request, if its pages may read the answer.
    pub fn reader(&self, request: &Parts) -> Option<HeaderValue> {
        let listed = self.site_at(self.door(request)).readers.as_ref()?;
        let origin = text(&request.headers, ORIGIN.as_str())?;
        listed.iter().any(|listed| listed == origin).then(|| HeaderValue::from_str(origin).ok()).flatten()
    }

    /// Answers a preflight, with no look at cookies. [`Self::share`] completes it.
    pub fn answer_preflight(&self, request: &Parts, client: &Client) -> Response {
        let method = text(&request.headers, ACCESS_CONTROL_REQUEST_METHOD.as_str()).unwrap_or_default();
        let names = asked_for(&request.headers);
        let (Some(_), Some(names), true) = (self.reader(request), names, METHODS.contains(&method)) else {
            return self.problem(&Problem::new(Code::CrossSite), client);
        };
        let mut response = Response::new(Content::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        );
        if !names.is_empty()
            && let Ok(names) = HeaderValue::from_str(&names)
        {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(REMEMBERED_FOR));
        headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Method, Access-Control-Request-Headers"));
        self.finish(headers, client);
        response
    }

    /// Tells the browser whether the page may read this answer. On every answer, last: `Vary: Origin` also where nobody
    /// asked, since a cache would else give one origin the answer of another.
    pub fn share(&self, headers: &mut HeaderMap, reader: Option<HeaderValue>) {
        if !self.shares() {
            return;
        }
        headers.append(VARY, HeaderValue::from_static("Origin"));
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        if let Some(origin) = reader {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.append(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After, X-Request-Id"));
        }
    }
}

/// The names that a preflight lists, as they are sent back; `None` if that is not a list of a sane length.
fn asked_for(headers: &HeaderMap) -> Option<String> {
    if !headers.contains_key(ACCESS_CONTROL_REQUEST_HEADERS) {
        return Some(String::new());
    }
    let list = text(headers, ACCESS_CONTROL_REQUEST_HEADERS.as_str())?;
    let names: Vec<_> =
        list.split(',').map(|name| name.trim_matches([' ', '\t'])).filter(|name| !name.is_empty()).collect();
    let sane = list.len() <= MOST_HEADER_BYTES && names.len() <= MOST_HEADERS;
    let valid = names.iter().all(|name| name.parse::<HeaderName>().is_ok());
    (sane && valid).then(|| names.join(", "))
}
