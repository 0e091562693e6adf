//! What was revoked, in memory: one mark per session, key and account, held only as long as a token could be alive.

use cloakroom_core::access::{Access, Mark, Revocation};
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_core::time::Timestamp;
use std::sync::{PoisonError, RwLock};

/// Marks of what can still be alive. Reading never blocks for long: floors of everything are rare and few.
#[derive(Default)]
pub(crate) struct Marks {
    sessions: papaya::HashMap<SessionId, (Mark, Timestamp)>,
    keys: papaya::HashMap<KeyId, Timestamp>,
    accounts: papaya::HashMap<AccountId, (Timestamp, Timestamp)>,
    everything: RwLock<Option<(Timestamp, Timestamp)>>,
}

impl Marks {
    /// Whether a verified access token is still good, its own expiry apart.
    pub(crate) fn allow(&self, access: &Access, now: Timestamp) -> bool {
        let marked = self.sessions.pin().get(&access.session).is_some_and(|(mark, _)| !mark.allows(access, now));
        !marked && !self.is_key_withdrawn(access) && !self.is_below_a_floor(access)
    }

    /// Whether it is only a newer issue that makes it worthless: then a refresh helps.
    pub(crate) fn only_outdate(&self, access: &Access, now: Timestamp) -> bool {
        let outdated = |(mark, _): &(Mark, Timestamp)| !mark.has_ended() && mark.outdates(access, now);
        self.sessions.pin().get(&access.session).is_some_and(outdated)
            && !self.is_key_withdrawn(access)
            && !self.is_below_a_floor(access)
    }

    fn is_key_withdrawn(&self, access: &Access) -> bool {
        !self.keys.is_empty() && self.keys.pin().contains_key(&access.key)
    }

    fn is_below_a_floor(&self, access: &Access) -> bool {
        let of_account = !self.accounts.is_empty()
            && self.accounts.pin().get(&access.account).is_some_and(|(before, _)| {
                Revocation::Account { account: access.account, before: *before }.is_above(access)
            });
        let everything = *self.everything.read().unwrap_or_else(PoisonError::into_inner);
        of_account || everything.is_some_and(|(before, _)| Revocation::Everything { before }.is_above(access))
    }

    /// Number of entries held, for the metrics.
    pub(crate) fn len(&self) -> usize {
        self.sessions.len() + self.keys.len() + self.accounts.len()
    }

    /// Adds what an entry says. Entries may come twice and in any order.
    pub(crate) fn apply(&self, entry: &Revocation, until: Timestamp) {
        match *entry {
            Revocation::Session(session) | Revocation::Issues { session, .. } => {
                self.sessions.pin().update_or_insert_with(
                    session,
                    |(mark, known)| (mark.clone().with(entry), until.max(*known)),
                    || (Mark::default().with(entry), until),
                );
            }
            Revocation::Key(key) => {
                self.keys.pin().insert(key, until);
            }
            Revocation::Account { account, before } => {
                self.accounts.pin().update_or_insert_with(
                    account,
                    |(known, held)| (before.max(*known), until.max(*held)),
                    || (before, until),
                );
            }
            Revocation::Everything { before } => {
                let mut known = self.everything.write().unwrap_or_else(PoisonError::into_inner);
                *known = Some(known.map_or((before, until), |(b, u)| (b.max(before), u.max(until))));
            }
        }
    }

    /// Forgets what no token can need any longer.
    pub(crate) fn forget(&self, now: Timestamp) {
        self.sessions.pin().retain(|_, (_, until)| *until > now);
        self.keys.pin().retain(|_, until| *until > now);
        self.accounts.pin().retain(|_, (_, until)| *until > now);
        let mut everything = self.everything.write().unwrap_or_else(PoisonError::into_inner);
        *everything = everything.filter(|(_, until)| *until > now);
    }
}
