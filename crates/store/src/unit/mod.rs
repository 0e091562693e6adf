//! A unit of work: what a use case wants changed, as values.
//!
//! Deliberately absent: reading (it happens before, through the contracts) and carrying out (the backends).

#[cfg(test)]
pub(crate) mod exam;

use crate::Error;
use crate::session::Sighting;
use crate::slip::{Slip, SlipKey, SlipKind};
use cloakroom_core::access::Revocation;
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::event::Event;
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_core::keyring::KeyRecord;
use cloakroom_core::refresh::{Ended, Family, Version};
use cloakroom_core::session::{Roles, Session};
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

    /// Whether it can add entries to the revocation feed.
    pub(crate) fn revokes(&self) -> bool {
        self.orders.iter().any(Order::revokes)
    }

    /// A fault when a slip in it is too large, before any backend has seen it.
    pub(crate) fn check_sizes(&self) -> Result<(), Error> {
        let slips = self.orders.iter().filter_map(|order| match order {
            Order::AddSlip(slip) | Order::PutSlip(slip) | Order::ChangeSlip { next: slip, .. } => Some(slip),
            _ => None,
        });
        for slip in slips {
            if slip.data.len() > Slip::MAX_DATA {
                let (kind, bytes) = (slip.kind.as_str(), slip.data.len());
                return Err(Error::Fault(format!("a {kind} slip of {bytes} bytes; {} is the most", Slip::MAX_DATA)));
            }
        }
        Ok(())
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
    /// Notes that the owner of an account receives mail at its address; a later instant replaces an earlier one. Conflicts
    /// unless the account has the [canonical](Email::canonical) address `email`.
    VerifyEmail {
        /// Whose.
        account: AccountId,
        /// The address that was proven.
        email: Email,
        /// When.
        at: Timestamp,
    },
    /// Gives an account another address. Conflicts unless the account has the canonical address of `expected`, and when
    /// another account has that of `next`.
    SetEmail {
        /// Whose.
        account: AccountId,
        /// The address that was read.
        expected: Email,
        /// The address from now on.
        next: Email,
        /// When its owner proved to receive mail at `next`, if so.
        verified_at: Option<Timestamp>,
    },
    /// Forgets an account with its sessions and its slips, for good. Conflicts when it is not there. Lines of the audit trail
    /// and entries of the feed stay; so whatever ends its sessions and tells the feed comes before this.
    DeleteAccount(AccountId),
    /// Disables an account, or enables it again. Conflicts when it is so already, or there is no such account. Its
    /// sessions are ended by an order of their own.
    DisableAccount {
        /// Which.
        account: AccountId,
        /// Since when it is disabled; `None` enables it.
        at: Option<Timestamp>,
    },
    /// Raises the instant before which no session of an account can have been opened, and adds a
    /// [`Revocation::Account`] to the feed. An instant that is later already stays. Conflicts when there is no such account.
    RaiseFloor {
        /// Whose.
        account: AccountId,
        /// What was opened or issued before this is over.
        to: Timestamp,
        /// From when on the entry of the feed can be forgotten.
        until: Timestamp,
    },
    /// Changes nothing; conflicts unless the account's password was last set at this instant. A new hash of the same
    /// password is no new password.
    ExpectPassword {
        /// Whose.
        account: AccountId,
        /// When the password that was compared had been set.
        set_at: Timestamp,
    },
    /// Adds a session. Conflicts when its id is taken, when its account is not there or is disabled, and when the account's
    /// `not_before` is after `opened_at`.
    OpenSession(Session),
    /// Changes nothing. Conflicts unless an account has fewer live sessions than `below`: those that have not ended, whose
    /// `absolute_until` is after `now` and whose `last_used_at` is after `idle_since`.
    ///
    /// Of units that expect room and then open a session, never more succeed than there is room, however many race.
    ExpectRoom {
        /// Whose.
        account: AccountId,
        /// So many are too many already.
        below: u32,
        /// The instant of the use case.
        now: Timestamp,
        /// What was last used at this instant or before it is over.
        idle_since: Timestamp,
    },
    /// Ends those live sessions of an account (as in [`Order::ExpectRoom`]) that were used longest ago, so that at most
    /// `keep` are left, and adds a [`Revocation::Session`] to the feed for each. Never conflicts.
    EndOldest {
        /// Whose.
        account: AccountId,
        /// As many stay.
        keep: u32,
        /// The instant of the use case.
        now: Timestamp,
        /// What was last used at this instant or before it is over, and is left alone.
        idle_since: Timestamp,
        /// When and why.
        ended: Ended,
        /// From when on the entries of the feed can be forgotten.
        revoked_until: Timestamp,
    },
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
    /// Replaces what a provider says of somebody. Conflicts when the session has ended or is not there.
    SetRoles {
        /// Whose.
        session: SessionId,
        /// The roles and groups from now on.
        next: Roles,
    },
    /// Ends a session and forgets its [`SlipKind::ProviderSession`], as every order does that ends sessions. Conflicts when it has
    /// ended already or is not there. Its revocation is an order of its own.
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
    /// Ends every session there is that has not ended, and adds one entry to the feed, a [`Revocation::Everything`]. Never
    /// conflicts.
    EndEverything {
        /// When and why.
        ended: Ended,
        /// What was issued up to this is no longer good.
        before: Timestamp,
        /// From when on the entry of the feed can be forgotten.
        until: Timestamp,
    },
    /// Notes that a session was seen in use. Never conflicts: what is out of date in it changes nothing.
    Sight(Sighting),
    /// Changes nothing. Conflicts unless [`keys_version`](crate::Keys::keys_version) is this.
    ExpectKeys(u64),
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
    /// Adds a slip. Conflicts when one of its kind and key is there, and when it names an account that is not there.
    AddSlip(Slip),
    /// Adds a slip, or replaces whatever has its kind and key. Conflicts only when it names an account that is not there.
    PutSlip(Slip),
    /// Replaces the slip that has the kind and key of `next`. Conflicts unless it is there with the `expected` version, and
    /// when `next` names an account that is not there.
    ChangeSlip {
        /// The version that was judged.
        expected: u32,
        /// The slip from now on, its version included: that is not counted up by the store.
        next: Slip,
    },
    /// Forgets a slip. Conflicts unless it is there with the `expected` version.
    RemoveSlip {
        /// What it is for.
        kind: SlipKind,
        /// Which.
        key: SlipKey,
        /// The version that was judged.
        expected: u32,
    },
    /// Forgets every slip of one kind that belongs to an account. Never conflicts.
    ///
    /// Of units that forget them all and then add one, the last one's is left, however many race.
    RemoveSlips {
        /// Whose.
        account: AccountId,
        /// What they are for.
        kind: SlipKind,
    },
    /// Changes nothing. Conflicts unless the slip is there with this version, or unless it is absent for `None`.
    ExpectSlip {
        /// What it is for.
        kind: SlipKind,
        /// Which.
        key: SlipKey,
        /// The version that was judged.
        expected: Option<u32>,
    },
    /// Forgets entries of the revocation feed whose `until` is not after `now`, sessions whose absolute end, or end, was
    /// before `ended_before`, and slips whose `expires_at` is not after `now`: of these at most [`Slip::SWEPT_AT_ONCE`], those
    /// that expired first. Never conflicts.
    Sweep {
        /// The instant of the sweep.
        now: Timestamp,
        /// Sessions that were over before this are forgotten.
        ended_before: Timestamp,
    },
}

