//! A browser's profile: the folder that holds what outlives its process. What is in it is deliberately not looked at here:
//! that is the browser's own affair.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tempfile::TempDir;

/// The folder of a profile. Clones are the same folder; it is removed with the last of them. One browser at a time may run
/// on it.
#[derive(Clone)]
pub struct Profile(Arc<TempDir>);

impl Profile {
    /// A new, empty one. The error is that of the folder.
    pub fn new() -> Result<Self> {
        Ok(Self(Arc::new(tempfile::Builder::new().prefix("cloakroom-browser-").tempdir()?)))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A copy of what is in it now, as somebody takes along who can read the files: another folder, on which another browser
    /// may run. Quit the browser before: what it has not written yet is not in it. Only files and folders are copied, so a
    /// lock of a browser that was killed is not.
    pub fn copy(&self) -> Result<Self> {
        let copy = Self::new()?;
        copy_folder(self.path(), copy.path())?;
        Ok(copy)
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let (kind, source, target) = (entry.file_type()?, entry.path(), to.join(entry.file_name()));
        if kind.is_dir() {
            std::fs::create_dir(&target).with_context(|| format!("making {}", target.display()))?;
            copy_folder(&source, &target)?;
        } else if kind.is_file() {
            std::fs::copy(&source, &target).with_context(|| format!("copying {}", source.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_files_and_folders_and_no_lock() {
        let profile = Profile::new().unwrap();
        std::fs::create_dir_all(profile.path().join("Default/Network")).unwrap();
        std::fs::write(profile.path().join("Default/Network/Cookies"), "jar").unwrap();
        std::os::unix::fs::symlink("nowhere-1", profile.path().join("SingletonLock")).unwrap();
        let copy = profile.copy().unwrap();
        std::fs::write(profile.path().join("Default/Network/Cookies"), "later").unwrap();
        assert_eq!(std::fs::read_to_string(copy.path().join("Default/Network/Cookies")).unwrap(), "jar");
        assert!(copy.path().join("SingletonLock").symlink_metadata().is_err());
        assert_ne!(profile.path(), copy.path());
    }
}
