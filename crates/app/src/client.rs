//! A client as the configuration or the store describes it, with what proves that somebody is it.

use cloakroom_core::service::Registration;
use cloakroom_jose::KeySet;
use cloakroom_oidc::RemoteKeys;
use std::sync::Arc;

/// A client. No secret is in it that could be shown again.
#[derive(Clone)]
pub struct Client {
    /// What it is and may do.
    pub registration: Registration,
    /// What proves that somebody is it.
    pub proof: Proof,
}

/// What proves that somebody is a client. Exactly one way: a weaker one beside it would be the one that is attacked.
#[derive(Clone)]
pub enum Proof {
    /// A secret (RFC 6749 §2.3.1), as its SHA-256: it has the entropy of a key.
    Secret([u8; 32]),
    /// What it signs (RFC 7523 §2.2), by these keys.
    Keys(Arc<KeySet>),
    /// The same, by keys that it publishes.
    RemoteKeys(Arc<RemoteKeys>),
}

/// Which, not how it proves it.
impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("registration", &self.registration).finish_non_exhaustive()
    }
}
