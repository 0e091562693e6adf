//! What a person sees while it runs: how far, how long yet, and the last verdict.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts cells over all lanes.
pub(crate) struct Progress {
    total: usize,
    began: Instant,
    done: Mutex<usize>,
    is_terminal: bool,
    stop: Arc<AtomicBool>,
}

impl Progress {
    /// `stop` becomes true when somebody wants the run to end early.
    pub(crate) fn of(total: usize, stop: Arc<AtomicBool>) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { total, began: Instant::now(), done: Mutex::default(), is_terminal, stop }
    }

    /// Whether no other cell is to be begun.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// One more cell is done.
    pub(crate) fn done(&self, what: &str) {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        let line = format!("[{done:>4}/{}] {} {what}", self.total, left(self.began.elapsed(), *done, self.total));
        let mut err = std::io::stderr().lock();
        // Nobody reads it if it cannot be written.
        let _ = if self.is_terminal { write!(err, "\r\x1b[K{line}") } else { writeln!(err, "{line}") };
        let _ = err.flush();
    }

    /// Says something on a line of its own.
    pub(crate) fn say(&self, what: &str) {
        let mut err = std::io::stderr().lock();
        let _ = if self.is_terminal { writeln!(err, "\r\x1b[K{what}") } else { writeln!(err, "{what}") };
    }
}

/// The time left if the rest goes as the beginning did.
fn left(elapsed: Duration, done: usize, total: usize) -> String {
    let rest = u32::try_from(total.saturating_sub(done)).unwrap_or(u32::MAX);
    let seconds = (elapsed / u32::try_from(done.max(1)).unwrap_or(u32::MAX)).saturating_mul(rest).as_secs();
    format!("{}:{:02} left", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_expected_to_go_as_the_beginning_did() {
        assert_eq!(left(Duration::from_secs(10), 10, 100), "1:30 left");
        assert_eq!(left(Duration::from_secs(10), 100, 100), "0:00 left");
    }
}
