//! Resolving services. What a client may do is data from here on; nobody is connected to.

use super::Mistake;
use super::raw;
use super::secret::{Secret, one_line};
use super::sections::Section;
use cloakroom_app::Settings;
use cloakroom_app::service::{Client, Proof};
use cloakroom_core::service::{Grant, Registration, Scope};
use cloakroom_jose::{JwkSet, KeySet, sha256};
use cloakroom_oidc::{BadAddress, Fetch, RemoteKeys};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

/// More are better registered in the store.
const MOST: usize = 256;

/// A client of the configuration.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// What it is and may do.
    pub registration: Registration,
    proof: ProofConfig,
    /// Certificates of the private authority of its `jwks_uri`.
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone)]
enum ProofConfig {
    Secret([u8; 32]),
    Keys(Arc<KeySet>),
    Uri(String),
}

/// Of which kind it is.
impl std::fmt::Debug for ProofConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::Keys(_) => f.write_str("Keys(..)"),
            Self::Uri(uri) => f.debug_tuple("Uri").field(uri).finish(),
        }
    }
}

impl ServiceConfig {
    /// Puts it together with a way to fetch its keys; connects to nobody yet.
    pub fn open(&self, fetch: Arc<dyn Fetch>) -> Result<Client, BadAddress> {
        let proof = match &self.proof {
            ProofConfig::Secret(hash) => Proof::Secret(*hash),
            ProofConfig::Keys(keys) => Proof::Keys(Arc::clone(keys)),
            ProofConfig::Uri(uri) => Proof::RemoteKeys(Arc::new(RemoteKeys::new(uri, fetch)?)),
        };
        Ok(Client { registration: self.registration.clone(), proof })
    }

    /// Whether its keys have to be fetched.
    pub fn is_remote(&self) -> bool {
        matches!(self.proof, ProofConfig::Uri(_))
    }
}

pub(super) fn clients(raw: &[raw::Client], settings: &Settings, mistakes: &mut Vec<Mistake>) -> Vec<ServiceConfig> {
    if raw.len() > MOST {
        let reason = format!("{} clients are more than {MOST}: register them with `cloakroom clients`", raw.len());
        mistakes.push(Mistake::new("client".to_owned(), reason));
    }
    let mut seen = HashSet::new();
    let mut read = Vec::new();
    for (number, raw) in raw.iter().enumerate() {
        let mut section = Section { path: format!("client[{number}]"), mistakes };
        read.extend(client(raw, settings, &mut section));
        if let Some(id) = raw.id.as_ref().filter(|id| !seen.insert((*id).clone())) {
            section.wrong("id", format!("{id:?} is there twice"));
        }
    }
    read
}

fn client(raw: &raw::Client, settings: &Settings, section: &mut Section<'_>) -> Option<ServiceConfig> {
    let id = match raw.id.as_deref().map(str::parse) {
        None => {
            section.wrong("id", "this is required: a short name such as \"billing\"");
            None
        }
        Some(Err(error)) => {
            section.wrong("id", format!("{:?} is {error}", raw.id.as_deref().unwrap_or_default()));
            None
        }
        Some(Ok(id)) => Some(id),
    };
    let name = raw.name.clone().or_else(|| raw.id.clone()).unwrap_or_default();
    let (grants, scopes) = (grants(raw, section), scopes(raw, section));
    let audiences = raw.audiences.clone().unwrap_or_default();
    let registration =
        id.map(|id| Registration { id, name, grants, audience: raw.audience.clone(), audiences, scopes });
    let wrong = registration.as_ref().map(|registration| mistakes_in(registration, settings)).unwrap_or_default();
    for (key, reason) in wrong {
        section.wrong(key, reason);
    }
    let proof = proof(raw, section);
    if let Some(file) = raw.ca_file.as_ref().filter(|file| !std::path::Path::new(file).is_file()) {
        section.wrong("ca_file", format!("there is no file {file}"));
    }
    let config =
        ServiceConfig { registration: registration?, proof: proof?, ca_file: raw.ca_file.as_ref().map(PathBuf::from) };
    if matches!(config.proof, ProofConfig::Secret(_)) && config.registration.grants.contains(&Grant::JwtBearer) {
        section
            .wrong("grants", "\"jwt-bearer\" needs keys: jwks_file or jwks_uri; a client with a secret signs nothing");
    }
    if let Err(error) = config.open(Arc::new(super::providers::Nobody)) {
        section.wrong("jwks_uri", error.to_string());
    }
    Some(config)
}

