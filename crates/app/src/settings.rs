//! What the configuration decides, in the terms of the use cases. Nothing here can be invalid: `server` resolved it.

use cloakroom_core::account::PasswordPolicy;
use cloakroom_core::keyring::Rotation;
use cloakroom_core::refresh::Policy;
use cloakroom_core::session::Lifetimes;

/// Settings of the use cases.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `iss` of every token, and `aud` of the ones in cookies: the public URL without a trailing slash.
    pub issuer: String,
    /// How long sessions and tokens live.
    pub lifetimes: Lifetimes,
    /// The refresh protocol's numbers.
    pub refresh: Policy,
    /// What a new password must be.
    pub passwords: PasswordPolicy,
    /// How passwords are hashed.
    pub hashing: Hashing,
    /// How the key ring turns.
    pub rotation: Rotation,
    /// How many verified tokens are remembered, so that the next request with one costs no signature check.
    pub verified_tokens: usize,
}

/// Parameters of Argon2id (RFC 9106) and of the pool that it runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hashing {
    /// Memory of one hash, in KiB; 19456 by default (OWASP Password Storage).
    pub memory_kib: u32,
    /// Passes; 2 by default.
    pub passes: u32,
    /// Threads that hash; each holds `memory_kib` while it works.
    pub threads: usize,
    /// Passwords that may wait before further ones are refused as busy.
    pub queue: usize,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, threads: 1, queue: 64 }
    }
}
