//! One file per route: extract, call one use case, render.

pub(crate) mod account;
pub(crate) mod assets;
pub(crate) mod csrf;
pub(crate) mod devices;
pub(crate) mod email;
pub(crate) mod factors;
pub(crate) mod home;
pub(crate) mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod metadata;
pub(crate) mod onward;
pub(crate) mod passkeys;
pub(crate) mod password;
pub(crate) mod probe;
pub(crate) mod providers;
pub(crate) mod refresh;
pub(crate) mod reports;
pub(crate) mod revocations;
pub(crate) mod sessions;
pub(crate) mod signup;
pub(crate) mod step_up;
pub(crate) mod token;
pub(crate) mod token_status;
pub(crate) mod verify;

use crate::Response;
use cloakroom_app::session::{Handed, Opened};
use cloakroom_core::account::Account;
use cloakroom_core::session::Session;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

/// An answer in JSON.
fn answer(body: &Value) -> Response {
    let mut response = Response::new(body.to_string().into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer with one more member.
fn with(mut body: Value, name: &str, value: Value) -> Value {
    if let Some(body) = body.as_object_mut() {
        body.insert(name.to_owned(), value);
    }
    body
}

/// The same as 202: it happens, and when it has happened the owner of an address is told.
fn accepted(body: &Value) -> Response {
    let mut response = answer(body);
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// Done, and nothing to say.
fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// What log-in and refresh answer. No token is in it (v5.0.0-3.3.4), but for strategies whose tokens belong there: half
/// of one for `split-bearer`, a short-lived one for `memory`, both for a program.
fn opened(account: &Account, opened: &Opened) -> Value {
    let mut body = json!({
        "account": account_of(account),
        "session": session_of(&opened.session),
        "expires_at": opened.expires_at.unix_seconds(),
        "csrf": opened.form_token,
    });
    let fields = match &opened.handed {
        Handed::Cookie { .. } | Handed::Ticket(_) | Handed::Split { .. } => vec![],
        Handed::SplitBearer { claims, .. } => vec![("claims", claims.clone())],
        Handed::Memory { access, .. } => vec![("token_type", "Bearer".into()), ("access_token", access.clone())],
        Handed::Native { access, refresh } => vec![
            ("token_type", "Bearer".into()),
            ("access_token", access.clone()),
            ("refresh_token", refresh.to_wire()),
        ],
    };
    if let Some(body) = body.as_object_mut() {
        body.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
    }
    body
}

fn account_of(account: &Account) -> Value {
    json!({
        "id": account.id.to_string(),
        "email": account.email.as_str(),
        "email_verified": account.email_verified_at.is_some(),
    })
}

fn session_of(session: &Session) -> Value {
    json!({
        "id": session.id.to_string(),
        "opened_at": session.opened_at.unix_seconds(),
        "ends_at": session.absolute_until.unix_seconds(),
        "methods": session.method.amr(),
        "strategy": session.strategy.as_str(),
    })
}
