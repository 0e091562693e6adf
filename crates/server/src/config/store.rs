//! Resolving where everything is remembered.

use super::Mistake;
use super::raw;
use super::sections::Section;
use std::fmt;
use std::path::PathBuf;

/// Where everything is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreAt {
    /// A file, for one node.
    Sqlite(PathBuf),
    /// A database server, for any number of nodes.
    Postgres(PostgresUrl),
}

/// The address of a database server, with a password in it as a rule. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// The whole address, a secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(..)")
    }
}

/// The store, and the file of the master key beside it.
pub(super) fn store(raw: &raw::Store, mistakes: &mut Vec<Mistake>) -> (StoreAt, PathBuf) {
    let mut section = Section { path: "store".into(), mistakes };
    let url = raw.url.as_deref().unwrap_or("sqlite:cloakroom.db");
    let named = raw.master_key_file.as_ref().map(PathBuf::from);
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        if url::Url::parse(url).ok().is_none_or(|url| !url.has_host()) {
            section
                .wrong("url", "this is not an address such as \"postgres://cloakroom:PASSWORD@db.internal/cloakroom\"");
        }
        let file = named.unwrap_or_else(|| PathBuf::from("cloakroom.master-key"));
        return (StoreAt::Postgres(PostgresUrl(url.to_owned())), file);
    }
    let path = match url.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => {
            // The value is not shown: the URL of a database server carries a password.
            section.wrong(
                "url",
                "it must be \"sqlite:\" and a path, such as \"sqlite:/var/lib/cloakroom/cloakroom.db\", or the address of a \
                 database, such as \"postgres://cloakroom@db.internal/cloakroom\"",
            );
            PathBuf::from("cloakroom.db")
        }
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        section.wrong("url", format!("there is no folder {}: make it first", folder.display()));
    }
    let beside = || {
        let mut name = path.clone().into_os_string();
        name.push(".master-key");
        PathBuf::from(name)
    };
    let master_key_file = named.unwrap_or_else(beside);
    (StoreAt::Sqlite(path), master_key_file)
}
