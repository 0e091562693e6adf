//! What a request of the admin API can get wrong before any use case is asked, as problem documents (RFC 9457). What use cases
//! refuse is told by `web`, as everywhere. Nothing of a request is repeated.

use cloakroom_web::{Content, Response};
use http::StatusCode;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use serde_json::{Value, json};

/// What is wrong with a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wrong {
    /// It comes from a page in a browser.
    Browser,
    /// No credential is configured.
    Off,
    /// The credential is missing or wrong.
    Token,
    /// No such route.
    NotFound,
    /// The route exists for these methods.
    Method(&'static str),
    /// The body is too long.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The body is no JSON by its type.
    NotJson,
    /// The body is not what the route reads: this is.
    Body(&'static str),
    /// The query is not what the route reads: this is.
    Query(&'static str),
}

impl Wrong {
    const fn parts(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::Browser => (
                StatusCode::FORBIDDEN,
                "not-for-browsers",
                "The admin API is not for pages",
                "Send neither Origin nor Sec-Fetch-Site: this is for programs.",
            ),
            Self::Off => (
                StatusCode::NOT_FOUND,
                "admin-off",
                "There is no admin API",
                "Set server.admin_token, or CLOAKROOM_SERVER_ADMIN_TOKEN, to 32 or more random characters \
                 (openssl rand -hex 32) and start the server again.",
            ),
            Self::Token => (
                StatusCode::UNAUTHORIZED,
                "not-an-operator",
                "The token of operators is needed",
                "Send the value of server.admin_token as Authorization: Bearer.",
            ),
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "not-found",
                "There is nothing here",
                "There is /admin/accounts, and what is below it.",
            ),
            Self::Method(_) => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not with this method", "See the header Allow.")
            }
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The body is too large",
                "It has at most 16 KiB. Many accounts at once are for `cloakroom accounts import`.",
            ),
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "too-slow",
                "The body did not arrive in time",
                "Send the whole request at once.",
            ),
            Self::NotJson => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "The content type is not read here",
                "Send Content-Type: application/json.",
            ),
            Self::Body(advice) | Self::Query(advice) => {
                (StatusCode::BAD_REQUEST, "bad-request", "The request cannot be read", advice)
            }
        }
    }

    /// The answer.
    pub(super) fn answer(self) -> Response {
        let (status, code, title, detail) = self.parts();
        let document = json!({
            "type": format!("urn:cloakroom:problem:{code}"),
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
            "code": code,
        });
        let mut response = json(status, &document);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match self {
            // RFC 9110 §15.5.2 and §15.5.6.
            Self::Token => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::Method(allow) => drop(headers.insert(ALLOW, HeaderValue::from_static(allow))),
            _ => {}
        }
        response
    }
}

/// An answer in JSON.
pub(super) fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Content::from(value.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
