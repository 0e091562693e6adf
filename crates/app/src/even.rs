//! Answers on a grid of time: what anybody may ask and whose work depends on whether there is an account comes at the next
//! multiple of 50 ms since it was asked for, whether it was done or refused.
//!
//! Equal work is not enough. As many rows are read and written for an address without an account, and 100 µs were measured all
//! the same: rows that are there cost more than rows that are not. What is left is work that ends just before a line in one case
//! and just behind it in the other: 100 µs of 50 ms. Deliberately absent: the clock of use cases, which tests move. A stranger
//! measures real time.

use crate::{Error, Refusal};
use std::time::{Duration, Instant};
use tokio::task::yield_now;
use tokio::time::sleep_until;

/// The distance of its lines. Below the time that the queue waits before it sends a letter: that must not show either.
const EVERY: Duration = Duration::from_millis(50);

/// So long before its line a request is woken. A timer counts whole milliseconds from whenever its thread went to sleep, so it
/// rings later by the very fraction of one that the work has taken; the rest is waited out turn by turn.
const BEFORE: Duration = Duration::from_millis(2);

/// Does the work, and answers at the next line. Who has asked too often is told at once: that was judged before anybody was
/// looked up, and a flood is to cost nothing.
pub(crate) async fn even<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let asked_at = Instant::now();
    let done = work.await;
    if matches!(done, Err(Error::Refused(Refusal::TooManyAttempts { .. }))) {
        return done;
    }
    let after = line_after(asked_at.elapsed());
    let line = asked_at + after;
    sleep_until((asked_at + after.saturating_sub(BEFORE)).into()).await;
    while Instant::now() < line {
        yield_now().await;
    }
    done
}

/// The first line at which work that took so long is done.
fn line_after(took: Duration) -> Duration {
    let lines = took.as_nanos().div_ceil(EVERY.as_nanos()).max(1);
    EVERY * u32::try_from(lines).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::time::Lifetime;

    #[test]
    fn lines_are_fifty_milliseconds_apart() {
        for (took, at) in
            [(0, 50), (300, 50), (49_999, 50), (50_000, 50), (50_001, 100), (99_000, 100), (2_001_000, 2050)]
        {
            assert_eq!(line_after(Duration::from_micros(took)), Duration::from_millis(at), "{took} µs");
        }
    }

    #[tokio::test]
    async fn done_or_refused_an_answer_never_comes_before_its_line() {
        for outcome in [Ok(7), Err(Refusal::BadEmail)] {
            let asked_at = Instant::now();
            let answer = even(async { outcome.map_err(Error::from) }).await;
            assert!(asked_at.elapsed() >= EVERY);
            assert_eq!(answer.ok(), outcome.ok());
        }
    }

    #[tokio::test]
    async fn who_has_asked_too_often_waits_for_no_line() {
        let refused = Refusal::TooManyAttempts { wait: Lifetime::from_secs(1) };
        // Without a turn of any timer: it is ready when it is first looked at.
        let answer = futures_util::FutureExt::now_or_never(even(async { Err::<(), _>(refused.into()) }));
        assert!(matches!(answer, Some(Err(Error::Refused(Refusal::TooManyAttempts { .. })))));
    }
}
