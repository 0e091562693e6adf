//! The revocation feed: what it said ([`Marks`]), and whether it has spoken recently enough to be believed.
//!
//! One task follows it (`follow`); requests look and never wait for it, but for the very first answer.

mod events;
mod follow;
mod wire;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use cloakroom_core::access::{Access, Revocation};
use cloakroom_core::time::{Lifetime, Timestamp};
use futures_util::future::select;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::marks::Marks;

pub(crate) use follow::Follower;
use wire::{Document, Entry};

/// What to do with tokens while the feed is silent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnStale {
    /// 503: nobody comes in whose session may have ended meanwhile.
    #[default]
    Refuse,
    /// Go by what is known. Weaker: whoever can cut the line between this service and its issuer can use a revoked token
    /// until it expires.
    Accept,
}

/// What the builder says about the feed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FeedSettings {
    pub(crate) on_stale: OnStale,
    /// Silence is not believed for longer, even where the feed would allow it.
    pub(crate) stale_after: Option<Duration>,
    /// A copy of the issuer's keys that still has a withdrawn one may be in use for so long.
    pub(crate) keys_live: Duration,
    /// A request waits for the first answer of the feed no longer than this.
    pub(crate) wait_for: Duration,
}

/// What the feed says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Expired,
    Revoked,
    /// Nothing is known against it, but nothing was heard for too long.
    Stale,
}

/// Where the following stands before the first answer, and after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Failing,
    Following,
}

/// The feed, as far as it was read.
pub(crate) struct Feed {
    marks: Marks,
    /// Milliseconds of `Clock::elapsed` when the last document was asked for or pushed, and the same by `Clock::now`: a
    /// machine that slept notices by the second what the first may have missed.
    heard_at: AtomicU64,
    heard_at_wall: AtomicI64,
    stale_after: AtomicU64,
    is_read: AtomicBool,
    /// An entry that was not understood matters until then.
    blind_until: AtomicI64,
    /// No token lives longer, in milliseconds, where the feed says so.
    access_for: AtomicU64,
    position: AtomicU64,
    forgot_at: AtomicI64,
    stage: watch::Sender<Stage>,
    changes: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
    settings: FeedSettings,
}

/// One moment, by both faces of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Instant {
    elapsed: Duration,
    /// Unix milliseconds.
    now: i64,
}

/// How often what no token needs is forgotten, in milliseconds.
const FORGET_EVERY: i64 = 30_000;
/// What a feed may say about its own silence.
const STALE_AFTER: (Duration, Duration) = (Duration::from_millis(300), Duration::from_hours(1));
/// Before it has said so.
const FIRST_STALE_AFTER: Duration = Duration::from_secs(10);

impl Feed {
    pub(crate) fn new(clock: Arc<dyn Clock>, settings: FeedSettings) -> Self {
        Self {
            marks: Marks::default(),
            heard_at: AtomicU64::new(0),
            heard_at_wall: AtomicI64::new(i64::MIN),
            stale_after: AtomicU64::new(millis(FIRST_STALE_AFTER)),
            is_read: AtomicBool::new(false),
            blind_until: AtomicI64::new(i64::MIN),
            access_for: AtomicU64::new(u64::MAX),
            position: AtomicU64::new(0),
            forgot_at: AtomicI64::new(i64::MIN),
            stage: watch::Sender::new(Stage::Connecting),
            changes: watch::Sender::new(0),
            clock,
            settings,
        }
    }

    /// Judges a token that is genuine. Never waits.
    pub(crate) fn judge(&self, access: &Access, now: Timestamp) -> Verdict {
        let longest = access.issued_at.plus(Lifetime::from_millis(self.access_for.load(Ordering::Relaxed)));
        if now >= access.expires_at.min(longest) {
            Verdict::Expired
        } else if !self.marks.allow(access, now) {
            Verdict::Revoked
        } else if self.settings.on_stale == OnStale::Refuse && !self.is_fresh() {
            Verdict::Stale
        } else {
            Verdict::Good
        }
    }

    /// Whether it was read to its end, understood, and heard of recently. Exactly at the bound it still is.
    pub(crate) fn is_fresh(&self) -> bool {
        let (elapsed, now) = (millis(self.clock.elapsed()), self.clock.now());
        let stale_after = self.stale_after.load(Ordering::Relaxed);
        let slept = now.saturating_sub(self.heard_at_wall.load(Ordering::Relaxed));
        self.is_read.load(Ordering::Acquire)
            && elapsed.saturating_sub(self.heard_at.load(Ordering::Relaxed)) <= stale_after
            && u64::try_from(slept).unwrap_or(0) <= stale_after
            && now >= self.blind_until.load(Ordering::Relaxed)
    }

    /// Whether it has not answered yet, nor failed to.
    pub(crate) fn is_connecting(&self) -> bool {
        !self.is_read.load(Ordering::Acquire) && *self.stage.borrow() == Stage::Connecting
    }

    /// Waits until the feed has answered for the first time, or has failed to, or for as long as the builder says.
    pub(crate) async fn ready(&self) {
        if self.is_connecting() {
            let mut stage = self.stage.subscribe();
            let answered = pin!(stage.wait_for(|stage| *stage != Stage::Connecting));
            select(answered, self.clock.wait(self.settings.wait_for)).await;
        }
    }

