//! The revocation feed: what is no longer good although its signature is, for every node to follow.
//!
//! Deliberately absent: the memory of it that a node asks per request (`app`).

#[cfg(test)]
pub(crate) mod exam;
pub(crate) mod sqlite;

use crate::Error;
use cloakroom_core::access::Revocation;
use cloakroom_core::time::Timestamp;

/// Reads the revocation feed.
#[async_trait::async_trait]
pub trait Revocations {
    /// At most `limit` entries whose sequence number is greater than `seq`, in the order of those numbers, which is the
    /// order in which they were written, each with the instant from which on it can be forgotten. Numbers begin at
    /// 1 and are never used again, not even after a sweep; there can be gaps. An entry never shows up behind one
    /// that was read: who asks again with the last number that came misses nothing.
    async fn revocations_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, Revocation, Timestamp)>, Error>;
}
