//! One file per route: extract, call one use case, render.

pub(crate) mod account;
pub(crate) mod assets;
pub(crate) mod csrf;
pub(crate) mod home;
pub(crate) mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod refresh;
pub(crate) mod reports;
pub(crate) mod signup;

use crate::Response;
use cloakroom_app::session::Opened;
use cloakroom_core::account::Account;
use cloakroom_core::session::Session;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

/// An answer in JSON.
fn answer(body: &Value) -> Response {
    let mut response = Response::new(body.to_string().into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What log-in and refresh answer: no token is in it (v5.0.0-3.3.4).
fn opened(account: &Account, opened: &Opened) -> Value {
    json!({
        "account": account_of(account),
        "session": session_of(&opened.session),
        "expires_at": opened.expires_at.unix_seconds(),
        "csrf": opened.form_token,
    })
}

fn account_of(account: &Account) -> Value {
    json!({ "id": account.id.to_string(), "email": account.email.as_str() })
}

fn session_of(session: &Session) -> Value {
    json!({
        "id": session.id.to_string(),
        "opened_at": session.opened_at.unix_seconds(),
        "ends_at": session.absolute_until.unix_seconds(),
        "methods": [session.method.as_str()],
    })
}
