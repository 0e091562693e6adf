//! `cloakroom clients`: services of the store, while a server runs on it or not. A running server knows them at once.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

use super::ConfigFile;
use super::operator::inside;
use crate::config::{Config, mistakes_in_client};
use crate::terminal::{Ending, answer, say};
use anyhow::Context as _;
use clap::{Args, Subcommand};
use cloakroom_app::service::NewClient;
use cloakroom_app::{App, Error, Refusal};
use cloakroom_core::service::{ClientId, Grant, Registration, Scope};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Services that get tokens at /auth/token. Those of the configuration are not listed here.
#[derive(Args)]
pub(super) struct Clients {
    #[command(flatten)]
    file: ConfigFile,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Register a service. Without --jwks it gets a secret, which is shown once and kept nowhere.
    Create(Create),
    /// List the services of the store: what each may do. No secret is shown.
    List {
        /// Answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove a service: it gets no token any more. Those that it has end by themselves, within session.access_for.
    Remove {
        /// Its client_id.
        id: ClientId,
    },
}

#[derive(Args)]
struct Create {
    /// Its client_id: lower-case letters, digits, "-", "." and "_", the first one a letter.
    id: ClientId,
    /// What people call it. Default: its id.
    #[arg(long)]
    name: Option<String>,
    /// How it may get tokens: client_credentials, jwt-bearer or token-exchange. Can be given several times.
    #[arg(long = "grant", value_name = "GRANT", required = true, value_parser = grant)]
    grants: Vec<Grant>,
    /// Which audience it may get tokens for. Can be given several times.
    #[arg(long = "audience", value_name = "AUDIENCE", required = true)]
    audiences: Vec<String>,
    /// What for, at most: words with a space between.
    #[arg(long, value_name = "WORDS", default_value = "")]
    scope: Scope,
    /// Which audience it is itself: tokens for it are what it may exchange and introspect.
    #[arg(long, value_name = "AUDIENCE")]
    own_audience: Option<String>,
    /// A file with its public keys, a JSON Web Key Set: it proves itself by what it signs, and gets no secret.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

fn grant(text: &str) -> Result<Grant, &'static str> {
    Grant::from_name(text).ok_or("one of client_credentials, jwt-bearer, token-exchange")
}

impl Clients {
    pub(super) fn run(&self) -> anyhow::Result<Ending> {
        inside(&self.file, async |app, config| match &self.action {
            Action::Create(create) => create.run(app, config).await,
            Action::List { json } => list(app, *json).await,
            Action::Remove { id } => remove(app, id).await,
        })
    }
}

impl Create {
    async fn run(&self, app: &App, config: &Config) -> anyhow::Result<Ending> {
        let registration = Registration {
            id: self.id.clone(),
            name: self.name.clone().unwrap_or_else(|| self.id.to_string()),
            grants: self.grants.clone(),
            audience: self.own_audience.clone(),
            audiences: self.audiences.clone(),
            scopes: self.scope.clone(),
        };
        let wrong = mistakes_in_client(&registration, &config.settings);
        for (key, reason) in &wrong {
            say(&format!("cloakroom: {key}: {reason}"));
        }
        if self.jwks.is_none() && self.grants.contains(&Grant::JwtBearer) {
            say("cloakroom: the grant jwt-bearer needs keys: give --jwks FILE");
            return Ok(Ending::Misused);
        }
        if !wrong.is_empty() {
            return Ok(Ending::Misused);
        }
        // One of the configuration would stand before it for ever.
        if config.clients.iter().any(|client| client.registration.id == self.id) {
            say(&format!("cloakroom: {} stands in the configuration", self.id));
            return Ok(Ending::Misused);
        }
        let keys = self.jwks.as_deref().map(read_keys).transpose()?;
        match app.create_client(&NewClient { registration, keys }).await {
            Ok(secret) => {
                self.tell(secret.as_deref());
                Ok(Ending::Done)
            }
            Err(Error::Refused(Refusal::BadKeys)) => {
                say(
                    "cloakroom: that file is no JSON Web Key Set with a public key that has a kid (EdDSA, ES256, RS256)",
                );
                Ok(Ending::Misused)
            }
            Err(Error::Refused(_)) => {
                say(&format!("cloakroom: there is a client {} already; see `cloakroom clients list`", self.id));
                Ok(Ending::Misused)
            }
            Err(Error::Failed(fault)) => Err(fault.into()),
        }
    }

    fn tell(&self, secret: Option<&str>) {
        if self.json {
            answer(&serde_json::json!({ "client_id": self.id.to_string(), "client_secret": secret }).to_string());
            return;
        }
        answer(&format!("registered {}", self.id));
        if let Some(secret) = secret {
            answer(&format!("its secret, which is shown this once: {secret}"));
        }
    }
}

async fn list(app: &App, json: bool) -> anyhow::Result<Ending> {
    let clients = app.list_clients().await?;
    if json {
        let rows: Vec<_> = clients
            .iter()
            .map(|client| {
                let Registration { id, name, grants, audience, audiences, scopes } = &client.registration;
                serde_json::json!({
                    "client_id": id.to_string(),
                    "name": name,
                    "grants": grants.iter().map(|grant| grant.name()).collect::<Vec<_>>(),
                    "audience": audience,
                    "audiences": audiences,
                    "scope": scopes.to_string(),
                    "proof": if client.has_keys { "keys" } else { "secret" },
                    "created_at": client.created_at.unix_seconds(),
                })
            })
            .collect();
        answer(&serde_json::json!(rows).to_string());
        return Ok(Ending::Done);
    }
    answer(&format!("{:<24}{:<8}{:<40}AUDIENCES", "CLIENT", "PROOF", "GRANTS"));
    for client in clients {
        let Registration { id, grants, audiences, .. } = &client.registration;
        let grants: Vec<_> = grants.iter().map(|grant| grant.name()).collect();
        let proof = if client.has_keys { "keys" } else { "secret" };
        answer(&format!("{:<24}{proof:<8}{:<40}{}", id.to_string(), grants.join(","), audiences.join(",")));
    }
    Ok(Ending::Done)
}

async fn remove(app: &App, id: &ClientId) -> anyhow::Result<Ending> {
    match app.remove_client(id).await {
        Ok(()) => {
            answer(&format!("removed {id}: it gets no token any more"));
            Ok(Ending::Done)
        }
        Err(Error::Refused(_)) => {
            say(&format!("cloakroom: there is no client {id} in the store; see `cloakroom clients list`"));
            Ok(Ending::Misused)
        }
        Err(Error::Failed(fault)) => Err(fault.into()),
    }
}

/// Keeps public members only: whoever hands in a file with private ones has them nowhere in the store.
fn read_keys(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let most = cloakroom_jose::JwkSet::MAX_BYTES as u64;
    let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(most + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    let set = cloakroom_jose::JwkSet::parse(&bytes)
        .with_context(|| format!("{} is no JSON Web Key Set of public keys", path.display()))?;
    Ok(serde_json::to_string(&set)?)
}
