//! What an attacker gets by logging in as himself, on his own machine: the credentials that he may plant in somebody else's
//! browser.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::dpop::Key;
use crate::person::Person;
use crate::scene::Scene;
use crate::world::{PASSWORD, own};

/// What a log-in answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Carried {
    /// Names and values.
    pub(super) cookies: Vec<(String, String)>,
    /// Access token first, if the body has one.
    pub(super) tokens: Vec<String>,
}

/// Where the row's application takes a log-in.
pub(super) fn log_in_path(row: &str) -> &'static str {
    if own(row).is_some() { "/auth/login" } else { "/api/login" }
}

/// Logs somebody in from another machine.
pub(super) async fn log_in_elsewhere(scene: &Scene<'_>, person: &Person) -> Result<Carried> {
    let body = json!({ "email": person.email, "password": PASSWORD }).to_string();
    let origin = scene.app("");
    let path = log_in_path(scene.row);
    let proof = Key::new()?.proof("POST", &scene.app(path), None, 0)?;
    let headers = [
        ("origin", origin.as_str()),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/json"),
        ("x-csrf", "1"),
        // Only who binds tokens looks at it (RFC 9449 5).
        ("dpop", proof.as_str()),
    ];
    let answer = scene.world.machine.send(&scene.host(), "POST", path, &headers, body).await?;
    anyhow::ensure!(answer.status().is_success(), "an honest log-in was answered {}", answer.status());
    let cookies = answer.headers().get_all("set-cookie").iter().filter_map(|line| {
        let (name, value) = line.to_str().ok()?.split(';').next()?.split_once('=')?;
        (!value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
    });
    let mut carried = Carried { cookies: cookies.collect(), tokens: Vec::new() };
    let told: Value = serde_json::from_str(answer.body()).unwrap_or(Value::Null);
    for name in ["access_token", "token", "accessToken", "refresh_token", "refreshToken", "payload", "claims"] {
        if let Some(token) = told.get(name).and_then(Value::as_str) {
            carried.tokens.push(token.to_owned());
        }
    }
    Ok(carried)
}

/// The same, where there has to be something.
pub(super) async fn credentials_elsewhere(scene: &Scene<'_>, person: &Person) -> Result<Option<Carried>> {
    let carried = log_in_elsewhere(scene, person).await.context("logging in from another machine")?;
    Ok((!carried.cookies.is_empty() || !carried.tokens.is_empty()).then_some(carried))
}
