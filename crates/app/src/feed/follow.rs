//! Following the feed: after every commit of our own that revokes, on every hint of the store, and once a second. Who has
//! not heard from it for `stale_after` asks before anybody is let in, and lets nobody in when there is no answer.

use crate::{App, Error, Fault, Refusal};
use cloakroom_core::access::Revocation;
use cloakroom_core::time::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How far the feed was read, and when.
pub(crate) struct Following {
    position: AtomicU64,
    read_at: AtomicI64,
    /// The same on a clock that nobody sets: milliseconds since `started`.
    read_after: AtomicU64,
    started: Instant,
    /// What was revoked before this node began is no measure of how fast it hears.
    began_at: Timestamp,
    /// A key was withdrawn: the ring is read before anything else is signed.
    ring_changed: AtomicBool,
    /// One request asks for all that wait.
    asking: Mutex<()>,
    told: watch::Sender<u64>,
}

impl Following {
    pub(crate) fn from(began_at: Timestamp) -> Self {
        let (position, read_at) = (AtomicU64::new(0), AtomicI64::new(i64::MIN));
        let (read_after, started) = (AtomicU64::new(0), Instant::now());
        Self {
            position,
            read_at,
            read_after,
            started,
            began_at,
            ring_changed: AtomicBool::new(false),
            asking: Mutex::default(),
            told: watch::Sender::new(0),
        }
    }
}

impl Following {
    fn elapsed(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Hints can be lost; this often it is read without one.
const EVERY: Duration = Duration::from_secs(1);

/// A request that has to ask the store waits no longer for its answer.
const ASK_FOR: Duration = Duration::from_secs(2);

const PAGE: u32 = 1000;

impl App {
    /// Reads the feed from where the last reading ended. Called after every commit that revokes, before the answer leaves.
    pub async fn follow_feed(&self) -> Result<(), Fault> {
        let (now, began) = (self.clock.now(), self.following.elapsed());
        loop {
            let after = self.following.position.load(Ordering::SeqCst);
            let page = self.store.revocations_after(after, PAGE).await?;
            for (seq, entry, until) in &page {
                self.marks.apply(entry, *until);
                self.end_streams(entry);
                self.following.position.fetch_max(*seq, Ordering::SeqCst);
                self.note_lag(*until);
            }
            if page.len() < PAGE as usize {
                if page.is_empty() {
                    self.notice_a_restored_backup(after).await?;
                }
                self.following.read_at.store(now.millis(), Ordering::SeqCst);
                self.following.read_after.store(began, Ordering::SeqCst);
                let position = self.following.position.load(Ordering::SeqCst);
                self.following.told.send_if_modified(|told| std::mem::replace(told, position) != position);
                return Ok(());
            }
        }
    }

    /// Follows until it is told to stop.
    pub async fn keep_following(&self, stop: CancellationToken) {
        let mut hints = self.store.hints();
        let mut told = true;
        loop {
            tokio::select! {
                hint = hints.changed() => if hint.is_err() {
                    // The store is being closed; the clock still ticks until we are told to stop.
                    tokio::select! { () = tokio::time::sleep(EVERY) => {}, () = stop.cancelled() => return }
                },
                () = tokio::time::sleep(EVERY) => {}
                () = stop.cancelled() => return,
            }
            let read = self.follow_feed().await;
            if self.following.ring_changed.swap(false, Ordering::SeqCst)
                && let Err(fault) = self.tend_keys().await
            {
                tracing::warn!(%fault, "a key was withdrawn and the ring could not be read; it is tried again");
            }
            match read {
                Ok(()) => told = true,
                Err(fault) if told => {
                    tracing::warn!(%fault, "the revocation feed could not be read; it is tried again every second");
                    told = false;
                }
                Err(_) => {}
            }
            // What is open was let in on news that is old by now: whoever comes back is judged anew.
            if self.feed_is_stale(self.clock.now()) {
                self.streams.end_all();
            }
        }
    }

    /// A changing number, each time something may have been added to the feed and this node has read it.
    pub(crate) fn feed_position(&self) -> watch::Receiver<u64> {
        self.following.told.subscribe()
    }

    /// How long ago the feed was last read to its end, for the metrics.
    pub fn feed_age(&self) -> cloakroom_core::time::Lifetime {
        self.clock.now().since(Timestamp::from_millis(self.following.read_at.load(Ordering::SeqCst)))
    }

    pub(crate) fn feed_is_stale(&self, now: Timestamp) -> bool {
        let read_at = Timestamp::from_millis(self.following.read_at.load(Ordering::Relaxed));
        // A clock that was set back makes nothing fresh, one that stands still in a suspended machine neither.
        let silent_for = self.following.elapsed().saturating_sub(self.following.read_after.load(Ordering::Relaxed));
        now.since(read_at) > self.settings.feed.stale_after || silent_for > self.settings.feed.stale_after.millis()
    }

    /// Makes sure that what was revoked is known up to `stale_after` ago. Refused as [`Refusal::RevocationsStale`] when
    /// the store does not say.
    pub(crate) async fn catch_up(&self, now: Timestamp) -> Result<(), Error> {
        if !self.feed_is_stale(now) {
            return Ok(());
        }
        let asking = async {
            let _turn = self.following.asking.lock().await;
            // Whoever waited for the turn finds it done.
            if self.feed_is_stale(now) { self.follow_feed().await } else { Ok(()) }
        };
        match timeout(ASK_FOR, asking).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Refusal::RevocationsStale.into()),
        }
    }

    fn end_streams(&self, entry: &Revocation) {
        match entry {
            Revocation::Session(session) => self.streams.end(*session),
            Revocation::Account { account, .. } => self.streams.end_of(*account),
            // Each has to show a token that is still good.
            Revocation::Key(_) => {
                self.following.ring_changed.store(true, Ordering::SeqCst);
                self.streams.end_all();
            }
            Revocation::Everything { .. } => self.streams.end_all(),
            Revocation::Issues { .. } => {}
        }
    }

    /// From the commit to here, by the clocks of both nodes: an entry can be forgotten a fixed time after it was made.
    fn note_lag(&self, until: Timestamp) {
        let made_at = until.minus(self.outlived_after());
        if made_at < self.following.began_at {
            return;
        }
        let lag = self.clock.now().since(made_at);
        metrics::histogram!("cloakroom_revocation_lag_seconds")
            .record(Duration::from_millis(lag.millis()).as_secs_f64());
    }

    /// The numbers of a feed only grow. If the newest is behind us, the database is an older one than we have followed.
    async fn notice_a_restored_backup(&self, after: u64) -> Result<(), Fault> {
        let newest = self.store.newest_revocation().await?;
        let went_back = newest < after
            && self.following.position.compare_exchange(after, 0, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if went_back {
            tracing::warn!(newest, after, "the revocation feed went back: was a backup restored? It is read anew");
        }
        Ok(())
    }
}
