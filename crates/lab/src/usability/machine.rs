//! `native`: a program that is no browser: no `Origin`, no `Sec-Fetch-*`, no cookie jar.

use anyhow::Result;
use serde_json::{Value, json};

use super::served::Moment;
use super::{Found, found};
use crate::dpop::Key;
use crate::scene::Scene;
use crate::world::{PASSWORD, own};

/// `native`, as the row's second person.
pub(super) async fn native(scene: &Scene<'_>) -> Result<Found> {
    let is_own = own(scene.row).is_some();
    let path = if is_own { "/auth/login" } else { "/api/login" };
    let mut login = json!({ "email": scene.thief.email, "password": PASSWORD });
    if let (true, Some(fields)) = (is_own, login.as_object_mut()) {
        fields.insert("strategy".to_owned(), json!("native"));
    }
    let key = Key::new()?;
    let proof = key.proof("POST", &scene.app(path), None, 0)?;
    // The interface's own fixed header; no browser adds it by itself.
    let mut headers = vec![("content-type", "application/json"), ("x-csrf", "1")];
    let answer = send(scene, "POST", path, &headers, &login).await?;
    let answer = if answer.status().is_success() {
        answer
    } else {
        headers.push(("dpop", proof.as_str()));
        send(scene, "POST", path, &headers, &login).await?
    };
    let told: Value = serde_json::from_str(answer.body()).unwrap_or(Value::Null);
    let refused = told.get("code").or_else(|| told.get("error")).and_then(Value::as_str).unwrap_or_default();
    if !answer.status().is_success() {
        return Ok(found("no", format!("the log-in of a program was answered {} {refused}", answer.status().as_u16())));
    }
    let bound = told.get("token_type").is_some_and(|kind| kind == "DPoP");
    let tokens = ["access_token", "payload"].into_iter().filter_map(|name| told.get(name).and_then(Value::as_str));
    for token in tokens {
        let authorization = format!("{} {token}", if bound { "DPoP" } else { "Bearer" });
        let proof = key.proof("GET", &scene.app("/api/profile"), Some(token), 1)?;
        let mut headers = vec![("authorization", authorization.as_str()), ("x-csrf", "1")];
        if bound {
            headers.push(("dpop", &proof));
        }
        if served(scene, &headers).await? {
            let by = if bound { "a bound token and proofs by a key of its own" } else { "the token of the answer" };
            return Ok(found("yes", format!("a program logs in by JSON and is served with {by}")));
        }
    }
    let jar = answer.headers().get_all("set-cookie").iter().filter_map(|line| line.to_str().ok()?.split(';').next());
    let jar = jar.collect::<Vec<_>>().join("; ");
    if !jar.is_empty() && served(scene, &[("cookie", &jar), ("x-csrf", "1")]).await? {
        return Ok(found("no", "a program is served only if it keeps cookies, as a browser does"));
    }
    Ok(found("no", "nothing that the log-in's answer gives to a program is taken by the interface"))
}

async fn send(
    scene: &Scene<'_>,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<http::Response<String>> {
    scene.world.machine.send(&scene.host(), method, path, headers, body.to_string()).await
}

/// Whether a call with these fields gives the profile out.
async fn served(scene: &Scene<'_>, headers: &[(&str, &str)]) -> Result<bool> {
    let before = Moment::now(scene.world);
    let answer = scene.world.machine.send(&scene.host(), "GET", "/api/profile", headers, "").await?;
    Ok(answer.status().is_success() && before.served(scene.world, &scene.thief.email))
}
