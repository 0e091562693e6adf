//! A browser's profile: the folder that holds what outlives its process. What is in it is deliberately not looked at here:
//! that is the browser's own affair.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
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

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}
