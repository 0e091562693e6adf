//! Making lines of the audit trail.

use crate::{App, Fault};
use cloakroom_core::event::{Event, EventKind};
use cloakroom_core::id::EventId;
use cloakroom_core::id::{AccountId, SessionId};
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use cloakroom_jose::random;

/// An event that can still be told whose it is.
pub(crate) struct Draft(Event);

impl App {
    /// Starts an event, which is nobody's yet.
    #[expect(clippy::unused_self, reason = "reads as an act of the house, and entropy is the house's to give")]
    pub(crate) fn event(&self, kind: EventKind, now: Timestamp) -> Result<Draft, Fault> {
        let id = EventId::from_bytes(random()?);
        Ok(Draft(Event { id, at: now, kind, account: None, session: None, key: None }))
    }
}

impl Draft {
    /// An account's.
    pub(crate) fn of(mut self, account: AccountId) -> Event {
        self.0.account = Some(account);
        self.0
    }

    /// An account's, about a session.
    pub(crate) fn about(mut self, account: AccountId, session: SessionId) -> Event {
        self.0.session = Some(session);
        self.of(account)
    }

    /// A session's.
    pub(crate) fn on(self, session: &Session) -> Event {
        self.about(session.account, session.id)
    }

    /// Nobody's.
    pub(crate) fn of_nobody(self) -> Event {
        self.0
    }
}
