//! The revocation feed: what is no longer good although its signature is, for every node to follow.
//!
//! Deliberately absent: the memory of it that a node asks per request (`app`).

#[cfg(test)]
pub(crate) mod exam;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use crate::Error;
use cloakroom_core::access::Revocation;
use cloakroom_core::time::Timestamp;
use tokio::sync::watch;

/// Reads the revocation feed.
#[async_trait::async_trait]
pub trait Revocations {
    /// At most `limit` entries whose sequence number is greater than `seq`, in the order of those numbers, which is the
    /// order in which they were written, each with the instant from which on it can be forgotten.
    ///
    /// The first entry ever has the number 1, and every other one the next: none is left out by a unit that failed, and
    /// none is used again after a sweep. They become visible in this order and without gaps, whoever writes. So who
    /// asks again with the last number that came misses nothing, and a number that is missing was swept.
    async fn revocations_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, Revocation, Timestamp)>, Error>;

    /// The number of the newest entry that was ever added, swept or not; 0 when there never was one.
    async fn newest_revocation(&self) -> Result<u64, Error>;

    /// Changes whenever entries may have been added; the value itself means nothing. What this process added is told
    /// before its commit is answered. What others added is told as far as the backend can: SQLite cannot, Postgres
    /// does as long as it can be reached. A hint can be lost or come for nothing, so who follows the feed also reads it
    /// now and then.
    fn hints(&self) -> watch::Receiver<u64>;
}
