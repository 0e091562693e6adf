//! `cloakroom accounts`: who there is, and what operators do with them. None of it shows or sets a password.

mod import;
mod list;

use super::ConfigFile;
use super::operator::{account, inside};
use crate::shown;
use crate::terminal::{Ending, answer, say};
use clap::{Args, Subcommand};
use cloakroom_app::account::Created;
use cloakroom_app::{App, Error, Refusal};
use serde_json::{Value, json};
use std::io::BufRead as _;

/// Accounts: listed, opened, shut out, recovered, given out, deleted, taken over from elsewhere.
#[derive(Args)]
pub(super) struct Accounts {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List every account: its id, whether it can be logged in to, since when it is there, its address.
    List {
        /// Answer as a JSON array.
        #[arg(long)]
        json: bool,
    },
    /// Show an account with its sessions, devices and second factors.
    Show {
        /// Its email address.
        email: String,
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Open an account. Its owner gets a mail with a link to set a password.
    ///
    /// Where no mail is configured, the link is printed instead: pass it on by a way that nobody else reads. It is good for 3
    /// days, and once.
    Create {
        /// The email address of its owner.
        email: String,
        /// Answer as JSON: {"id":…,"mailed":…,"link":…}.
        #[arg(long)]
        json: bool,
    },
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
    /// Delete an account with everything that it has. This cannot be undone.
    ///
    /// The audit trail keeps its lines, which name it by an id that means nobody any longer. Its address must be typed again.
    Delete {
        /// Its email address.
        email: String,
        /// Do not ask for the address again.
        #[arg(long)]
        yes: bool,
    },
    /// Send the owner of an account a mail with a link to set a new password. The old one works until they do.
    ///
    /// Where no mail is configured, the link is printed instead: pass it on by a way that nobody else reads. It is good for 30
    /// minutes, and once.
    Reset {
        /// Its email address.
        email: String,
        /// Answer as JSON: {"mailed":…,"link":…}.
        #[arg(long)]
        json: bool,
    },
    /// Remove every second factor of an account: for an owner who has lost them, once you know that it is them.
    ///
    /// Everything that the account has is ended, and its owner gets a mail where mail is configured. Its password stays.
    RemoveFactors {
        /// Its email address.
        email: String,
    },
    /// Print everything that is kept of an account, in JSON: for its owner, who may ask for it (GDPR Art. 15 and 20).
    ///
    /// No secret is in it, nor a hash of one. The audit trail notes that it was given out.
    Export {
        /// Its email address.
        email: String,
    },
    /// Take over accounts of another system with the hashes of their passwords.
    ///
    /// Reads one JSON object a line: {"email":"ann@example.com","hash":"$2b$12$…","verified":true}. "verified" says that the
    /// other system has confirmed the address; false if it is left out. Known hashes are argon2, bcrypt, scrypt and PBKDF2;
    /// each is replaced by a hash of our own when its owner logs in. Good lines are imported, bad ones reported with their
    /// number, and the exit code is 1 if there was one.
    Import(import::Import),
}

impl Accounts {
    pub(super) fn run(&self) -> anyhow::Result<Ending> {
        inside(&self.file, async |app, _| match &self.action {
            Action::List { json } => list::list(app, *json).await,
            Action::Show { email, json } => list::show(app, email, *json).await,
            Action::Create { email, json } => create(app, email, *json).await,
            Action::Disable { email } => disable(app, email, true).await,
            Action::Enable { email } => disable(app, email, false).await,
            Action::Delete { email, yes } => delete(app, email, *yes).await,
            Action::Reset { email, json } => reset(app, email, *json).await,
            Action::RemoveFactors { email } => remove_factors(app, email).await,
            Action::Export { email } => export(app, email).await,
            Action::Import(import) => import.run(app).await,
        })
    }
}

async fn create(app: &App, email: &str, as_json: bool) -> anyhow::Result<Ending> {
    let Created { id, link } = match app.create_account(email).await {
        Ok(created) => created,
        Err(error) => {
            if matches!(error, Error::Refused(Refusal::AddressTaken)) {
                say("if its owner has lost the mail: `cloakroom accounts reset` sends another");
            }
            return refused(error, email);
        }
    };
    if as_json {
        answer(&invited(Some(id.to_string()), link.as_deref()).to_string());
        return Ok(Ending::Done);
    }
    answer(&format!("created {email}: {id}"));
    tell_link(link.as_deref(), "3 days");
    Ok(Ending::Done)
}

async fn reset(app: &App, email: &str, as_json: bool) -> anyhow::Result<Ending> {
    let Some(account) = account(app, email).await? else { return Ok(Ending::Misused) };
    let link = match app.send_reset(account.id).await {
        Ok(link) => link,
        Err(error) => return refused(error, email),
    };
    if as_json {
        answer(&invited(None, link.as_deref()).to_string());
        return Ok(Ending::Done);
    }
    answer(&format!("a new password can be set for {email}"));
    if account.disabled_at.is_some() {
        say("the account stays disabled: nobody can log in to it, nor set the password, until `accounts enable`");
    }
    tell_link(link.as_deref(), "30 minutes");
    Ok(Ending::Done)
}

/// The link goes to the owner by mail; where there is none, somebody has to carry it.
fn tell_link(link: Option<&str>, good_for: &str) {
    match link {
        None => say("a mail with a link is sent by the running server, or by the next one that is started"),
        Some(link) => {
            say(&format!(
                "no mail is configured, so here is the link. It is a secret: whoever opens it sets the password. It is good \
                 for {good_for}, and once."
            ));
            answer(link);
        }
    }
}

fn invited(id: Option<String>, link: Option<&str>) -> Value {
    let mut told = json!({ "mailed": link.is_none() });
    if let Some(fields) = told.as_object_mut() {
        fields.extend(id.map(|id| ("id".to_owned(), json!(id))));
        fields.extend(link.map(|link| ("link".to_owned(), json!(link))));
    }
    told
}

async fn disable(app: &App, email: &str, disable: bool) -> anyhow::Result<Ending> {
    let Some(account) = account(app, email).await? else { return Ok(Ending::Misused) };
    match app.disable_account(account.id, disable).await {
        Ok(()) => answer(&format!("{} {email}", if disable { "disabled" } else { "enabled" })),
        Err(error) => return refused(error, email),
    }
    Ok(Ending::Done)
}

async fn remove_factors(app: &App, email: &str) -> anyhow::Result<Ending> {
    let Some(account) = account(app, email).await? else { return Ok(Ending::Misused) };
    match app.remove_factors(account.id).await {
        Ok(true) => answer(&format!("removed every second factor of {email}")),
        Ok(false) => answer(&format!("{email} has no second factor: nothing was done, and nobody is told")),
        Err(error) => return refused(error, email),
    }
    Ok(Ending::Done)
}

async fn delete(app: &App, email: &str, yes: bool) -> anyhow::Result<Ending> {
    let Some(account) = account(app, email).await? else { return Ok(Ending::Misused) };
    if !yes {
        say(&format!(
            "This deletes the account {email} with everything that it has, for good. Type its address again:"
        ));
        let mut typed = String::new();
        std::io::stdin().lock().read_line(&mut typed)?;
        if typed.trim() != email.trim() {
            say("cloakroom: that is not the address: nothing was deleted. A program uses --yes.");
            return Ok(Ending::Misused);
        }
    }
    match app.delete_account(account.id).await {
        Ok(()) => answer(&format!("deleted {email}")),
        Err(error) => return refused(error, email),
    }
    Ok(Ending::Done)
}

async fn export(app: &App, email: &str) -> anyhow::Result<Ending> {
    let Some(account) = account(app, email).await? else { return Ok(Ending::Misused) };
    match app.export_account(account.id).await {
        Ok(export) => answer(&serde_json::to_string_pretty(&shown::export(&export))?),
        Err(error) => return refused(error, email),
    }
    Ok(Ending::Done)
}

/// Says why something was not done.
fn refused(error: Error, email: &str) -> anyhow::Result<Ending> {
    match error {
        Error::Failed(fault) => Err(fault.into()),
        Error::Refused(refusal) => {
            say(&format!("cloakroom: {email}: {}", reason(refusal)));
            Ok(Ending::Misused)
        }
    }
}

/// A refusal of these use cases, in words of the command line.
fn reason(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::BadEmail => "this is not an email address",
        Refusal::AddressTaken => "there is an account with this address already",
        Refusal::BadHash => {
            "the hash is of no kind that is known (argon2, bcrypt, scrypt and PBKDF2 are), or comparing it would take more than 256 MiB or about two seconds"
        }
        Refusal::UnknownAccount => "the account was deleted in this moment",
        Refusal::PasswordsOff => "nobody logs in with a password here (password.log_in), and this is about one",
        _ => "this was refused",
    }
}
