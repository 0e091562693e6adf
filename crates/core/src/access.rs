//! Whether a verified access token is still good: what is remembered about its session, judged without a lookup
//! in any database (design §3.4).

use crate::id::{AccountId, KeyId, SessionId};
use crate::time::Timestamp;

/// What an access token says, after its signature, issuer, audience and type were verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `sub`.
    pub account: AccountId,
    /// `sid`.
    pub session: SessionId,
    /// `gen`: the refresh generation that it belongs to.
    pub generation: u32,
    /// `iss_no`: its issue within the generation.
    pub issue: u32,
    /// `iat`, to the second.
    pub issued_at: Timestamp,
    /// `exp`, to the second.
    pub expires_at: Timestamp,
    /// `kid` of the key that signed it.
    pub key: KeyId,
}

/// One entry of the revocation feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Revocation {
    /// A session ended: none of its tokens is good.
    Session(SessionId),
    /// A newer issue was made: of this generation, older ones die at `from`.
    Issues {
        /// Whose.
        session: SessionId,
        /// Which generation.
        generation: u32,
        /// The oldest issue that stays good.
        oldest: u32,
        /// From when on.
        from: Timestamp,
    },
    /// A key was withdrawn: nothing that it signed is good.
    Key(KeyId),
    /// Of an account nothing is good that was issued before an instant.
    Account {
        /// Whose.
        account: AccountId,
        /// Tokens of earlier seconds are refused. Those of the same second are left to the entries of their sessions.
        before: Timestamp,
    },
    /// Nothing is good that was issued before an instant, whoever's it is.
    Everything {
        /// Tokens of this second are refused too: after an emergency some log in twice, and nothing slips through.
        before: Timestamp,
    },
}

impl Revocation {
    /// Whether a floor, the entry of an account or of everything, lies above this token. Never for other entries.
    pub fn is_above(&self, access: &Access) -> bool {
        match self {
            Self::Account { account, before } => {
                access.account == *account && access.issued_at.unix_seconds() < before.unix_seconds()
            }
            Self::Everything { before } => access.issued_at <= *before,
            Self::Session(_) | Self::Issues { .. } | Self::Key(_) => false,
        }
    }
}

/// What is remembered of one session, folded together from its entries of the feed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Mark {
    ended: bool,
    /// Generation, oldest good issue, and from when on; newest first.
    issues: Vec<(u32, u32, Timestamp)>,
    /// Generations below this one are refused altogether.
    oldest_generation: u32,
}

/// Generations whose repeats are remembered one by one. More of them within the life of an access token are no lost
/// answers; what came before them is refused.
const REMEMBERED: usize = 8;

/// Repeats of one generation that are remembered one by one.
const REPEATS: usize = 4;

impl Mark {
    /// Adds what an entry says. Entries may come twice and in any order.
    #[must_use]
    pub fn with(mut self, entry: &Revocation) -> Self {
        match *entry {
            Revocation::Session(_) => self.ended = true,
            Revocation::Issues { generation, oldest, from, .. } => {
                self.issues.push((generation, oldest, from));
                self.issues.sort_unstable();
                self.issues.reverse();
                self.issues.dedup();
                self.join_repeats_of(generation);
                self.forget_old_generations();
            }
            Revocation::Key(_) | Revocation::Account { .. } | Revocation::Everything { .. } => {}
        }
        self
    }

    /// Of one generation a few repeats are kept apart, since each outdates other issues at another instant. Beyond that the two
    /// oldest become one, at the earlier instant: what died stays dead, and of what the second one outdated some dies
    /// sooner, which costs its owner a refresh.
    fn join_repeats_of(&mut self, generation: u32) {
        let mut own = (0..self.issues.len()).filter(|i| self.issues.get(*i).is_some_and(|e| e.0 == generation)).rev();
        let (Some(oldest), Some(next)) = (own.next(), own.next()) else { return };
        if own.count() + 2 <= REPEATS {
            return;
        }
        let gone = self.issues.remove(oldest);
        if let Some(joined) = self.issues.get_mut(next) {
            joined.2 = joined.2.min(gone.2);
        }
    }

    fn forget_old_generations(&mut self) {
        let mut seen = 0;
        let mut last = None;
        let kept = self.issues.iter().take_while(|known| {
            if last != Some(known.0) {
                last = Some(known.0);
                seen += 1;
            }
            seen <= REMEMBERED
        });
        let kept = kept.count();
        if let Some(forgotten) = self.issues.get(kept) {
            self.oldest_generation = self.oldest_generation.max(forgotten.0.saturating_add(1));
            self.issues.truncate(kept);
        }
    }

    /// Whether an access token of this session is still good at `now`, its own expiry apart.
    pub fn allows(&self, access: &Access, now: Timestamp) -> bool {
        !self.ended && !self.outdates(access, now)
    }

