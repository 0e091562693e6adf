//! What the configuration decides about hashing. Nothing here is judged: whoever reads the configuration did.

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
