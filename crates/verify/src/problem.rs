//! Refusals, and the one place that maps them to HTTP: status, challenge (RFC 6750 §3) and problem document (RFC 9457).
//! Exhaustive, no `_` arm. No answer repeats anything of the token.

use std::time::Duration;

use bytes::Bytes;
use cloakroom_jose::Refused;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;
use serde_json::json;

/// Why a request is not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no bearer token.
    #[error("no bearer token was sent")]
    TokenMissing,
    /// More than one `Authorization`.
    #[error("the request has more than one Authorization")]
    AuthorizationTwice,
    /// Not a genuine token of the issuer for this audience. The reason is for your log; the client does not learn it.
    #[error("{0}")]
    TokenInvalid(Refused),
    /// Genuine, but over: a refresh helps.
    #[error("the token has expired")]
    TokenExpired,
    /// Genuine, but its session, account or key was revoked: only a new log-in helps.
    #[error("the token was revoked")]
    TokenRevoked,
    /// Good, but not for this.
    #[error("the token lacks the scope {scope}")]
    InsufficientScope {
        /// What it would need.
        scope: Box<str>,
    },
    /// The issuer's keys cannot be fetched, and those at hand do not help.
    #[error("the issuer's keys are not available")]
    KeysUnavailable {
        /// When it is worth asking again.
        retry_after: Duration,
    },
    /// The revocation feed has been silent for too long: a token that was revoked meanwhile would look good.
    #[error("the revocation feed is silent")]
    RevocationsStale {
        /// When it is worth asking again.
        retry_after: Duration,
    },
}

impl Refusal {
    /// Its status.
    pub const fn status(&self) -> StatusCode {
        self.parts().0
    }

    /// Its code, on which a client may branch. The text of a code never changes its meaning.
    pub const fn code(&self) -> &'static str {
        self.parts().1
    }

    /// The whole answer.
    pub fn response(&self) -> Response<Full<Bytes>> {
        let (status, code, title, detail) = self.parts();
        let body =
            json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "code": code, "detail": detail });
        let mut response = Response::new(Full::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Self::KeysUnavailable { retry_after } | Self::RevocationsStale { retry_after } = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after.as_secs().saturating_add(1)));
        }
        response
    }

    /// RFC 6750 §3: without a token no error; with one, which error.
    fn challenge(&self) -> Option<HeaderValue> {
        Some(match self {
            Self::TokenMissing => HeaderValue::from_static("Bearer"),
            Self::AuthorizationTwice => HeaderValue::from_static("Bearer error=\"invalid_request\""),
            Self::TokenInvalid(_) => HeaderValue::from_static("Bearer error=\"invalid_token\""),
            Self::TokenExpired => {
                HeaderValue::from_static("Bearer error=\"invalid_token\", error_description=\"The token has expired\"")
            }
            Self::TokenRevoked => {
                HeaderValue::from_static("Bearer error=\"invalid_token\", error_description=\"The token was revoked\"")
            }
            Self::InsufficientScope { scope } if is_scope(scope) => {
                HeaderValue::from_str(&format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"")).ok()?
            }
            Self::InsufficientScope { .. } => HeaderValue::from_static("Bearer error=\"insufficient_scope\""),
            Self::KeysUnavailable { .. } | Self::RevocationsStale { .. } => return None,
        })
    }

    /// Status, code, title, what to do.
    const fn parts(&self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::TokenMissing => (
                StatusCode::UNAUTHORIZED,
                "token-missing",
                "A bearer token is required",
                "Send an access token: Authorization: Bearer.",
            ),
            Self::AuthorizationTwice => (
                StatusCode::BAD_REQUEST,
                "authorization-twice",
                "Which token is meant?",
                "Send one Authorization header. What stands in front may have added a second one.",
            ),
            Self::TokenInvalid(_) => (
                StatusCode::UNAUTHORIZED,
                "token-invalid",
                "The bearer token is not valid here",
                "Use an access token of this API's issuer that was made for this API.",
            ),
            Self::TokenExpired => (
                StatusCode::UNAUTHORIZED,
                "access-expired",
                "The access token has expired",
                "Refresh it, then repeat the request.",
            ),
            Self::TokenRevoked => {
                (StatusCode::UNAUTHORIZED, "token-revoked", "The access token was revoked", "Log in again.")
            }
            Self::InsufficientScope { .. } => (
                StatusCode::FORBIDDEN,
                "insufficient-scope",
                "The access token is not good for this",
                "Ask for a token with the scope that WWW-Authenticate names.",
            ),
            Self::KeysUnavailable { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "keys-unavailable",
                "The token cannot be judged now",
                "The issuer's keys cannot be fetched. Repeat the request after Retry-After; operators look at the issuer's jwks_uri.",
            ),
            Self::RevocationsStale { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "revocations-stale",
                "The token cannot be judged now",
                "The revocation feed has been silent for too long. Repeat the request after Retry-After; operators look at the \
                 address and the token of the feed.",
            ),
        }
    }
}

/// RFC 6749 §3.3: tokens of these characters, one space between.
fn is_scope(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(refusal: &Refusal, name: http::HeaderName) -> Option<String> {
        refusal.response().headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn rfc_6750_3_only_a_request_with_a_token_is_told_an_error() {
        let challenge = |refusal: Refusal| header(&refusal, WWW_AUTHENTICATE);
        assert_eq!(challenge(Refusal::TokenMissing).unwrap(), "Bearer");
        assert_eq!(challenge(Refusal::TokenInvalid(Refused::BadSignature)).unwrap(), "Bearer error=\"invalid_token\"");
        let lacking = |scope: &str| challenge(Refusal::InsufficientScope { scope: scope.into() }).unwrap();
        assert_eq!(lacking("a:read b"), "Bearer error=\"insufficient_scope\", scope=\"a:read b\"");
        assert_eq!(lacking("a\", x=\""), "Bearer error=\"insufficient_scope\"");
        assert_eq!(lacking("a\r\nb"), "Bearer error=\"insufficient_scope\"");
    }

    #[test]
    fn the_invalid_say_nothing_of_why() {
        let answer = |refused| format!("{:?}", Refusal::TokenInvalid(refused).response());
        assert_eq!(answer(Refused::BadSignature), answer(Refused::WrongAudience));
    }

    #[test]
    fn a_retry_is_never_asked_for_at_once() {
        let retry =
            |millis| header(&Refusal::KeysUnavailable { retry_after: Duration::from_millis(millis) }, RETRY_AFTER);
        assert_eq!((retry(0).unwrap().as_str(), retry(1500).unwrap().as_str()), ("1", "2"));
    }
}
