//! A unit of work: what a use case wants changed, as values.
//!
//! Deliberately absent: reading (it happens before, through the contracts) and carrying out (the backends).

#[cfg(test)]
pub(crate) mod exam;

use crate::session::Sighting;
use cloakroom_core::access::Revocation;
use cloakroom_core::account::{Account, PasswordHash};
use cloakroom_core::event::Event;
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_core::keyring::KeyRecord;
use cloakroom_core::refresh::{Ended, Family, Version};
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;

/// Orders that are carried out together, in their order, or not at all.
#[must_use = "a unit of work does nothing until it is committed"]
#[derive(Clone, Default)]
pub struct Unit {
    orders: Vec<Order>,
}

impl Unit {
    /// A unit that changes nothing yet. Committing it as it is succeeds at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// The unit with one more order at its end.
    pub fn order(mut self, order: Order) -> Self {
        self.push(order);
        self
    }

    /// Adds one more order at the end.
    pub fn push(&mut self, order: Order) {
        self.orders.push(order);
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// What is to be done, in order.
    pub fn orders(&self) -> &[Order] {
        &self.orders
    }
}

impl From<Order> for Unit {
    fn from(order: Order) -> Self {
        Self::new().order(order)
    }
}

/// One change. What is said to conflict makes the whole unit conflict.
#[derive(Clone)]
pub enum Order {
    /// Adds an account. Conflicts when one with the same [canonical](cloakroom_core::account::Email::canonical) address,
    /// or with the same id, is there.
    OpenAccount(Account),
    /// Replaces the hash of a password. Conflicts unless the account has exactly the `expected` one.
    SetPassword {
        /// Whose.
        account: AccountId,
        /// The hash that was read.
        expected: PasswordHash,
        /// The hash from now on.
        next: PasswordHash,
        /// When its owner set a new password; `None` when the same password was only hashed anew.
        at: Option<Timestamp>,
    },
    /// Adds a session. Conflicts when its id is taken or its account is not there.
    OpenSession(Session),
    /// Replaces the state of a refresh family, for a rotation or a repeat. Conflicts unless the row has the `expected`
    /// version and has not ended. A change within one generation (a repeat) was judged by the generation's
    /// acknowledgement too, so it conflicts when that is no longer what `next` says.
    ///
    /// The seed and the end of a family are not changed by this: `next` says of them what was read.
    ChangeFamily {
        /// Whose.
        session: SessionId,
        /// What was judged.
        expected: Version,
        /// The family from now on.
        next: Family,
    },
    /// Ends a session. Conflicts when it has ended already or is not there. Its revocation is an order of its own.
    EndSession {
        /// Which.
        session: SessionId,
        /// When and why.
        ended: Ended,
    },
    /// Ends every session of an account that has not ended, and adds a [`Revocation::Session`] to the feed for each.
    /// Never conflicts: it says "all", not "those that I have read".
    EndSessions {
        /// Whose.
        account: AccountId,
        /// This one is left alone.
        except: Option<SessionId>,
        /// When and why.
        ended: Ended,
        /// From when on the entries of the feed can be forgotten.
        revoked_until: Timestamp,
    },
    /// Notes that a session was seen in use. Never conflicts: what is out of date in it changes nothing.
    Sight(Sighting),
    /// Adds a key to the ring. Conflicts when its id is taken.
    InsertKey(KeyRecord),
    /// Withdraws a key. Conflicts when it was withdrawn already or is not there.
    WithdrawKey {
        /// Which.
        key: KeyId,
        /// When.
        at: Timestamp,
    },
    /// Deletes a key. Conflicts when it is not there: somebody else deleted it and has told of it.
    DeleteKey(KeyId),
    /// Adds an entry to the revocation feed.
    Revoke {
        /// What is no longer good.
        entry: Revocation,
        /// From when on the entry can be forgotten, because nothing that it speaks of can be alive.
        until: Timestamp,
    },
    /// Adds a line to the audit trail.
    Record(Event),
    /// Forgets entries of the revocation feed whose `until` is not after `now`, and sessions whose absolute end, or end,
    /// was before `ended_before`. Never conflicts.
    Sweep {
        /// The instant of the sweep.
        now: Timestamp,
        /// Sessions that were over before this are forgotten.
        ended_before: Timestamp,
    },
}