    /// Tells of every document that brought entries.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Up to which entry it was read.
    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// How long ago it was last heard of.
    pub(crate) fn silence(&self) -> Duration {
        self.clock.elapsed().saturating_sub(Duration::from_millis(self.heard_at.load(Ordering::Relaxed)))
    }

    /// How many revocations are held.
    pub(crate) fn len(&self) -> usize {
        self.marks.len()
    }

    /// How long nothing may be heard before nothing is believed.
    fn stale_after(&self) -> Duration {
        Duration::from_millis(self.stale_after.load(Ordering::Relaxed))
    }

    /// Takes over what a document says; that it was heard is another matter ([`Self::heard`]).
    fn apply(&self, document: &Document) {
        let now = self.clock.now();
        let at = Timestamp::from_millis(now);
        for entry in &document.entries {
            match entry {
                Entry::Known { revocation, until } => {
                    let until = self.matters_until(revocation, *until, at);
                    self.marks.apply(revocation, until, at);
                }
                Entry::Strange { until } => {
                    tracing::error!(
                        "the revocation feed has an entry that this version does not understand: update it"
                    );
                    self.blind_until.fetch_max(until.unwrap_or(i64::MAX), Ordering::Relaxed);
                }
            }
        }
        let said = document.stale_after.clamp(STALE_AFTER.0, STALE_AFTER.1);
        let stale_after = self.settings.stale_after.map_or(said, |ours| ours.min(said));
        self.stale_after.store(millis(stale_after), Ordering::Relaxed);
        self.access_for.store(document.access_for.map_or(u64::MAX, millis), Ordering::Relaxed);
        self.position.store(document.next, Ordering::Release);
        if now.saturating_sub(self.forgot_at.load(Ordering::Relaxed)) >= FORGET_EVERY {
            self.forgot_at.store(now, Ordering::Relaxed);
            self.marks.forget(at);
        }
        if !document.entries.is_empty() {
            self.changes.send_modify(|count| *count = count.wrapping_add(1));
        }
    }

    /// As long as the feed says. But whoever stole a key makes new tokens with it for as long as any copy of the keys has it.
    fn matters_until(&self, revocation: &Revocation, until: Timestamp, now: Timestamp) -> Timestamp {
        match revocation {
            Revocation::Key(_) => until.max(now.plus(Lifetime::from_millis(millis(self.settings.keys_live)))),
            _ => until,
        }
    }

    /// The feed was read to its end, as it was at this instant, which is never put back.
    fn heard(&self, at: Instant) {
        let heard_at = millis(at.elapsed);
        if heard_at >= self.heard_at.load(Ordering::Relaxed) {
            self.heard_at.store(heard_at, Ordering::Relaxed);
            self.heard_at_wall.store(at.now, Ordering::Relaxed);
        }
        if !self.is_read.swap(true, Ordering::AcqRel) {
            self.stage.send_replace(Stage::Following);
        }
    }

    fn failed(&self) {
        self.stage.send_if_modified(|stage| {
            let is_first = *stage == Stage::Connecting;
            if is_first {
                *stage = Stage::Failing;
            }
            is_first
        });
    }

    fn instant(&self) -> Instant {
        Instant { elapsed: self.clock.elapsed(), now: self.clock.now() }
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Wait;

    /// A clock whose two faces move apart, as those of a machine that sleeps, or that is set, do.
    #[derive(Default)]
    struct TwoFaces {
        elapsed: AtomicU64,
        now: AtomicI64,
    }

    impl Clock for TwoFaces {
        fn now(&self) -> i64 {
            self.now.load(Ordering::SeqCst)
        }

        fn elapsed(&self) -> Duration {
            Duration::from_millis(self.elapsed.load(Ordering::SeqCst))
        }

        fn wait(&self, _: Duration) -> Wait {
            Box::pin(std::future::pending())
        }
    }

    #[test]
    fn silence_by_either_face_of_the_clock_is_silence_and_a_clock_set_back_is_not() {
        let clock = Arc::new(TwoFaces::default());
        let settings = FeedSettings {
            on_stale: OnStale::Refuse,
            stale_after: None,
            keys_live: Duration::ZERO,
            wait_for: Duration::ZERO,
        };
        let feed = Feed::new(Arc::clone(&clock) as Arc<dyn Clock>, settings);
        assert!(!feed.is_fresh(), "it was never heard");
        let bound: u64 = 10_000;
        for (elapsed, now, is_fresh) in [
            (bound, 0, true),
            (bound + 1, 0, false),
            (0, bound.cast_signed(), true),
            (0, bound.cast_signed() + 1, false),
            (0, -3_600_000, true),
        ] {
            let feed = Feed::new(Arc::clone(&clock) as Arc<dyn Clock>, settings);
            clock.elapsed.store(5, Ordering::SeqCst);
            clock.now.store(7, Ordering::SeqCst);
            feed.heard(feed.instant());
            clock.elapsed.fetch_add(elapsed, Ordering::SeqCst);
            clock.now.fetch_add(now, Ordering::SeqCst);
            assert_eq!(feed.is_fresh(), is_fresh, "{elapsed} {now}");
        }
    }
}
