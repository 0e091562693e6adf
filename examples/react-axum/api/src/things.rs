//! What somebody left, by account. A handler that takes an `AccessToken` is reached with a good one only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use cloakroom_verify::{AccessToken, Verifier};
use serde::Deserialize;
use serde_json::json;

/// Things of one account.
const PER_ACCOUNT: usize = 100;
/// Accounts that are kept.
const ACCOUNTS: usize = 1000;
/// Characters of a name.
const LONGEST: usize = 100;

#[derive(Clone)]
struct Api {
    verifier: Verifier,
    kept: Arc<Mutex<HashMap<String, Vec<String>>>>,
}

impl FromRef<Api> for Verifier {
    fn from_ref(api: &Api) -> Self {
        api.verifier.clone()
    }
}

#[derive(Deserialize)]
struct Thing {
    name: String,
}

/// `GET` and `POST /api/things`.
pub(crate) fn routes(verifier: Verifier) -> Router {
    let api = Api { verifier, kept: Arc::default() };
    Router::new().route("/api/things", get(read).post(leave)).layer(DefaultBodyLimit::max(4096)).with_state(api)
}

async fn read(State(api): State<Api>, token: AccessToken) -> Response {
    let kept = api.kept.lock().unwrap_or_else(PoisonError::into_inner);
    Json(json!({ "things": kept.get(token.subject()).map_or(&[][..], Vec::as_slice) })).into_response()
}

async fn leave(State(api): State<Api>, token: AccessToken, thing: Result<Json<Thing>, JsonRejection>) -> Response {
    let Ok(Json(Thing { name })) = thing else { return refuse(StatusCode::UNPROCESSABLE_ENTITY, "bad-thing") };
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "bad-thing");
    }
    let mut kept = api.kept.lock().unwrap_or_else(PoisonError::into_inner);
    let is_known = kept.contains_key(token.subject());
    if (!is_known && kept.len() == ACCOUNTS) || kept.get(token.subject()).is_some_and(|mine| mine.len() == PER_ACCOUNT)
    {
        return refuse(StatusCode::CONFLICT, "full");
    }
    let mine = kept.entry(token.subject().to_owned()).or_default();
    mine.push(name.to_owned());
    (StatusCode::CREATED, Json(json!({ "things": mine }))).into_response()
}

/// A problem document (RFC 9457). Nothing of the request is repeated in it.
fn refuse(status: StatusCode, code: &str) -> Response {
    let body = json!({ "status": status.as_u16(), "code": code }).to_string();
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response()
}
