//! Resolving providers. What the protocol would refuse at the start is a mistake of the configuration already here; nobody is
//! connected to.

use super::Mistake;
use super::private_key::private_key;
use super::raw;
use super::secret::{Secret, one_line};
use super::sections::Section;
use cloakroom_app::provider::{Names, Provider};
use cloakroom_jose::SigningKey;
use cloakroom_oidc::{ClientAuthentication, Fetch, FetchError, FetchRequest, FetchResponse, Settings, SettingsError};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More buttons are no choice any more.
const MOST: usize = 16;

/// A provider that people can log in with.
#[expect(clippy::struct_excessive_bools, reason = "six independent settings, each read by its name")]
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Names it in addresses.
    pub id: String,
    name: String,
    issuer: String,
    client_id: String,
    proof: Proof,
    redirect_uri: String,
    scopes: Vec<String>,
    opens_accounts: bool,
    trusts_addresses: bool,
    trusts_factors: bool,
    logs_out: bool,
    /// Whether an application gets its access token.
    pub keeps_tokens: bool,
    names: Names,
    /// Certificates of its private authority.
    pub ca_file: Option<PathBuf>,
}

/// What Cloakroom proves itself by. Its `Debug` shows nothing of it.
#[derive(Clone)]
enum Proof {
    Secret { secret: Secret, in_body: bool },
    Key(Arc<SigningKey>),
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Key(_)) { "Key(..)" } else { "Secret(..)" })
    }
}

impl Proof {
    fn authentication(&self) -> ClientAuthentication {
        match self {
            Self::Secret { secret, in_body } => {
                let secret = String::from_utf8_lossy(secret.plain().reveal()).into_owned();
                let secret = cloakroom_oidc::Secret::new(secret);
                if *in_body {
                    ClientAuthentication::SecretPost(secret)
                } else {
                    ClientAuthentication::SecretBasic(secret)
                }
            }
            Self::Key(key) => ClientAuthentication::PrivateKey(Arc::clone(key)),
        }
    }
}

impl ProviderConfig {
    /// Puts it together with a way to reach it; connects to nobody yet. The error names what the protocol refuses.
    pub fn open(&self, fetch: Arc<dyn Fetch>) -> Result<Provider, SettingsError> {
        let settings = Settings {
            id: self.id.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            authentication: self.proof.authentication(),
            redirect_uri: self.redirect_uri.clone(),
            scopes: self.scopes.clone(),
        };
        Ok(Provider {
            name: self.name.clone(),
            opens_accounts: self.opens_accounts,
            trusts_addresses: self.trusts_addresses,
            trusts_factors: self.trusts_factors,
            logs_out: self.logs_out,
            keeps_tokens: self.keeps_tokens,
            names: self.names.clone(),
            party: cloakroom_oidc::Provider::new(settings, fetch)?,
        })
    }
}

/// `kept` are the ids of those whose access token some application gets.
pub(super) fn providers(
    raw: &[raw::Provider],
    kept: &[&str],
    origin: &str,
    mistakes: &mut Vec<Mistake>,
) -> Vec<ProviderConfig> {
    if raw.len() > MOST {
        mistakes.push(Mistake::new("provider".to_owned(), format!("{} providers are more than {MOST}", raw.len())));
    }
    let mut seen = HashSet::new();
    let mut read = Vec::new();
    for (number, raw) in raw.iter().enumerate() {
        let mut section = Section { path: format!("provider[{number}]"), mistakes };
        let one = provider(raw, kept, origin, &mut section);
        if let Some(id) = raw.id.as_ref().filter(|id| !seen.insert((*id).clone())) {
            section.wrong("id", format!("{id:?} is there twice"));
        }
        read.extend(one);
    }
    read
}

