//! Answers: how one is put together, and the closed list of refusals. Not what they mean for a strategy.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, LOCATION, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

/// What the bank answers.
pub(crate) type Reply = http::Response<Bytes>;

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
}

impl Refusal {
    pub(crate) const TOO_LONG: Self = Self::of(StatusCode::PAYLOAD_TOO_LARGE, "body-too-long");
    pub(crate) const UNREADABLE: Self = Self::of(StatusCode::BAD_REQUEST, "unreadable");
    pub(crate) const MISSING: Self = Self::of(StatusCode::BAD_REQUEST, "missing-field");
    pub(crate) const UNKNOWN: Self = Self::of(StatusCode::NOT_FOUND, "not-found");
    pub(crate) const WRONG_PASSWORD: Self = Self::of(StatusCode::UNAUTHORIZED, "wrong-password");
    pub(crate) const NOBODY: Self = Self::of(StatusCode::UNAUTHORIZED, "not-logged-in");
    pub(crate) const NO_STATIC_HEADER: Self = Self::of(StatusCode::FORBIDDEN, "x-csrf-missing");
    pub(crate) const INVALID_GRANT: Self = Self::of(StatusCode::BAD_REQUEST, "invalid_grant");
    pub(crate) const TAKEN: Self = Self::of(StatusCode::CONFLICT, "address-taken");
    pub(crate) const NO_MONEY: Self = Self::of(StatusCode::BAD_REQUEST, "not-transferred");

    pub(crate) const fn of(status: StatusCode, code: &'static str) -> Self {
        Self { status, code }
    }

    pub(crate) fn reply(self) -> Reply {
        json(self.status, &serde_json::json!({ "error": self.code }))
    }
}

pub(crate) fn reply(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Reply::new(body.into());
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

pub(crate) fn json(status: StatusCode, value: &Value) -> Reply {
    reply(status, "application/json; charset=utf-8", value.to_string())
}

pub(crate) fn page(html: String) -> Reply {
    reply(StatusCode::OK, "text/html; charset=utf-8", html)
}

pub(crate) fn script(text: impl Into<Bytes>) -> Reply {
    reply(StatusCode::OK, "text/javascript; charset=utf-8", text)
}

pub(crate) fn done() -> Reply {
    json(StatusCode::OK, &serde_json::json!({ "ok": true }))
}

pub(crate) fn redirect(to: &str) -> Reply {
    let mut reply = Reply::new(Bytes::new());
    *reply.status_mut() = StatusCode::SEE_OTHER;
    set(&mut reply, LOCATION, to);
    reply
}

/// Sets a header; a value that cannot stand in one is left out.
pub(crate) fn set(reply: &mut Reply, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

/// Adds a `Set-Cookie`, written out as in RFC 6265 §4.1.
pub(crate) fn set_cookie(reply: &mut Reply, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        reply.headers_mut().append(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_would_split_the_header_is_left_out() {
        let reply = redirect("/\r\nSet-Cookie: a=b");
        assert_eq!(reply.headers().get(LOCATION), None);
    }
}
