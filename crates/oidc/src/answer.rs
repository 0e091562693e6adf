//! Asks, and judges an answer's size, status and form before its meaning is looked at.

use cloakroom_jose::is_strict_object;
use serde::Deserialize;

use crate::error::Error;
use crate::fetch::{Fetch, FetchError, FetchRequest, FetchResponse};

/// Every answer but a key set is bounded by this, in bytes.
pub(crate) const MAX_ANSWER: usize = 256 * 1024;

/// Error codes of RFC 6749 §4.1.2.1 and §5.2, RFC 7009 §2.2.1 and OpenID Connect Core 1.0 §3.1.2.6. No other text of a
/// provider is repeated.
const REGISTERED: &[&str] = &[
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_request_object",
    "invalid_request_uri",
    "invalid_scope",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unmet_authentication_requirements",
    "unsupported_grant_type",
    "unsupported_response_type",
    "unsupported_token_type",
];

/// The refusal that an error code of a provider means.
pub(crate) fn denied(code: &str) -> Error {
    Error::Denied { error: REGISTERED.iter().find(|known| **known == code).copied().unwrap_or("unregistered") }
}

/// An answer that is neither too large, nor a redirect, nor an outage.
pub(crate) async fn ask(fetch: &dyn Fetch, request: FetchRequest) -> Result<FetchResponse, Error> {
    let (limit, url) = (request.limit, request.url.clone());
    let response = fetch.fetch(request).await.map_err(|error| {
        tracing::warn!(%url, %error, "a provider was asked in vain");
        if error == FetchError::TooLarge { Error::TooLarge } else { Error::Outage }
    })?;
    match response.status {
        300..=399 => Err(Error::Redirected),
        408 | 429 | 500.. => {
            tracing::warn!(%url, status = response.status, "a provider was asked in vain");
            Err(Error::Outage)
        }
        _ if response.body.len() > limit => Err(Error::TooLarge),
        _ => Ok(response),
    }
}

/// The body of an answer of one of these media types that is one JSON object which every reader reads alike.
pub(crate) fn object<'r>(response: &'r FetchResponse, media_types: &[&str]) -> Result<&'r [u8], &'static str> {
    let essence = response.content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !media_types.iter().any(|wanted| essence.eq_ignore_ascii_case(wanted)) {
        return Err("is not of the media type application/json");
    }
    if !is_strict_object(&response.body) {
        return Err("is not one JSON object with unique members");
    }
    Ok(&response.body)
}

/// Why a credential that was posted is refused, by an answer that is not 200 (RFC 6749 §5.2).
pub(crate) fn refusal(response: &FetchResponse) -> Error {
    #[derive(Deserialize)]
    struct Wire {
        error: String,
    }
    let body = object(response, &["application/json"]).ok();
    match body.and_then(|body| serde_json::from_slice::<Wire>(body).ok()) {
        Some(wire) if wire.error == "invalid_grant" => Error::InvalidGrant,
        Some(wire) => denied(&wire.error),
        None => denied(""),
    }
}