/// What cannot be in a registration, wherever it comes from: key and reason.
pub(crate) fn mistakes_in(registration: &Registration, settings: &Settings) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let own = [settings.issuer.as_str(), settings.issuer.trim_end_matches('/'), settings.bearer_audience.as_str()];
    for audience in &registration.audiences {
        if own.contains(&audience.trim_end_matches('/')) {
            let reason = format!("{audience:?} is Cloakroom's own: a token for it would log in as its person");
            wrong.push(("audiences", reason));
        }
        if audience.is_empty() || audience.len() > 256 || audience.chars().any(char::is_control) {
            wrong.push(("audiences", "an audience has 1 to 256 characters that people can read".to_owned()));
        }
    }
    if registration.audiences.is_empty() {
        wrong.push(("audiences", "this is required: whom it gets tokens for, such as [\"stock\"]".to_owned()));
    }
    if registration.grants.is_empty() {
        let known = "\"client_credentials\", \"jwt-bearer\", \"token-exchange\"";
        wrong.push(("grants", format!("this is required: any of {known}")));
    }
    if registration.grants.contains(&Grant::TokenExchange) && registration.audience.is_none() {
        let reason =
            "this is required for \"token-exchange\": the audience of the tokens that the client is called with";
        wrong.push(("audience", reason.to_owned()));
    }
    if registration.audience.as_ref().is_some_and(|audience| audience.trim_end_matches('/') == settings.issuer) {
        wrong.push(("audience", "it must not be server.public_url: that is the audience of cookies".to_owned()));
    }
    if registration.name.trim().is_empty()
        || registration.name.chars().count() > 60
        || registration.name.chars().any(char::is_control)
    {
        wrong.push(("name", "give 1 to 60 characters that people can read".to_owned()));
    }
    wrong
}

fn grants(raw: &raw::Client, section: &mut Section<'_>) -> Vec<Grant> {
    let mut grants = Vec::new();
    for name in raw.grants.iter().flatten() {
        match Grant::from_name(name) {
            Some(grant) => grants.push(grant),
            None => section.wrong(
                "grants",
                format!("{name:?} is not one of \"client_credentials\", \"jwt-bearer\", \"token-exchange\""),
            ),
        }
    }
    grants
}

fn scopes(raw: &raw::Client, section: &mut Section<'_>) -> Scope {
    let text = raw.scopes.clone().unwrap_or_default().join(" ");
    text.parse().unwrap_or_else(|error: cloakroom_core::service::NotAScope| {
        section.wrong("scopes", error.to_string());
        Scope::default()
    })
}

fn proof(raw: &raw::Client, section: &mut Section<'_>) -> Option<ProofConfig> {
    let there = [
        ("secret", raw.secret.is_some()),
        ("secret_file", raw.secret_file.is_some()),
        ("jwks_file", raw.jwks_file.is_some()),
        ("jwks_uri", raw.jwks_uri.is_some()),
    ];
    let mut there = there.iter().filter(|(_, is_there)| *is_there);
    let (Some((_, _)), None) = (there.next(), there.next()) else {
        section.wrong("jwks_file", "exactly one is required of secret, secret_file, jwks_file and jwks_uri");
        return None;
    };
    if let Some(path) = &raw.secret_file {
        return match one_line(path) {
            Ok(secret) => hashed(secret.plain().reveal(), "secret_file", section),
            Err(reason) => {
                section.wrong("secret_file", reason);
                None
            }
        };
    }
    if let Some(path) = &raw.jwks_file {
        return match key_set(path) {
            Ok(keys) => Some(ProofConfig::Keys(Arc::new(keys))),
            Err(reason) => {
                section.wrong("jwks_file", reason);
                None
            }
        };
    }
    if let Some(uri) = &raw.jwks_uri {
        return Some(ProofConfig::Uri(uri.clone()));
    }
    raw.secret.as_ref().and_then(|secret| hashed(Secret::of(secret.clone()).plain().reveal(), "secret", section))
}

fn hashed(secret: &[u8], key: &str, section: &mut Section<'_>) -> Option<ProofConfig> {
    if secret.len() < 32 || secret.len() > 256 || !secret.iter().all(u8::is_ascii_graphic) {
        section.wrong(key, "use 32 to 256 visible ASCII characters that nobody can guess: openssl rand -hex 32");
        return None;
    }
    Some(ProofConfig::Secret(sha256(secret)))
}

/// Reads public keys. The error says what is wrong, and never what is in the file: somebody may have put private ones there.
fn key_set(path: &str) -> Result<KeySet, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path:?} cannot be read: {error}"))?;
    let set = JwkSet::parse(&bytes).map_err(|error| format!("{path:?} is no set of keys: {error}"))?;
    let keys = KeySet::from_jwks(&set).map_err(|error| format!("{path:?} is no set of keys: {error}"))?;
    if keys.is_empty() {
        return Err(format!(
            "{path:?} holds no public key with a kid that can be used: EdDSA (Ed25519), ES256 or RS256"
        ));
    }
    Ok(keys)
}

#[cfg(test)]
#[path = "clients_tests.rs"]
mod tests;
