//! Sessions, each in one row with its refresh family.
//!
//! Deliberately absent: whether a session is expired. That is judged by `core`, with an instant that the store does not know.

#[cfg(test)]
pub(crate) mod exam;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use crate::Error;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;

/// Reads sessions.
#[async_trait::async_trait]
pub trait Sessions {
    /// The session with this id, ended or not, as long as it is not swept.
    async fn session(&self, id: SessionId) -> Result<Option<Session>, Error>;

    /// At most `limit` sessions of an account that have not ended (they can be expired), those used last first.
    async fn sessions_of(&self, account: AccountId, limit: u32) -> Result<Vec<Session>, Error>;
}

/// A report that a session was seen in use. Reports may come late, twice, and in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Which session.
    pub session: SessionId,
    /// The refresh generation whose access token was seen.
    pub generation: u32,
    /// When a token of that generation was first seen: acknowledges the generation if it is the newest, and was not
    /// acknowledged before, and the session has not ended. `None` when nothing was seen for the first time.
    pub first_used_at: Option<Timestamp>,
    /// The last time that the session was seen in use. The stored instant only moves forward.
    pub last_used_at: Timestamp,
}
