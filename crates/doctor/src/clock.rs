//! The two clocks that an examination reads, handed in: what time it is, and how much time passes.

use rustls::pki_types::UnixTime;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What time it is here, for certificates and for the skew to the server; and a steady clock, for what comes when.
#[derive(Clone)]
pub struct Clock {
    wall: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    steady: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl Clock {
    /// `wall` says what time it is. The steady clock is this machine's.
    pub fn new(wall: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        let begin = Instant::now();
        Self { wall: Arc::new(wall), steady: Arc::new(move || begin.elapsed()) }
    }

    /// The same with another steady clock: time since any moment, never less than before.
    #[must_use]
    pub fn with_steady(self, steady: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { steady: Arc::new(steady), ..self }
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.wall)()
    }

    pub(crate) fn steady(&self) -> Duration {
        (self.steady)()
    }

    /// The time as certificates are judged by; the epoch if this machine's clock stands before it.
    pub(crate) fn unix(&self) -> UnixTime {
        UnixTime::since_unix_epoch(self.now().duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

impl rustls::time_provider::TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.unix())
    }
}