fn provider(raw: &raw::Provider, kept: &[&str], origin: &str, section: &mut Section<'_>) -> Option<ProviderConfig> {
    let id = required(raw.id.as_ref(), "id", "a short name such as \"keycloak\"", section);
    let is_name = |id: &&String| {
        (1..=32).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if let Some(id) = id.as_ref().filter(|id| !is_name(id)) {
        section.wrong("id", format!("{id:?} is not 1 to 32 lower-case letters, digits and \"-\""));
    }
    let issuer = required(raw.issuer.as_ref(), "issuer", "such as \"https://sso.example.com/realms/staff\"", section);
    let client_id = required(raw.client_id.as_ref(), "client_id", "what the provider calls Cloakroom", section);
    let proof = proof(raw, section);
    let name = raw.name.clone().or_else(|| id.clone()).unwrap_or_default();
    if name.trim().is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
        section.wrong("name", "give 1 to 60 characters that people can read");
    }
    let config = ProviderConfig {
        redirect_uri: format!("{origin}/auth/callback/{}", id.as_deref().unwrap_or_default()),
        id: id?,
        name,
        issuer: issuer?,
        client_id: client_id?,
        proof: proof?,
        scopes: raw.scopes.clone().unwrap_or_else(|| vec!["email".into(), "profile".into()]),
        opens_accounts: section.one_of("accounts", raw.accounts.as_ref(), true, &[("open", true), ("known", false)]),
        trusts_addresses: raw.trust_addresses.unwrap_or(false),
        trusts_factors: raw.trust_factors.unwrap_or(false),
        logs_out: raw.log_out.unwrap_or(true),
        keeps_tokens: raw.id.as_deref().is_some_and(|id| kept.contains(&id)),
        names: Names {
            roles_claim: raw.roles_claim.clone(),
            groups_claim: raw.groups_claim.clone(),
            called: raw.names.clone().unwrap_or_default().into_iter().collect(),
        },
        ca_file: raw.ca_file.as_ref().map(PathBuf::from),
    };
    if !config.names.called.is_empty() && config.names.roles_claim.is_none() && config.names.groups_claim.is_none() {
        section.wrong("names", "there is nothing to name: set roles_claim or groups_claim");
    }
    if let Some(file) = config.ca_file.as_ref().filter(|file| !file.is_file()) {
        section.wrong("ca_file", format!("there is no file {}", file.display()));
    }
    // Without a public address there is none to come back to: that is told where it is missing.
    if let Err(error) = config.open(Arc::new(Nobody))
        && !(origin.is_empty() && matches!(error, SettingsError::RedirectUri(_)))
    {
        section.wrong(key_of(error), error.to_string());
    }
    Some(config)
}

fn required(value: Option<&String>, key: &str, what: &str, section: &mut Section<'_>) -> Option<String> {
    if value.is_none() {
        section.wrong(key, format!("this is required: {what}"));
    }
    value.cloned()
}

fn proof(raw: &raw::Provider, section: &mut Section<'_>) -> Option<Proof> {
    let Some(path) = &raw.client_key_file else {
        let places = [("basic", false), ("post", true)];
        let in_body = section.one_of("client_secret_in", raw.client_secret_in.as_ref(), false, &places);
        return Some(Proof::Secret { secret: secret(raw, section)?, in_body });
    };
    if raw.client_secret.is_some() || raw.client_secret_file.is_some() || raw.client_secret_in.is_some() {
        section.wrong(
            "client_key_file",
            "with a key there is no secret: remove client_secret, client_secret_file and client_secret_in",
        );
    }
    match private_key(Path::new(path)) {
        Ok(key) => Some(Proof::Key(Arc::new(key))),
        Err(reason) => {
            section.wrong("client_key_file", reason);
            None
        }
    }
}

fn secret(raw: &raw::Provider, section: &mut Section<'_>) -> Option<Secret> {
    match (&raw.client_secret, &raw.client_secret_file) {
        (Some(_), Some(_)) => {
            section.wrong("client_secret_file", "the secret is there twice, here and as client_secret: remove one");
            None
        }
        (Some(secret), None) if secret.is_empty() => {
            section.wrong("client_secret", "it is empty");
            None
        }
        (Some(secret), None) => Some(Secret::of(secret.clone())),
        (None, Some(path)) => match one_line(path) {
            Ok(secret) => Some(secret),
            Err(reason) => {
                section.wrong("client_secret_file", reason);
                None
            }
        },
        (None, None) => {
            section.wrong(
                "client_secret_file",
                "this is required: a file with the secret that the provider has given out (or client_key_file, a private key)",
            );
            None
        }
    }
}

/// The key that a mistake in the settings is at.
fn key_of(error: SettingsError) -> &'static str {
    match error {
        SettingsError::Issuer(_) => "issuer",
        SettingsError::ClientId => "client_id",
        SettingsError::Scope => "scopes",
        SettingsError::Secret => "client_secret",
        SettingsError::Key => "client_key_file",
        // That address is made of the public one, which has a mistake of its own, and of the id.
        SettingsError::Id | SettingsError::RedirectUri(_) => "id",
    }
}

/// Reaches nobody: for looking at settings.
pub(crate) struct Nobody;

#[async_trait::async_trait]
impl Fetch for Nobody {
    async fn fetch(&self, _: FetchRequest) -> Result<FetchResponse, FetchError> {
        Err(FetchError::Exchange("nobody is reached while the configuration is read".to_owned()))
    }
}

#[cfg(test)]
#[path = "providers_tests.rs"]
mod tests;
