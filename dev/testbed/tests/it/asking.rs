//! What the stories of accounts ask for again and again, by the API as a script of the site does, and how answers are compared.

use cloakroom_testbed::{Answer, Guest};
use serde_json::json;
use std::fmt::Write as _;

/// A password that the policy takes, and nobody has by default.
pub(crate) const OTHER: &str = "velvet harbour ladder quince";

pub(crate) async fn sign_up(guest: &Guest, email: &str, password: &str) -> Answer {
    guest.fetch("POST", "/auth/signup", Some(json!({ "email": email, "password": password }))).await
}

pub(crate) async fn log_in(guest: &Guest, email: &str, password: &str) -> Answer {
    guest.fetch("POST", "/auth/login", Some(json!({ "email": email, "password": password }))).await
}

pub(crate) async fn forgot(guest: &Guest, email: &str) -> Answer {
    guest.fetch("POST", "/auth/password/forgot", Some(json!({ "email": email }))).await
}

pub(crate) async fn resend(guest: &Guest, email: &str) -> Answer {
    guest.fetch("POST", "/auth/email/resend", Some(json!({ "email": email }))).await
}

/// Shows a mailed token, or a typed code, to a route.
pub(crate) async fn show(guest: &Guest, route: &str, token: &str) -> Answer {
    guest.fetch("POST", route, Some(json!({ "token": token }))).await
}

/// Confirms an address by a mailed token, with the password of the sign-up.
pub(crate) async fn confirm(guest: &Guest, token: &str, password: &str) -> Answer {
    guest.fetch("POST", "/auth/email/verify", Some(json!({ "token": token, "password": password }))).await
}

/// Confirms a new address by a mailed token, with the password of the account.
pub(crate) async fn confirm_change(guest: &Guest, token: &str, password: &str) -> Answer {
    guest.fetch("POST", "/auth/email/confirm", Some(json!({ "token": token, "password": password }))).await
}

pub(crate) async fn reset(guest: &Guest, token: &str, password: &str) -> Answer {
    guest.fetch("POST", "/auth/password/reset", Some(json!({ "token": token, "password": password }))).await
}

/// Status and code in one.
pub(crate) fn said(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

/// An answer without what differs between any two: what a stranger could tell two cases apart by is the rest. Of cookies, form
/// tokens and nonces only how long they are.
pub(crate) fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let mut body = answer.text();
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    for (before, after) in [("nonce=\"", "\""), ("name=\"cloakroom_csrf\" value=\"", "\"")] {
        body = masked(&body, before, after);
    }
    for (name, value) in &mut headers {
        *value = masked(value, "'nonce-", "'");
        if name == "set-cookie" {
            *value = masked(value, "=", ";");
        }
    }
    headers.sort();
    (answer.status.as_u16(), headers, body)
}

fn masked(text: &str, before: &str, after: &str) -> String {
    let mut parts = text.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (secret, rest) = part.split_once(after).unwrap_or((part, ""));
        write!(out, "{before}{}{after}{rest}", secret.len()).unwrap();
    }
    out
}
