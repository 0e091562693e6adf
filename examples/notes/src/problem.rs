//! Refusals as problem documents (RFC 9457). Nothing of the request is repeated in them.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No bearer token.
    TokenMissing,
    /// A token that is not good here and now.
    TokenInvalid,
    /// The issuer's keys were never reached: nobody can be told from anybody.
    KeysUnavailable,
    /// Not `{"text": "..."}`, or not 1 to 500 characters.
    BadNote,
    /// Not `{"to": "pocket" or "savings", "amount": 1 or more}`.
    BadTransfer,
    /// The purse that it comes from does not hold so many.
    TooFewCoins,
    /// Not `application/json`.
    NotJson,
    /// A body over the limit.
    TooLarge,
    /// This user has as many notes as one may have.
    TooManyNotes,
    /// This user has as many streams open as one may have.
    TooManyStreams,
    /// The sample has as many users as it keeps.
    Full,
    /// No such note of this user, or no such route.
    NotFound,
    /// The route exists, with another method.
    MethodNotAllowed,
    /// The file could not be written.
    NotSaved,
    /// Not a WebSocket handshake.
    NotAWebSocket,
}

impl Problem {
    /// Status, stable code, and a sentence for people.
    pub(crate) const fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::TokenMissing => (StatusCode::UNAUTHORIZED, "token-missing", "A bearer token is required."),
            Self::TokenInvalid => (StatusCode::UNAUTHORIZED, "token-invalid", "The bearer token is not valid here."),
            Self::KeysUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "keys-unavailable", "The issuer's keys cannot be reached.")
            }
            Self::BadNote => (StatusCode::UNPROCESSABLE_ENTITY, "bad-note", "A note has 1 to 500 characters of text."),
            Self::BadTransfer => {
                (StatusCode::UNPROCESSABLE_ENTITY, "bad-transfer", "Send at least one coin to pocket or savings.")
            }
            Self::TooFewCoins => (StatusCode::CONFLICT, "too-few-coins", "There are not so many coins in that purse."),
            Self::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "The body must be application/json."),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large."),
            Self::TooManyNotes => (StatusCode::CONFLICT, "too-many-notes", "Delete a note before adding another."),
            Self::TooManyStreams => (StatusCode::TOO_MANY_REQUESTS, "too-many-streams", "Too many open pages."),
            Self::Full => (StatusCode::INSUFFICIENT_STORAGE, "full", "This sample keeps notes for no more people."),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such thing here."),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Not with this method."),
            Self::NotSaved => (StatusCode::INTERNAL_SERVER_ERROR, "not-saved", "The change could not be saved."),
            Self::NotAWebSocket => (StatusCode::UPGRADE_REQUIRED, "not-a-websocket", "Open this as a WebSocket."),
        }
    }

    /// The code alone, for a WebSocket message.
    pub(crate) const fn code(self) -> &'static str {
        self.parts().1
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code, title) = self.parts();
        let body = json!({ "status": status.as_u16(), "code": code, "title": title }).to_string();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 6750 §3: no error code when no token was sent.
            let challenge = match self {
                Self::TokenMissing => "Bearer",
                _ => "Bearer error=\"invalid_token\"",
            };
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
