//! How long to wait before trying again. Many verifiers lose one provider at the same moment; they must not come back at
//! the same moment.

use std::time::Duration;

/// After `failures` in a row (1 or more): doubles from `least` up to `most`, of which a random part between a half and
/// all is taken.
pub(crate) fn after(failures: u32, least: Duration, most: Duration) -> Duration {
    let doubled = least.saturating_mul(1 << failures.saturating_sub(1).min(16));
    jittered(doubled.min(most.max(least)))
}

/// A random length between a half of `length` and all of it.
pub(crate) fn jittered(length: Duration) -> Duration {
    let part = cloakroom_jose::random::<2>().map_or(u16::MAX, u16::from_le_bytes);
    let half = length / 2;
    half.saturating_add(half.saturating_mul(u32::from(part)) / u32::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_differ() {
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(30));
        for (failures, longest) in [(1, 1), (2, 2), (3, 4), (6, 30), (u32::MAX, 30)] {
            let waits: Vec<_> = (0..64).map(|_| after(failures, least, most)).collect();
            let longest = Duration::from_secs(longest);
            assert!(waits.iter().all(|wait| (longest / 2..=longest).contains(wait)), "{failures}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "{failures}");
        }
    }
}
