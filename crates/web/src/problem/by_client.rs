//! What the token endpoint and its neighbours answer when they say no: the codes of RFC 6749 §5.2, RFC 7009 §2.2.1 and RFC
//! 8693 §2.2.2, each with a sentence for whoever writes the client. Exhaustive, no `_` arm over refusals.

use super::{Code, Problem};
use crate::{Client, Response, Web};
use cloakroom_core::service::Refusal;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::json;

const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// Every status that a client is answered with when the answer is no.
pub(crate) const STATUSES: [u16; 8] = [400, 401, 408, 409, 413, 429, 500, 503];

/// Status, `error`, `error_description`: visible ASCII without `"` and `\` (RFC 6749 §5.2).
pub(super) const fn parts(refusal: Refusal) -> (StatusCode, &'static str, &'static str) {
    match refusal {
        Refusal::Malformed => (BAD, "invalid_request", "A parameter is missing, comes twice, or cannot be read."),
        Refusal::ParametersInUrl => (BAD, "invalid_request", "Parameters belong in the body, never in the URL."),
        Refusal::AuthenticatedTwice => {
            (BAD, "invalid_request", "Authenticate in one way only: Basic, client_secret or client_assertion.")
        }
        Refusal::ClientUnproven => (
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "The client is unknown, or its secret or assertion is not good. The log of the server says more.",
        ),
        Refusal::ClientReplayed => {
            (StatusCode::UNAUTHORIZED, "invalid_client", "The assertion was used before: make one for each request.")
        }
        Refusal::KeysUnavailable => {
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "The keys at jwks_uri cannot be fetched.")
        }
        Refusal::GrantUnknown => (BAD, "unsupported_grant_type", "This grant_type is not offered."),
        Refusal::GrantNotAllowed => (BAD, "unauthorized_client", "The client may not use this grant_type."),
        Refusal::AssertionInvalid => (
            BAD,
            "invalid_grant",
            "The assertion is not good: signature, typ, iss, aud (the issuer alone), exp, nbf, iat or jti.",
        ),
        Refusal::AssertionTooLong => (BAD, "invalid_grant", "The assertion lives too long: at most five minutes."),
        Refusal::AssertionAboutOthers => {
            (BAD, "invalid_grant", "A client speaks for itself: iss and sub are its client_id.")
        }
        Refusal::AssertionReplayed => {
            (BAD, "invalid_grant", "The assertion was used before: make one for each request.")
        }
        Refusal::TargetMissing => (BAD, "invalid_target", "Name the audience: the client has several, or none."),
        Refusal::TargetNotAllowed => (BAD, "invalid_target", "The client may not get tokens for this audience."),
        Refusal::TargetAmbiguous => (BAD, "invalid_target", "A token is for one audience: ask once for each."),
        Refusal::ScopeMalformed => (BAD, "invalid_scope", "The scope cannot be read."),
        Refusal::ScopeNotAllowed => {
            (BAD, "invalid_scope", "The scope is more than the client, or the presented token, may.")
        }
        Refusal::TokenTypeUnknown => {
            (BAD, "invalid_request", "Only urn:ietf:params:oauth:token-type:access_token is taken and made here.")
        }
        Refusal::ActorTokenUnsupported => {
            (BAD, "invalid_request", "actor_token is not taken: the client that asks is the actor.")
        }
        Refusal::SubjectInvalid => {
            (BAD, "invalid_request", "The subject_token is not genuine, over, revoked, or its session has ended.")
        }
        Refusal::SubjectNotForClient => {
            (BAD, "invalid_request", "The subject_token is for another audience than this client is.")
        }
        Refusal::SubjectNotAPerson => (BAD, "invalid_request", "The subject_token is of a client, not of a person."),
        Refusal::TooManyActors => (BAD, "invalid_request", "Too many have acted on behalf of this person already."),
        Refusal::RefreshInvalid => (BAD, "invalid_grant", "The refresh token is not good, or not one of a program."),
        Refusal::RefreshRaced => (
            StatusCode::CONFLICT,
            "temporarily_unavailable",
            "Another refresh was faster by a moment: use what it was answered.",
        ),
        Refusal::FromBrowser => (BAD, "invalid_request", "This is for programs, not for pages of a browser."),
        Refusal::RevocationOfOthers => (BAD, "unauthorized_client", "The token was granted to another client."),
        Refusal::NotRevocable => {
            (BAD, "unsupported_token_type", "This token ends with the session of its person, and not by itself.")
        }
    }
}

impl Web {
    /// Renders a problem as RFC 6749 §5.2 asks for.
    pub(crate) fn oauth_problem(&self, problem: &Problem, client: &Client) -> Response {
        let (status, error, description) = match problem.code {
            Code::Service(refusal) => parts(refusal),
            other => {
                let (status, _, title) = other.parts();
                let (status, error) = general(status);
                (status, error, title)
            }
        };
        let mut body = json!({ "error": error, "error_description": description });
        if let (Some(body), Some(incident)) = (body.as_object_mut(), problem.incident()) {
            body.insert("incident".into(), incident.into());
        }
        let mut response = Response::new(body.to_string().into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"cloakroom\", charset=\"UTF-8\""));
        }
        if let Some(seconds) = problem.wait_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        self.finish(headers, client);
        response
    }
}

/// What is said of problems that every route can have. A request that cannot be read is 400, whatever about it (RFC 6749 §5.2).
fn general(status: StatusCode) -> (StatusCode, &'static str) {
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => (status, "temporarily_unavailable"),
        status if status.is_server_error() => (status, "server_error"),
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => (status, "invalid_request"),
        _ => (BAD, "invalid_request"),
    }
}
