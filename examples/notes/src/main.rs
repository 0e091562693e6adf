//! The sample as a program of its own, for trying it behind a gateway that runs somewhere else. `cloakroom demo`
//! starts the same two servers inside its own process.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use cloakroom_notes::{ApiConfig, serve_api, serve_app};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The Notes sample: a single-page app and its JSON API, to be put behind a Cloakroom gateway.
#[derive(Parser)]
#[command(name = "cloakroom-notes", version)]
struct Arguments {
    /// Where the gateway publishes its keys; http:// only
    #[arg(long, env = "NOTES_JWKS_URL", default_value = "http://localhost:8080/.well-known/jwks.json")]
    jwks_url: String,
    /// The gateway's public URL, as its tokens name it in `iss`
    #[arg(long, env = "NOTES_ISSUER", default_value = "http://localhost:8080")]
    issuer: String,
    /// The audience that the gateway gives this API's tokens
    #[arg(long, env = "NOTES_AUDIENCE", default_value = "notes")]
    audience: String,
    /// The address of the API (mount it at /api)
    #[arg(long, env = "NOTES_API_LISTEN", default_value = "127.0.0.1:8082")]
    api_listen: SocketAddr,
    /// The address of the page (mount it at /)
    #[arg(long, env = "NOTES_APP_LISTEN", default_value = "127.0.0.1:8081")]
    app_listen: SocketAddr,
    /// A JSON file that keeps the notes over a restart
    #[arg(long, env = "NOTES_DATA")]
    data: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().init();
    let arguments = Arguments::parse();
    let api = TcpListener::bind(arguments.api_listen).await.context("--api-listen")?;
    let app = TcpListener::bind(arguments.app_listen).await.context("--app-listen")?;
    tracing::info!(api = %api.local_addr()?, app = %app.local_addr()?, "listening");

    let config = ApiConfig {
        jwks_url: arguments.jwks_url,
        issuer: arguments.issuer,
        audience: arguments.audience,
        data: arguments.data,
        now: Arc::new(unix_seconds),
    };
    let (stop, stopped) = watch::channel(false);
    let wait = |mut stopped: watch::Receiver<bool>| async move {
        // An error means that the sender is gone: time to stop as well.
        let _gone = stopped.wait_for(|stop| *stop).await;
    };
    let interrupt = async move {
        let result = tokio::signal::ctrl_c().await;
        let _nobody = stop.send(true);
        result
    };
    tokio::try_join!(serve_api(api, config, wait(stopped.clone())), serve_app(app, wait(stopped)), interrupt)?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the program's one real clock; the library is given it")]
fn unix_seconds() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
