//! Waiting for bytes, but not for ever: idle time, the end of a session, the end of the server. Costs nothing while
//! bytes are there: timers are made when a transfer first has to wait.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::hold::Hold;

/// When bytes of one exchange last moved, in either direction.
#[derive(Debug)]
pub(crate) struct Progress {
    start: Instant,
    last_millis: AtomicU64,
    request_done: AtomicBool,
}

impl Progress {
    pub(crate) fn new() -> Arc<Self> {
        let (last_millis, request_done) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(Self { start: Instant::now(), last_millis, request_done })
    }

    pub(crate) fn touch(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    /// The whole request was handed to the upstream's connection.
    pub(crate) fn finish_request(&self) {
        self.touch();
        self.request_done.store(true, Ordering::Release);
    }

    pub(crate) fn is_request_done(&self) -> bool {
        self.request_done.load(Ordering::Acquire)
    }

    pub(crate) fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.last_millis.load(Ordering::Relaxed))
    }
}

/// Why waiting is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Idle,
    SessionEnded,
    Stopping,
}

/// What a transfer that waits for its next bytes also waits for.
#[derive(Default)]
pub(crate) struct Causes {
    /// No byte for so long.
    pub(crate) idle_for: Option<Duration>,
    /// The end of the session.
    pub(crate) ended: Option<CancellationToken>,
    /// The end of the server.
    pub(crate) stopping: Option<CancellationToken>,
    /// The other direction, whose bytes count too.
    pub(crate) progress: Option<Arc<Progress>>,
    /// Dropped with the transfer.
    pub(crate) _hold: Option<Hold>,
}

/// The state of waiting for them.
#[derive(Default)]
pub(crate) struct Watch {
    causes: Causes,
    alarm: Option<Pin<Box<Sleep>>>,
    alarm_is_set: bool,
    on_end: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    on_stop: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Watch {
    pub(crate) fn new(causes: Causes) -> Self {
        Self { causes, ..Self::default() }
    }

    /// The other direction, if it counts.
    pub(crate) fn progress(&self) -> Option<&Progress> {
        self.causes.progress.as_deref()
    }

    /// Bytes moved. Says whether the session ended meanwhile.
    pub(crate) fn moved(&mut self) -> Result<(), Over> {
        self.alarm_is_set = false;
        if let Some(progress) = &self.causes.progress {
            progress.touch();
        }
        if self.causes.ended.as_ref().is_some_and(CancellationToken::is_cancelled) {
            Err(Over::SessionEnded)
        } else {
            Ok(())
        }
    }

    /// No bytes yet: wakes the task when waiting is over.
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<Over> {
        if poll_token(self.causes.ended.as_ref(), &mut self.on_end, cx) {
            return Poll::Ready(Over::SessionEnded);
        }
        if poll_token(self.causes.stopping.as_ref(), &mut self.on_stop, cx) {
            return Poll::Ready(Over::Stopping);
        }
        let Some(idle_for) = self.causes.idle_for else { return Poll::Pending };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle_for)));
        if !self.alarm_is_set {
            alarm.as_mut().reset(Instant::now() + idle_for);
            self.alarm_is_set = true;
        }
        while alarm.as_mut().poll(cx).is_ready() {
            // The other direction may be alive.
            let Some(until) = self.causes.progress.as_ref().map(|progress| progress.last() + idle_for) else {
                return Poll::Ready(Over::Idle);
            };
            if until <= Instant::now() {
                return Poll::Ready(Over::Idle);
            }
            alarm.as_mut().reset(until);
        }
        Poll::Pending
    }
}

fn poll_token(
    token: Option<&CancellationToken>,
    waiting: &mut Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    cx: &mut Context<'_>,
) -> bool {
    let Some(token) = token else { return false };
    waiting.get_or_insert_with(|| Box::pin(token.clone().cancelled_owned())).as_mut().poll(cx).is_ready()
}
