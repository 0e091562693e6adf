//! `cloakroom sessions`: who is logged in where, and ending it.

use super::ConfigFile;
use super::operator::{account, inside};
use crate::shown;
use crate::terminal::{Ending, answer, say};
use clap::{Args, Subcommand};
use cloakroom_app::{App, Error};
use cloakroom_core::id::SessionId;
use cloakroom_core::session::device_name;
use serde_json::json;

/// Sessions: listed and ended. What is ended here is refused by every node at once, and by services within their bound.
#[derive(Args)]
pub(super) struct Sessions {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the sessions of an account that have not ended.
    List {
        /// Its email address.
        #[arg(long, value_name = "EMAIL")]
        account: String,
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// End sessions: one, all that an account has, or every one there is.
    Revoke {
        #[command(flatten)]
        which: Which,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The session, as `sessions list` shows it.
    #[arg(allow_hyphen_values = true)]
    session: Option<SessionId>,
    /// Everything that the account with this email address has.
    #[arg(long, value_name = "EMAIL")]
    account: Option<String>,
    /// Every session there is: everybody has to log in again.
    #[arg(long)]
    everything: bool,
}

impl Sessions {
    pub(super) fn run(&self) -> anyhow::Result<Ending> {
        inside(&self.file, async |app, _| match &self.action {
            Action::List { account, json } => list(app, account, *json).await,
            Action::Revoke { which } => revoke(app, which).await,
        })
    }
}

async fn list(app: &App, email: &str, json: bool) -> anyhow::Result<Ending> {
    let Some(account) = account(app, email).await? else { return Ok(Ending::Misused) };
    let sessions = app.sessions_of(account.id).await?;
    if json {
        answer(&json!(sessions.iter().map(shown::session).collect::<Vec<_>>()).to_string());
        return Ok(Ending::Done);
    }
    let now = app.clock().now();
    answer(&format!("{:<24}{:<14}{:<28}{:<22}LAST USED", "SESSION", "STRATEGY", "DEVICE", "ADDRESS"));
    for session in &sessions {
        answer(&format!(
            "{:<24}{:<14}{:<28}{:<22}{} ago",
            session.id.to_string(),
            session.strategy.as_str(),
            device_name(&session.user_agent),
            session.address,
            now.since(session.last_used_at)
        ));
    }
    Ok(Ending::Done)
}

async fn revoke(app: &App, which: &Which) -> anyhow::Result<Ending> {
    if let Some(email) = &which.account {
        let Some(account) = account(app, email).await? else { return Ok(Ending::Misused) };
        return done(app.revoke_account(account.id).await, &format!("ended everything that {email} has"));
    }
    if let Some(session) = which.session {
        return done(app.withdraw_session(session).await, &format!("ended session {session}"));
    }
    app.revoke_everything().await?;
    answer("ended every session");
    Ok(Ending::Done)
}

fn done(result: Result<(), Error>, said: &str) -> anyhow::Result<Ending> {
    match result {
        Ok(()) => answer(said),
        Err(Error::Refused(_)) => {
            say("cloakroom: there is no such session; see `cloakroom sessions list --account EMAIL`");
            return Ok(Ending::Misused);
        }
        Err(Error::Failed(fault)) => return Err(fault.into()),
    }
    Ok(Ending::Done)
}
