//! The house as a command opens it: the store that a server may be running on, and the accounts in it.

use super::ConfigFile;
use crate::config::{Config, StoreAt};
use crate::master_key;
use crate::serve::open_store;
use crate::terminal::{Ending, master_from_environment, say, small_runtime};
use cloakroom_app::{App, SystemClock};
use cloakroom_core::account::Account;
use std::sync::Arc;

/// Opens the house that a configuration names, lets `act` do its work, and closes it. A running server sees what was done
/// within a second.
pub(super) fn inside<F>(file: &ConfigFile, act: F) -> anyhow::Result<Ending>
where
    F: AsyncFnOnce(&App, &Config) -> anyhow::Result<Ending>,
{
    let Some(config) = file.read()? else { return Ok(Ending::Misused) };
    if let StoreAt::Sqlite(path) = &config.store
        && !path.exists()
    {
        say(&format!(
            "cloakroom: there is no database {} here; start the server once, or name its configuration",
            path.display()
        ));
        return Ok(Ending::Misused);
    }
    small_runtime()?.block_on(async {
        let store = open_store(&config.store).await?;
        let master = master_key::load_for(&config, master_from_environment().as_deref())?;
        let app = App::open(Arc::clone(&store), Arc::new(SystemClock), config.settings.clone(), master).await?;
        let ending = act(&app, &config).await;
        store.close().await;
        ending
    })
}

/// The account with an address; says so when there is none.
pub(super) async fn account(app: &App, email: &str) -> anyhow::Result<Option<Account>> {
    let found = app.account_by_email(email).await?;
    if found.is_none() {
        say(&format!("cloakroom: there is no account {email}"));
    }
    Ok(found)
}
