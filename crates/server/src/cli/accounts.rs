//! `cloakroom accounts`: shutting an account out, and letting it in again.

use super::ConfigFile;
use super::operator::{account, inside};
use crate::terminal::{Ending, answer};
use clap::{Args, Subcommand};
use cloakroom_app::Error;

/// Accounts: disabled and enabled.
#[derive(Args)]
pub(super) struct Accounts {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Disable an account: nobody can log in to it, and everything that it has is ended at once.
    Disable {
        /// Its email address.
        email: String,
    },
    /// Enable an account again. Its sessions stay ended.
    Enable {
        /// Its email address.
        email: String,
    },
}

impl Accounts {
    pub(super) fn run(&self) -> anyhow::Result<Ending> {
        let (email, disable) = match &self.action {
            Action::Disable { email } => (email, true),
            Action::Enable { email } => (email, false),
        };
        inside(&self.file, async |app, _| {
            let Some(account) = account(app, email).await? else { return Ok(Ending::Misused) };
            match app.disable_account(account.id, disable).await {
                Ok(()) => {}
                Err(Error::Failed(fault)) => return Err(fault.into()),
                Err(Error::Refused(_)) => anyhow::bail!("the account {email} was deleted in this moment"),
            }
            answer(&format!("{} {email}", if disable { "disabled" } else { "enabled" }));
            Ok(Ending::Done)
        })
    }
}
