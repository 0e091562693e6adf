//! The audit trail.
//!
//! Deliberately absent: changing or deleting a line.

#[cfg(test)]
pub(crate) mod exam;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use crate::Error;
use cloakroom_core::event::Event;
use cloakroom_core::id::AccountId;

/// Reads the audit trail.
#[async_trait::async_trait]
pub trait Events {
    /// At most `limit` lines whose sequence number is greater than `seq`, in the order of those numbers, which is the
    /// order in which they were written. Numbers begin at 1; there can be gaps. A line never shows up behind one
    /// that was read: who asks again with the last number that came misses nothing.
    async fn events_after(&self, seq: u64, limit: u32) -> Result<Vec<(u64, Event)>, Error>;

    /// At most `limit` lines that name this account, there still or not, with their numbers: the newest first.
    async fn events_of(&self, account: AccountId, limit: u32) -> Result<Vec<(u64, Event)>, Error>;
}
