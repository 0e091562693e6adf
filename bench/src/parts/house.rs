//! The use cases in this process, on a store of choice, configured as the server configures them.

use crate::server::PASSWORD;
use anyhow::{Result, anyhow};
use cloakroom_app::session::{Login, Opened};
use cloakroom_app::{App, SystemClock};
use cloakroom_jose::MasterKey;
use cloakroom_server::config;
use cloakroom_store::Store;
use std::sync::Arc;

/// A `User-Agent` of usual length: it is in every row of a session.
const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";

/// Opens the house. `more` is configuration besides what is required.
pub(super) async fn open(store: Arc<dyn Store>, more: &str) -> Result<Arc<App>> {
    let text = format!(
        "{more}\n[server]\npublic_url = \"http://localhost:8080\"\n\
         [[upstream]]\nto = \"http://127.0.0.1:1\"\naccess = \"signed-in\"\n"
    );
    let config = config::parse(&text, std::iter::empty())
        .map_err(|mistakes| anyhow!("{}", mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let master = MasterKey::generate()?;
    App::open(store, Arc::new(SystemClock), config.settings, master).await.map_err(|fault| anyhow!("{fault}"))
}

/// Settings that make log-ins cheap, for measurements of something else.
pub(super) const CHEAP_PASSWORDS: &str = "[password]\nmemory_kib = 7168\npasses = 1\nqueue = 10000\n";

pub(super) async fn sign_up(app: &App, email: &str) -> Result<()> {
    app.sign_up(email, PASSWORD.to_owned()).await.map_err(|error| anyhow!("sign-up: {error:?}"))
}

pub(super) async fn log_in(app: &App, email: &str) -> Result<Opened> {
    let login = Login {
        email,
        password: PASSWORD.to_owned(),
        remember: true,
        user_agent: BROWSER,
        address: "2001:db8:85a3::8a2e:370:7334".to_owned(),
        replaces: None,
    };
    app.log_in(login).await.map(|(_, opened)| opened).map_err(|error| anyhow!("log-in: {error:?}"))
}

/// Rotates once.
pub(super) async fn refresh(app: &App, opened: &Opened) -> Result<Opened> {
    let refreshed = app.refresh(&opened.refresh_token.to_wire(), Some(&opened.access_token)).await;
    refreshed.map_err(|error| anyhow!("refresh: {error:?}"))
}