    /// Whether it is a newer issue that makes an access token worthless, not the end of its session: then a refresh
    /// gives its owner a good one.
    pub fn outdates(&self, access: &Access, now: Timestamp) -> bool {
        let outdated = |(generation, oldest, from): &(u32, u32, Timestamp)| {
            access.generation == *generation && access.issue < *oldest && now >= *from
        };
        access.generation < self.oldest_generation || self.issues.iter().any(outdated)
    }

    /// Whether the session has ended.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Lifetime;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn access(generation: u32, issue: u32) -> Access {
        Access {
            account: AccountId::from_bytes([1; 16]),
            session: SessionId::from_bytes([2; 16]),
            generation,
            issue,
            issued_at: NOW,
            expires_at: NOW.plus(Lifetime::from_secs(300)),
            key: KeyId::from_bytes([3; 16]),
        }
    }

    fn repeated(generation: u32, oldest: u32, from: Timestamp) -> Revocation {
        Revocation::Issues { session: SessionId::from_bytes([2; 16]), generation, oldest, from }
    }

    #[test]
    fn an_ended_session_has_no_good_token() {
        let mark = Mark::default().with(&Revocation::Session(SessionId::from_bytes([2; 16])));
        assert!(Mark::default().allows(&access(0, 0), NOW));
        assert!(!mark.allows(&access(0, 0), NOW));
    }

    #[test]
    fn of_one_generation_only_the_newest_issue_outlives_the_race_window() {
        let mark = Mark::default().with(&repeated(4, 1, NOW));
        let before = NOW.minus(Lifetime::from_millis(1));
        assert!(mark.allows(&access(4, 0), before) && mark.allows(&access(4, 1), before));
        assert!(!mark.allows(&access(4, 0), NOW) && mark.allows(&access(4, 1), NOW));
        // Tokens of the generations around it are not touched.
        assert!(mark.allows(&access(3, 0), NOW) && mark.allows(&access(5, 0), NOW));
    }

    #[test]
    fn an_issue_that_was_outdated_stays_so_when_a_newer_one_is_made() {
        let later = |millis| NOW.plus(Lifetime::from_millis(millis));
        let mark = Mark::default().with(&repeated(4, 1, NOW)).with(&repeated(4, 2, later(10_000)));
        assert!(!mark.allows(&access(4, 0), NOW), "it died by the first repeat");
        assert!(mark.allows(&access(4, 1), NOW) && !mark.allows(&access(4, 1), later(10_000)));
        // However many: what died stays dead, the newest stays good.
        let entries = (1..=20).map(|n| repeated(4, n, later(i64::from(n).unsigned_abs())));
        let many = entries.fold(mark, |mark, entry| mark.with(&entry));
        assert!(!many.allows(&access(4, 0), NOW) && many.allows(&access(4, 20), later(20_000)));
        assert!(!many.allows(&access(4, 18), later(10_000)) && !many.allows(&access(4, 19), later(10_000)));
    }

    #[test]
    fn entries_may_come_twice_and_in_any_order() {
        let entries = [repeated(3, 1, NOW), repeated(4, 1, NOW), repeated(4, 2, NOW)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
            let mark = order.iter().chain(&order).fold(Mark::default(), |mark, &i| mark.with(&entries[i]));
            assert!(!mark.allows(&access(3, 0), NOW) && !mark.allows(&access(4, 1), NOW), "{order:?}");
            assert!(mark.allows(&access(3, 1), NOW) && mark.allows(&access(4, 2), NOW), "{order:?}");
        }
    }

    #[test]
    fn a_floor_lies_above_what_was_issued_before_it_and_of_whom_it_speaks() {
        let before = |millis| NOW.plus(Lifetime::from_millis(millis));
        let account = |n, before| Revocation::Account { account: AccountId::from_bytes([n; 16]), before };
        // `iat` is whole seconds: of the same second an account's floor spares all, a floor of everything none.
        assert!(!account(1, before(999)).is_above(&access(0, 0)));
        assert!(account(1, before(1000)).is_above(&access(0, 0)));
        assert!(!account(9, before(1000)).is_above(&access(0, 0)));
        assert!(Revocation::Everything { before: NOW }.is_above(&access(0, 0)));
        assert!(!Revocation::Everything { before: NOW.minus(Lifetime::from_millis(1)) }.is_above(&access(0, 0)));
    }

    #[test]
    fn repeats_of_many_generations_are_remembered_and_what_came_before_is_refused() {
        let entries = (1..=20).map(|generation| repeated(generation, 1, NOW));
        let mark = entries.fold(Mark::default(), |mark, entry| mark.with(&entry));
        for generation in 0..=20 {
            assert!(!mark.allows(&access(generation, 0), NOW), "{generation}");
            assert_eq!(mark.allows(&access(generation, 1), NOW), generation > 12, "{generation}");
        }
        assert!(mark.allows(&access(21, 0), NOW));
    }
}
