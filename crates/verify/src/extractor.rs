//! The axum extractor: a handler that takes an [`AccessToken`] is only reached with a good one. The verifier comes from the
//! router's state.

use axum_core::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::problem::Refusal;
use crate::token::AccessToken;
use crate::verifier::Verifier;

impl<S> FromRequestParts<S> for AccessToken
where
    Verifier: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        Verifier::from_ref(state).authenticate(&parts.headers).await
    }
}

/// `None` only for a request without a bearer token: one that is not good is refused here too.
impl<S> OptionalFromRequestParts<S> for AccessToken
where
    Verifier: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Refusal> {
        match Verifier::from_ref(state).authenticate(&parts.headers).await {
            Err(Refusal::TokenMissing) => Ok(None),
            judged => judged.map(Some),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.response().into_response()
    }
}
