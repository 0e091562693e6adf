//! The folder of one server: everything that it writes, and links to what is installed.

use anyhow::{Context as _, Result, bail};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// As `dev/providers/keycloak/install` has it.
const INSTALLED: &str = "cloakroom/keycloak-26.7.3";
const SHARED: [&str; 4] = ["lib", "conf", "providers", "themes"];

/// The folder. Dropping it removes it.
pub(super) struct Home {
    folder: TempDir,
}

impl Home {
    /// A new one, with a database in which only the administrator is.
    pub(super) fn make() -> Result<Self> {
        let installed = installed()?;
        let folder = tempfile::Builder::new().prefix("cloakroom-keycloak-").tempdir()?;
        for name in SHARED {
            symlink(installed.join(name), folder.path().join(name))?;
        }
        let database = folder.path().join("data/h2");
        fs::create_dir_all(&database)?;
        for file in fs::read_dir(installed.join("template"))? {
            let file = file?;
            fs::copy(file.path(), database.join(file.file_name()))?;
        }
        Ok(Self { folder })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Where Keycloak is on this machine.
fn installed() -> Result<PathBuf> {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    let folder = cache.context("neither XDG_CACHE_HOME nor HOME is set")?.join(INSTALLED);
    if !folder.join("recipe").is_file() {
        bail!(
            "there is no Keycloak in {}: `cargo xtask test` installs it, or `dev/providers/keycloak/install`",
            folder.display()
        );
    }
    Ok(folder)
}

/// The program that runs Java.
pub(super) fn java() -> OsString {
    let home = std::env::var_os("JAVA_HOME").filter(|home| !home.is_empty());
    home.map_or_else(|| "java".into(), |home| Path::new(&home).join("bin/java").into_os_string())
}