impl Order {
    /// Whether it can add entries to the revocation feed.
    pub(crate) fn revokes(&self) -> bool {
        match self {
            Self::RaiseFloor { .. }
            | Self::EndOldest { .. }
            | Self::EndSessions { .. }
            | Self::EndEverything { .. }
            | Self::Revoke { .. } => true,
            Self::OpenAccount(_)
            | Self::SetPassword { .. }
            | Self::DisableAccount { .. }
            | Self::OpenSession(_)
            | Self::ExpectPassword { .. }
            | Self::ExpectRoom { .. }
            | Self::ChangeFamily { .. }
            | Self::SetRoles { .. }
            | Self::EndSession { .. }
            | Self::Sight(_)
            | Self::ExpectKeys(_)
            | Self::InsertKey(_)
            | Self::WithdrawKey { .. }
            | Self::DeleteKey(_)
            | Self::VerifyEmail { .. }
            | Self::SetEmail { .. }
            | Self::DeleteAccount(_)
            | Self::Record(_)
            | Self::AddSlip(_)
            | Self::PutSlip(_)
            | Self::ChangeSlip { .. }
            | Self::RemoveSlip { .. }
            | Self::RemoveSlips { .. }
            | Self::ExpectSlip { .. }
            | Self::Sweep { .. } => false,
        }
    }
}
