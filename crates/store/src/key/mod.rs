//! The key ring, sealed.
//!
//! Deliberately absent: the master key that it is sealed under, and when a key is due (`core`).

#[cfg(test)]
pub(crate) mod exam;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use crate::Error;
use cloakroom_core::keyring::KeyRecord;

/// Reads the key ring.
#[async_trait::async_trait]
pub trait Keys {
    /// Every key there is, withdrawn or not, the one made first first.
    async fn keys(&self) -> Result<Vec<KeyRecord>, Error>;

    /// A number that is another one after every change of the ring, whoever made it: cheap enough to be asked every
    /// second, so that a running server notices what another process did.
    async fn keys_version(&self) -> Result<u64, Error>;
}
