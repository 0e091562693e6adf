//! The one clock: what time it is, how much has passed, and waiting. A test moves all three at once.
//!
//! Limits of network calls are not measured by it: they guard against sockets that hang, which no test clock can move.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

/// A wait.
pub type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Tells the time.
pub trait Clock: Send + Sync + 'static {
    /// Now, in milliseconds since the Unix epoch, as tokens and feeds are written.
    fn now(&self) -> i64;

    /// How much has passed since some fixed instant. Never goes back.
    fn elapsed(&self) -> Duration;

    /// Ends when `elapsed` has grown by `length`.
    fn wait(&self, length: Duration) -> Wait;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn wait(&self, length: Duration) -> Wait {
        Box::pin(tokio::time::sleep(length))
    }
}

/// A clock that stands still until it is moved: for tests, of this crate and of yours. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock {
    start: i64,
    elapsed: Arc<watch::Sender<Duration>>,
}

impl ManualClock {
    /// Starts at an instant: milliseconds since the Unix epoch.
    pub fn at(start: i64) -> Self {
        Self { start, elapsed: Arc::new(watch::Sender::new(Duration::ZERO)) }
    }

    /// Moves forward; waits that have come to their end do end.
    pub fn advance(&self, by: Duration) {
        self.elapsed.send_modify(|elapsed| *elapsed = elapsed.saturating_add(by));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> i64 {
        self.start.saturating_add(i64::try_from(self.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        *self.elapsed.borrow()
    }

    fn wait(&self, length: Duration) -> Wait {
        let mut elapsed = self.elapsed.subscribe();
        let until = self.elapsed().saturating_add(length);
        Box::pin(async move {
            if elapsed.wait_for(|elapsed| *elapsed >= until).await.is_err() {
                // Nobody is left who could move the clock: what waits for it waits for ever.
                std::future::pending::<()>().await;
            }
        })
    }
}
