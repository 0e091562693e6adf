//! Secrets of the configuration, which is printed and cloned.

use cloakroom_core::secret::Plain;
use std::fmt;
use std::sync::Arc;

/// A secret of the configuration. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Secret(Arc<Plain>);

impl Secret {
    pub(super) fn of(text: String) -> Self {
        Self(Arc::new(Plain::new(text.into_bytes())))
    }

    /// The secret itself, shared.
    pub fn plain(&self) -> &Arc<Plain> {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
