//! The master key: it seals the keys in the store and is kept outside it, in a file that only its owner can read or in
//! the environment.

use crate::config::{Config, StoreAt};
use anyhow::{Context as _, bail};
use cloakroom_jose::MasterKey;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// More than this is no key.
const MAX_BYTES: u64 = 1024;

/// Reads the key from the environment's value if there is one, else from the file; makes the file where there is none.
pub fn load(file: &Path, from_environment: Option<&str>) -> anyhow::Result<MasterKey> {
    if let Some(text) = from_environment {
        // The value is not repeated: it is the secret.
        return MasterKey::from_text(text.trim())
            .map_err(|_| anyhow::anyhow!("CLOAKROOM_MASTER_KEY must be 32 bytes in base64url, base64 or hex"));
    }
    match File::open(file) {
        Ok(opened) => read(opened, file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(file),
        Err(error) => Err(error).with_context(|| format!("cannot open the master key {}", file.display())),
    }
}

/// The same for a configuration. Where the store is there and its key is not, none is made: a new key would open
/// nothing, and would be taken for the lost one.
pub fn load_for(config: &Config, from_environment: Option<&str>) -> anyhow::Result<MasterKey> {
    let file = &config.master_key_file;
    let database = match &config.store {
        StoreAt::Sqlite(database) => database,
        // Whether the database is new is not known here, and a second node must not make a second key.
        StoreAt::Postgres(_) if from_environment.is_none() && !file.exists() => bail!(
            "there is no master key {0}: every node on one database, and this command, needs the same one. Copy it from a \
             node, or set CLOAKROOM_MASTER_KEY; only for a new database, make it once with \
             `umask 077; openssl rand -base64 32 > {0}`",
            file.display()
        ),
        StoreAt::Postgres(_) => return load(file, from_environment),
    };
    if from_environment.is_none() && database.exists() && !file.exists() {
        bail!(
            "the master key {} is missing although the database {} is there: restore it from your copy, or move the \
             database away to start without accounts and sessions",
            file.display(),
            database.display()
        );
    }
    load(file, from_environment)
}

fn read(mut opened: File, file: &Path) -> anyhow::Result<MasterKey> {
    let name = file.display();
    let mode = opened.metadata()?.permissions().mode() & 0o777;
    // A service manager hands credentials over in a directory of its own, readable to the service's group.
    if mode & 0o077 != 0 && mode != 0o440 {
        bail!("the master key {name} can be read by others (mode {mode:04o}): run chmod 600 {name}");
    }
    let mut text = String::new();
    std::io::Read::take(&mut opened, MAX_BYTES)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {name}"))?;
    MasterKey::from_text(text.trim())
        .map_err(|_| anyhow::anyhow!("{name} is not a master key: 32 bytes in base64url, base64 or hex"))
}

fn make(file: &Path) -> anyhow::Result<MasterKey> {
    let key = MasterKey::generate()?;
    let name = file.display();
    // Written elsewhere and then named: a key is there whole or not at all, whenever this process is killed, and of two
    // that start together one makes it and the other reads it.
    let mut draft = file.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let mut made = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .with_context(|| format!("cannot make the master key {name}"))?;
    writeln!(made, "{}", &*key.to_text())?;
    made.sync_all()?;
    let named = std::fs::hard_link(&draft, file);
    std::fs::remove_file(&draft)?;
    match named {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return read(File::open(file)?, file),
        Err(error) => return Err(error).with_context(|| format!("cannot make the master key {name}")),
    }
    tracing::info!(file = %file.display(), "made a new master key: keep a copy of it somewhere else than the database");
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_only_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let made = load(&file, None).unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let sealed = made.seal(b"x", b"secret").unwrap();
        assert_eq!(&*load(&file, None).unwrap().open(b"x", &sealed).unwrap(), b"secret");
        assert_eq!(
            &*load(Path::new("/nowhere"), Some(&made.to_text())).unwrap().open(b"x", &sealed).unwrap(),
            b"secret"
        );
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        load(&file, None).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = load(&file, None).err().unwrap().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
        let refused = load(&file, Some("too short")).err().unwrap().to_string();
        assert!(refused.contains("32 bytes") && !refused.contains("too short"), "{refused}");
    }
}
