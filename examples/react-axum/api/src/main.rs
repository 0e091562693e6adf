//! Things people leave, in memory: an API in axum. It has no log-in, no session and no cookie; who asks stands in the token.
//!
//! `cloakroom-verify` does the judging, from memory: signature, issuer, audience, time, and by the revocation feed whether the
//! session has ended a moment ago.

mod page;
mod things;

use std::env;
use std::path::PathBuf;

use anyhow::Context as _;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use cloakroom_verify::Verifier;
use tokio::net::TcpListener;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "it says where it listens")]
async fn main() -> anyhow::Result<()> {
    let issuer = setting("ISSUER").unwrap_or_else(|| "http://localhost:8080".to_owned());
    let audience = setting("AUDIENCE").unwrap_or_else(|| "things".to_owned());
    let mut verifier = Verifier::builder(&issuer, audience).jwks_uri(format!("{issuer}/.well-known/jwks.json"));
    // Without it a token is good until it expires, whatever happened to its session.
    if let Some(token) = setting("FEED_TOKEN") {
        verifier = verifier.feed(format!("{issuer}/auth/revocations"), token);
    }
    let verifier = verifier.build()?;
    let health = verifier.clone();
    let page = setting("PAGE").map_or_else(|| PathBuf::from("../plain/public"), PathBuf::from);
    let app = Router::new()
        .merge(things::routes(verifier))
        .route("/ready", get(async move || ready(&health)))
        .merge(page::routes(&page)?);
    let port = setting("PORT").map_or(Ok(8081), |port| port.parse()).context("PORT")?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.context("PORT")?;
    println!("the API listens on {}", listener.local_addr()?.port());
    axum::serve(listener, app).await?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the settings of an example are its environment, read here only")]
fn setting(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Whether it can judge: it has the keys of the issuer, and hears the feed.
fn ready(verifier: &Verifier) -> StatusCode {
    let status = verifier.status();
    if status.keys > 0 && status.is_feed_fresh { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}
