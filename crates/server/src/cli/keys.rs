//! `cloakroom keys`: the ring in the store, while a server runs on it or not. A running server follows within seconds.

use super::ConfigFile;
use super::operator::inside;
use crate::config::{Config, private_key};
use crate::terminal::{Ending, answer, say};
use clap::{Args, Subcommand};
use cloakroom_app::{App, Error};
use cloakroom_core::id::KeyId;
use cloakroom_core::keyring::{self, KeyRecord};
use cloakroom_core::time::Timestamp;

/// The keys that tokens are made with. They are sealed in the store under the master key.
#[derive(Args)]
pub(super) struct Keys {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the keys: what each is for, since when, and whether it is in use.
    List {
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Make the next key of every purpose. It is published now and used a little later, so that no verifier is surprised.
    Rotate {
        /// Use the new keys at once. Verifiers that cached the key set see an unknown key until they fetch it again.
        #[arg(long)]
        now: bool,
    },
    /// Print the public half of a private key in a file, as a JSON Web Key Set: what a provider is told of client_key_file.
    Public {
        /// The file: PKCS#8 in PEM.
        file: std::path::PathBuf,
    },
    /// Withdraw a key: nothing that it made is accepted any longer. Sessions whose tokens it made have to log in again.
    Revoke {
        /// The key, as `keys list` shows it.
        #[arg(allow_hyphen_values = true)]
        key: KeyId,
    },
}

impl Keys {
    pub(super) fn run(&self) -> anyhow::Result<Ending> {
        if let Action::Public { file } = &self.action {
            return Ok(public(file));
        }
        inside(&self.file, async |app, config| self.act(app, config).await)
    }

    async fn act(&self, app: &App, config: &Config) -> anyhow::Result<Ending> {
        match &self.action {
            Action::List { json } => list(app, config, *json),
            // Needs neither configuration nor store.
            Action::Public { file } => return Ok(public(file)),
            Action::Rotate { now } => {
                app.rotate_keys(*now).await?;
                let when = if *now { "now".into() } else { format!("in {}", config.settings.rotation.announce_for) };
                answer(&format!("made new keys, in use {when}"));
            }
            Action::Revoke { key } => match app.withdraw_key(*key).await {
                Ok(()) => answer(&format!("withdrew {key}; its successor is in use")),
                Err(Error::Refused(_)) => {
                    say(&format!(
                        "cloakroom: there is no key {key} that could be withdrawn; see `cloakroom keys list`"
                    ));
                    return Ok(Ending::Misused);
                }
                Err(Error::Failed(fault)) => return Err(fault.into()),
            },
        }
        Ok(Ending::Done)
    }
}

fn public(file: &std::path::Path) -> Ending {
    match private_key(file) {
        Ok(key) => {
            answer(&serde_json::json!({ "keys": [key.public_jwk()] }).to_string());
            Ending::Done
        }
        Err(reason) => {
            say(&format!("cloakroom: {reason}"));
            Ending::Misused
        }
    }
}

fn list(app: &App, config: &Config, json: bool) {
    let now = app.clock().now();
    let ring = app.ring();
    let rows: Vec<_> = ring.records().iter().map(|key| (key, state(ring.records(), key, config, now))).collect();
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(key, state)| {
                serde_json::json!({
                    "id": key.id.to_string(),
                    "purpose": key.purpose.as_str(),
                    "algorithm": key.algorithm,
                    "state": state,
                    "made_at": key.made_at.unix_seconds(),
                    "active_from": key.active_from.unix_seconds(),
                })
            })
            .collect();
        answer(&serde_json::json!(rows).to_string());
        return;
    }
    answer(&format!("{:<24}{:<10}{:<10}{:<12}AGE", "KEY", "PURPOSE", "ALG", "STATE"));
    for (key, state) in rows {
        let age = now.since(key.made_at).as_secs() / 86_400;
        answer(&format!(
            "{:<24}{:<10}{:<10}{state:<12}{age}d",
            key.id.to_string(),
            key.purpose.as_str(),
            key.algorithm
        ));
    }
}

fn state(keys: &[KeyRecord], key: &KeyRecord, config: &Config, now: Timestamp) -> &'static str {
    let in_use = keyring::current(keys, key.purpose, now).is_some_and(|current| current.id == key.id);
    let shown = keyring::published(keys, &config.settings.rotation, now).iter().any(|shown| shown.id == key.id);
    match (key.withdrawn_at.is_some(), in_use, key.active_from > now) {
        (true, ..) => "withdrawn",
        (_, true, _) => "in use",
        (_, _, true) => "announced",
        _ if shown => "published",
        _ => "kept",
    }
}
