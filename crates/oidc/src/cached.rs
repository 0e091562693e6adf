//! One document of a provider: fetched once for however many ask, used when old while the provider is away, and asked
//! for again no sooner than after a pause. Knows neither the network nor the clock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;

/// How long a copy is good, in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Freshness {
    /// So long, nobody asks.
    pub(crate) fresh_for: i64,
    /// So long, it is used if the provider cannot be asked.
    pub(crate) kept_for: i64,
}

/// After a failure, nobody asks for so long: seconds, with an old copy at hand.
const PAUSE_WITH_COPY: i64 = 60;
/// The same without one, where people wait.
const PAUSE_WITHOUT: i64 = 10;
/// A copy is renewed before its time no more often (RFC 8725 §3.10: names of keys come from strangers).
const RENEWED_EVERY: i64 = 60;
/// A clock that was set back by more than this makes a copy old, in seconds.
const CLOCK_BACK: i64 = 300;

/// A document and its copy.
pub(crate) struct Cached<T> {
    freshness: Freshness,
    state: Mutex<State<T>>,
    /// Held by whoever asks.
    flight: tokio::sync::Mutex<()>,
}

struct State<T> {
    /// With the instant it was asked for.
    copy: Option<(Arc<T>, i64)>,
    failed: Option<(Error, i64)>,
    renewed_at: Option<i64>,
}

impl<T> Cached<T> {
    pub(crate) fn new(freshness: Freshness) -> Self {
        let state = Mutex::new(State { copy: None, failed: None, renewed_at: None });
        Self { freshness, state, flight: tokio::sync::Mutex::new(()) }
    }

    /// A fresh copy; an old one while another caller asks or nobody can. `fetching` runs only if it is this caller's
    /// turn.
    pub(crate) async fn get(
        &self,
        now: i64,
        fetching: impl Future<Output = Result<T, Error>>,
    ) -> Result<Arc<T>, Error> {
        if let Some(fresh) = self.fresh(now) {
            return Ok(fresh);
        }
        let _turn = match (self.flight.try_lock(), self.usable(now)) {
            (Ok(turn), _) => turn,
            (Err(_), Some(old)) => return Ok(old),
            (Err(_), None) => self.flight.lock().await,
        };
        // Whoever had the turn before may have answered for us.
        if let Some(fresh) = self.fresh(now) {
            return Ok(fresh);
        }
        if let Some(error) = self.failed_lately(now) {
            return self.usable(now).ok_or(error);
        }
        let fetched = self.fetch(now, fetching).await;
        fetched.or_else(|error| self.usable(now).ok_or(error))
    }

    /// A copy that differs from `seen`, which lacks something. `None`: it was asked for lately, there is none.
    pub(crate) async fn other_than(
        &self,
        seen: &Arc<T>,
        now: i64,
        fetching: impl Future<Output = Result<T, Error>>,
    ) -> Result<Option<Arc<T>>, Error> {
        let _turn = self.flight.lock().await;
        let held = self.state().copy.as_ref().map(|(copy, _)| Arc::clone(copy));
        if let Some(other) = held.filter(|held| !Arc::ptr_eq(held, seen)) {
            return Ok(Some(other));
        }
        if let Some(error) = self.failed_lately(now) {
            // What is lacking may well be there; nobody can tell.
            return Err(error);
        }
        if self.state().renewed_at.is_some_and(|at| is_within(now, at, RENEWED_EVERY)) {
            return Ok(None);
        }
        self.state().renewed_at = Some(now);
        self.fetch(now, fetching).await.map(Some)
    }

    async fn fetch(&self, now: i64, fetching: impl Future<Output = Result<T, Error>>) -> Result<Arc<T>, Error> {
        match fetching.await {
            Ok(document) => {
                let copy = Arc::new(document);
                let mut state = self.state();
                state.copy = Some((Arc::clone(&copy), now));
                state.failed = None;
                Ok(copy)
            }
            Err(error) => {
                self.state().failed = Some((error, now));
                Err(error)
            }
        }
    }

    fn fresh(&self, now: i64) -> Option<Arc<T>> {
        self.younger_than(self.freshness.fresh_for, now)
    }

    fn usable(&self, now: i64) -> Option<Arc<T>> {
        self.younger_than(self.freshness.kept_for, now)
    }

    fn younger_than(&self, age: i64, now: i64) -> Option<Arc<T>> {
        let state = self.state();
        let (copy, at) = state.copy.as_ref()?;
        is_within(now, *at, age).then(|| Arc::clone(copy))
    }

    fn failed_lately(&self, now: i64) -> Option<Error> {
        let pause = if self.usable(now).is_some() { PAUSE_WITH_COPY } else { PAUSE_WITHOUT };
        self.state().failed.filter(|(_, at)| is_within(now, *at, pause)).map(|(error, _)| error)
    }

    /// Is never held across an `await`, and nothing panics under it.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `now` lies less than `span` after `at`. Callers read the clock before they wait: `now` may lie a little
/// before.
fn is_within(now: i64, at: i64, span: i64) -> bool {
    (-CLOCK_BACK..span).contains(&now.saturating_sub(at))
}
