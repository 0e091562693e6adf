//! The configuration: one TOML file, overridden by the environment, read into [`raw`] types, resolved into what each part
//! of the house needs. After that nothing can be invalid. Every mistake is reported at once.

mod clients;
mod domains;
mod environment;
mod mail;
mod people;
mod private_key;
mod providers;
pub mod raw;
mod raw_client;
mod raw_upstream;
mod read;
mod resolve;
mod schema;
mod secret;
mod sections;
mod sessions;
mod site;
mod step_up;
mod store;
mod upstreams;

pub use clients::ServiceConfig;
pub(crate) use clients::mistakes_in as mistakes_in_client;
pub use mail::{Delivery, MailConfig, SmtpAt};
pub(crate) use private_key::private_key;
pub(crate) use providers::Nobody;
pub use providers::ProviderConfig;
pub(crate) use resolve::RESERVED;
pub use resolve::{Config, Log, Tls};
pub use schema::json_schema;
pub use secret::Secret;
pub use store::{PostgresUrl, StoreAt};

use std::fmt;

/// One mistake: where, what is there (never a secret), why it cannot be, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The key, such as `server.public_url` or `upstream[1].to`.
    pub path: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Mistake {
    pub(crate) fn new(path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { path: path.into(), reason: reason.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.reason) } else { write!(f, "{}: {}", self.path, self.reason) }
    }
}

/// Reads a configuration: the text of the file, then the environment over it. Answers every mistake there is.
pub fn parse(text: &str, environment: impl Iterator<Item = (String, String)>) -> Result<Config, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let mut table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return Err(vec![syntax(text, &error)]),
    };
    environment::overlay(&mut table, environment, &mut mistakes);
    let raw = read::forgiving(table, &mut mistakes);
    let config = resolve::resolve(&raw, &mut mistakes);
    match config {
        Some(config) if mistakes.is_empty() => Ok(config),
        _ => Err(mistakes),
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> Mistake {
    let at = error.span().map_or(0, |span| span.start);
    let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    // The message alone: the excerpt that the parser would show can hold a secret.
    Mistake::new("", format!("line {line}: this is not TOML: {}", error.message()))
}

#[cfg(test)]
mod tests;
