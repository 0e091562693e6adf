//! How many guesses get through (NIST SP 800-63B-4 §3.2.2, v5.0.0-6.3.1): a delay that doubles per failure, judged before
//! anything is compared.
//!
//! An attempt counts as a failure from the moment it is let through until it turns out to be none: so many at once are as
//! slow as many in a row. Deliberately absent: who a bucket belongs to (`app`), and where it is kept (`store`).

use crate::time::{Lifetime, Timestamp};

/// What is remembered of attempts in a row that were not known to succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// So many, the last of them perhaps still under way.
    pub failures: u32,
    /// When the last one was let through.
    pub last_at: Timestamp,
}

/// How attempts of one kind are limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many follow each other without delay.
    pub free: u32,
    /// The delay before the next one; each further failure doubles it.
    pub first: Lifetime,
    /// The longest delay.
    pub longest: Lifetime,
    /// After so many there are none at all, until the bucket is emptied.
    pub at_most: Option<u32>,
    /// A bucket in which nothing happened for so long is empty.
    pub forget_after: Lifetime,
}

/// The judgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be tried; the bucket from now on.
    Try(Bucket),
    /// Not before this long.
    Wait(Lifetime),
    /// Never, until the bucket is emptied.
    Never,
}

impl Limit {
    /// Judges one more attempt.
    pub fn judge(&self, bucket: Option<Bucket>, now: Timestamp) -> Verdict {
        let bucket = bucket.filter(|bucket| now.since(bucket.last_at) < self.forget_after);
        let Some(bucket) = bucket else { return Verdict::Try(Bucket { failures: 1, last_at: now }) };
        if self.at_most.is_some_and(|most| bucket.failures >= most) {
            return Verdict::Never;
        }
        let open_at = bucket.last_at.plus(self.delay_after(bucket.failures));
        if now < open_at {
            return Verdict::Wait(open_at.since(now));
        }
        Verdict::Try(Bucket { failures: bucket.failures.saturating_add(1), last_at: now })
    }

    /// How long after the last of so many failures the next attempt is let through.
    pub fn delay_after(&self, failures: u32) -> Lifetime {
        match failures.checked_sub(self.free) {
            None => Lifetime::ZERO,
            Some(doublings) => {
                let factor = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
                Lifetime::from_millis(self.first.millis().saturating_mul(factor)).min(self.longest)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: Limit = Limit {
        free: 3,
        first: Lifetime::from_secs(1),
        longest: Lifetime::from_secs(60),
        at_most: Some(20),
        forget_after: Lifetime::from_secs(86_400),
    };
    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn after(failures: u32) -> Bucket {
        Bucket { failures, last_at: NOW }
    }

    #[test]
    fn the_first_ones_are_free_and_then_the_delay_doubles_up_to_its_bound() {
        let delays: Vec<_> = (0..12).map(|failures| LIMIT.delay_after(failures).as_secs()).collect();
        assert_eq!(delays, [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(LIMIT.delay_after(u32::MAX), LIMIT.longest);
        assert_eq!(LIMIT.judge(None, NOW), Verdict::Try(Bucket { failures: 1, last_at: NOW }));
        assert_eq!(LIMIT.judge(Some(after(2)), NOW), Verdict::Try(Bucket { failures: 3, last_at: NOW }));
        assert_eq!(LIMIT.judge(Some(after(4)), NOW), Verdict::Wait(Lifetime::from_secs(2)));
        let later = NOW.plus(Lifetime::from_secs(2));
        assert_eq!(LIMIT.judge(Some(after(4)), later), Verdict::Try(Bucket { failures: 5, last_at: later }));
    }

    #[test]
    fn after_the_most_there_is_none_until_it_is_emptied_or_forgotten() {
        let long_after = NOW.plus(Lifetime::from_secs(86_399));
        assert_eq!(LIMIT.judge(Some(after(20)), long_after), Verdict::Never);
        assert!(matches!(
            LIMIT.judge(Some(after(20)), NOW.plus(LIMIT.forget_after)),
            Verdict::Try(Bucket { failures: 1, .. })
        ));
    }

    #[test]
    fn a_clock_that_was_set_back_lets_nobody_in_earlier() {
        assert!(matches!(LIMIT.judge(Some(after(5)), NOW.minus(Lifetime::from_secs(50))), Verdict::Wait(_)));
    }

    proptest! {
        /// However attempts are spread, no more get through in a time than the delays allow.
        #[test]
        fn nobody_gets_more_tries_than_the_delays_allow(gaps in prop::collection::vec(0u64..5000, 1..400)) {
            let (mut bucket, mut now, mut tries) = (None, NOW, 0);
            for gap in gaps {
                now = now.plus(Lifetime::from_millis(gap));
                if let Verdict::Try(next) = LIMIT.judge(bucket, now) {
                    tries += 1;
                    prop_assert_eq!(next.failures, tries);
                    bucket = Some(next);
                }
            }
            let needed: u64 = (1..tries).map(|n| LIMIT.delay_after(n).millis()).sum();
            prop_assert!(now.since(NOW).millis() >= needed);
            prop_assert!(tries <= 20);
        }
    }
}
