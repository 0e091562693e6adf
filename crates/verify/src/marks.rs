//! What was revoked, folded together and judged as the server judges it: by `cloakroom-core`. Bounded by what can still be
//! alive: every entry says until when it matters.

use std::sync::atomic::{AtomicI64, Ordering};

use cloakroom_core::access::{Access, Mark, Revocation};
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_core::time::{Lifetime, Timestamp};

/// Entries are kept this much longer than they say: an issuer rounds to seconds, and clocks are set back.
const MARGIN: Lifetime = Lifetime::from_secs(60);

/// Marks of what can still be alive. One task writes, requests read without waiting.
pub(crate) struct Marks {
    sessions: papaya::HashMap<SessionId, (Mark, Timestamp)>,
    accounts: papaya::HashMap<AccountId, (Timestamp, Timestamp)>,
    keys: papaya::HashMap<KeyId, Timestamp>,
    /// Milliseconds; the earliest instant where there is no such floor.
    everything_before: AtomicI64,
    everything_until: AtomicI64,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            sessions: papaya::HashMap::new(),
            accounts: papaya::HashMap::new(),
            keys: papaya::HashMap::new(),
            everything_before: AtomicI64::new(i64::MIN),
            everything_until: AtomicI64::new(i64::MIN),
        }
    }
}

impl Marks {
    /// Whether a verified access token is still good, its own expiry apart. Never waits.
    pub(crate) fn allow(&self, access: &Access, now: Timestamp) -> bool {
        let before = Timestamp::from_millis(self.everything_before.load(Ordering::Acquire));
        if (Revocation::Everything { before }).is_above(access) {
            return false;
        }
        if !self.keys.is_empty() && self.keys.pin().contains_key(&access.key) {
            return false;
        }
        let account = access.account;
        if !self.accounts.is_empty()
            && let Some((before, _)) = self.accounts.pin().get(&account)
            && (Revocation::Account { account, before: *before }).is_above(access)
        {
            return false;
        }
        self.sessions.pin().get(&access.session).is_none_or(|(mark, _)| mark.allows(access, now))
    }

    /// Adds an entry that matters until `until`. Entries may come twice and in any order.
    pub(crate) fn apply(&self, entry: &Revocation, until: Timestamp, now: Timestamp) {
        let until = until.plus(MARGIN);
        if until <= now {
            return;
        }
        match entry {
            Revocation::Session(session) | Revocation::Issues { session, .. } => {
                self.sessions.pin().update_or_insert_with(
                    *session,
                    |(mark, known)| (mark.clone().with(entry), until.max(*known)),
                    || (Mark::default().with(entry), until),
                );
            }
            Revocation::Key(key) => {
                self.keys.pin().update_or_insert(*key, |known| until.max(*known), until);
            }
            Revocation::Account { account, before } => {
                self.accounts.pin().update_or_insert(
                    *account,
                    |(known, known_until)| (*before.max(known), until.max(*known_until)),
                    (*before, until),
                );
            }
            Revocation::Everything { before } => {
                self.everything_until.fetch_max(until.millis(), Ordering::AcqRel);
                self.everything_before.fetch_max(before.millis(), Ordering::AcqRel);
            }
        }
    }

    /// Forgets what no token that is alive can need.
    pub(crate) fn forget(&self, now: Timestamp) {
        self.sessions.pin().retain(|_, (_, until)| *until > now);
        self.accounts.pin().retain(|_, (_, until)| *until > now);
        self.keys.pin().retain(|_, until| *until > now);
        if self.everything_until.load(Ordering::Acquire) <= now.millis() {
            self.everything_before.store(i64::MIN, Ordering::Release);
        }
    }

    /// How many entries are held.
    pub(crate) fn len(&self) -> usize {
        let everything = usize::from(self.everything_before.load(Ordering::Acquire) != i64::MIN);
        self.sessions.len() + self.accounts.len() + self.keys.len() + everything
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn later(seconds: u64) -> Timestamp {
        NOW.plus(Lifetime::from_secs(seconds))
    }

    fn access() -> Access {
        Access {
            account: AccountId::from_bytes([1; 16]),
            session: SessionId::from_bytes([2; 16]),
            generation: 4,
            issue: 0,
            issued_at: NOW,
            expires_at: later(300),
            key: KeyId::from_bytes([3; 16]),
        }
    }

    fn every_kind() -> [Revocation; 5] {
        let Access { account, session, key, .. } = access();
        [
            Revocation::Session(session),
            Revocation::Issues { session, generation: 4, oldest: 1, from: NOW },
            Revocation::Key(key),
            Revocation::Account { account, before: later(1) },
            Revocation::Everything { before: later(1) },
        ]
    }

    #[test]
    fn every_kind_of_entry_refuses_and_is_forgotten_when_nothing_alive_needs_it() {
        for entry in every_kind() {
            let marks = Marks::default();
            assert!(marks.allow(&access(), NOW), "{entry:?}");
            marks.apply(&entry, later(300), NOW);
            marks.forget(later(300));
            assert!(!marks.allow(&access(), NOW) && marks.len() == 1, "{entry:?}");
            marks.forget(later(361));
            assert!(marks.allow(&access(), NOW) && marks.len() == 0, "{entry:?}");
        }
    }

    #[test]
    fn what_is_over_already_takes_no_room() {
        let marks = Marks::default();
        for entry in every_kind() {
            marks.apply(&entry, NOW, later(61));
        }
        assert_eq!(marks.len(), 0);
    }

    #[test]
    fn of_two_floors_the_higher_and_the_longer_count() {
        let account = access().account;
        let floors = [(later(10), later(20)), (later(5), later(600))];
        for order in [[0, 1], [1, 0]] {
            let marks = Marks::default();
            for (before, until) in order.map(|at: usize| floors[at]) {
                marks.apply(&Revocation::Account { account, before }, until, NOW);
                marks.apply(&Revocation::Everything { before }, until, NOW);
            }
            marks.forget(later(300));
            let issued = |issued_at| Access { issued_at, ..access() };
            assert!(!marks.allow(&issued(later(9)), NOW), "{order:?}");
            assert!(marks.allow(&issued(later(11)), NOW), "{order:?}");
        }
    }

    #[test]
    fn an_entry_touches_nobody_else() {
        let marks = Marks::default();
        for entry in every_kind() {
            if !matches!(entry, Revocation::Everything { .. }) {
                marks.apply(&entry, later(300), NOW);
            }
        }
        let other = Access {
            account: AccountId::from_bytes([9; 16]),
            session: SessionId::from_bytes([9; 16]),
            key: KeyId::from_bytes([9; 16]),
            ..access()
        };
        assert!(marks.allow(&other, NOW));
    }
}
