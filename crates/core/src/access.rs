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
}

/// What is remembered of one session, folded together from its entries of the feed.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Mark {
    ended: bool,
    /// Generation, oldest good issue, and from when on; newest generation first.
    issues: Vec<(u32, u32, Timestamp)>,
    /// Generations below this one are refused altogether.
    oldest_generation: u32,
}

/// Generations whose repeats are remembered one by one. More of them within the life of an access token are no lost
/// answers; what came before them is refused.
const REMEMBERED: usize = 8;

impl Mark {
    /// Adds what an entry says. Entries may come twice and in any order.
    #[must_use]
    pub fn with(mut self, entry: &Revocation) -> Self {
        match *entry {
            Revocation::Session(_) => self.ended = true,
            Revocation::Issues { generation, oldest, from, .. } => {
                match self.issues.iter_mut().find(|known| known.0 == generation) {
                    Some(known) if oldest > known.1 => *known = (generation, oldest, from),
                    Some(_) => {}
                    None => self.issues.push((generation, oldest, from)),
                }
                self.issues.sort_by_key(|known| std::cmp::Reverse(known.0));
                if let Some(forgotten) = self.issues.get(REMEMBERED) {
                    self.oldest_generation = self.oldest_generation.max(forgotten.0.saturating_add(1));
                    self.issues.truncate(REMEMBERED);
                }
            }
            Revocation::Key(_) => {}
        }
        self
    }

    /// Whether an access token of this session is still good at `now`, its own expiry apart.
    pub fn allows(&self, access: &Access, now: Timestamp) -> bool {
        let outdated = |(generation, oldest, from): &(u32, u32, Timestamp)| {
            access.generation == *generation && access.issue < *oldest && now >= *from
        };
        !self.ended && access.generation >= self.oldest_generation && !self.issues.iter().any(outdated)
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
    fn entries_may_come_twice_and_in_any_order() {
        let entries = [repeated(3, 1, NOW), repeated(4, 1, NOW), repeated(4, 2, NOW)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]] {
            let mark = order.iter().chain(&order).fold(Mark::default(), |mark, &i| mark.with(&entries[i]));
            assert!(!mark.allows(&access(3, 0), NOW) && !mark.allows(&access(4, 1), NOW), "{order:?}");
            assert!(mark.allows(&access(3, 1), NOW) && mark.allows(&access(4, 2), NOW), "{order:?}");
        }
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
