//! The provider's own access token, for an application that wants that one: what is in memory, and who brings what is not.
//!
//! Of all calls of a session on one node, one task looks ([`super::renewal`]); of all nodes, one asks the provider
//! (`cloakroom_core::custody`). Nobody waits while the old token lives.

use crate::token::Seen;
use crate::{App, Error, Fault, Refusal};
use cloakroom_core::custody::{self, Claim, Custody, Verdict};
use cloakroom_core::id::SessionId;
use cloakroom_core::time::{Lifetime, Timestamp};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// So long a call waits for a token.
const WAIT_FOR: Duration = Duration::from_secs(10);

/// The shortest and the longest time in which nobody asks a provider that has just failed; it doubles with each failure.
const PAUSE: Lifetime = Lifetime::from_secs(5);
const LONGEST_PAUSE: Lifetime = Lifetime::from_secs(30);

/// Tokens in memory, and who is under way for others.
pub(crate) struct Bearers {
    /// By session. `None`: it has no token, and will not get one.
    known: quick_cache::sync::Cache<SessionId, Option<Bearer>>,
    flights: Mutex<HashMap<SessionId, watch::Receiver<Option<Outcome>>>>,
    pauses: Mutex<HashMap<String, Pause>>,
}

/// A token of a provider, ready to be sent. No `Debug`.
#[derive(Clone)]
pub(super) struct Bearer {
    pub(super) provider: Arc<str>,
    pub(super) authorization: Arc<str>,
    pub(super) custody: Custody,
}

/// What a flight has brought, for all who wait. `Err(None)` is a fault, which the log was told.
type Outcome = Result<Bearer, Option<Refusal>>;

struct Pause {
    failures: u32,
    until: Timestamp,
}

impl Bearers {
    pub(crate) fn new(capacity: usize) -> Self {
        let known = quick_cache::sync::Cache::new(capacity);
        Self { known, flights: Mutex::default(), pauses: Mutex::default() }
    }

    /// Forgets the tokens of a session that has ended.
    pub(crate) fn forget(&self, session: SessionId) {
        self.known.remove(&session);
    }

    /// Whether a provider has failed so lately that it is left alone.
    pub(super) fn rests(&self, provider: &str, now: Timestamp) -> bool {
        lock(&self.pauses)
            .get(provider)
            .is_some_and(|pause| now < pause.until && pause.until <= now.plus(LONGEST_PAUSE))
    }

    /// Notes what came of asking a provider.
    pub(super) fn note(&self, provider: &str, has_failed: bool, now: Timestamp) {
        let mut pauses = lock(&self.pauses);
        if !has_failed {
            pauses.remove(provider);
            return;
        }
        let pause = pauses.entry(provider.to_owned()).or_insert(Pause { failures: 0, until: now });
        let length = PAUSE.times(1 << pause.failures.min(3)).min(LONGEST_PAUSE);
        *pause = Pause { failures: pause.failures.saturating_add(1), until: now.plus(length) };
    }
}

/// Is never held across an `await`, and nothing panics under it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bearer {
    fn of(self, provider: &str) -> Result<Arc<str>, Error> {
        if *self.provider == *provider { Ok(self.authorization) } else { Err(Refusal::ProviderTokenNeeded.into()) }
    }
}

impl App {
    /// The `Authorization` with the access token of this provider (RFC 6750 §2.1), for an application that gets it in the name of
    /// whoever is logged in. One that is about to end is renewed meanwhile; one that is over is waited for, ten seconds at most.
    ///
    /// Refused as [`Refusal::ProviderTokenNeeded`] when the session was not opened there, or the token is over and there was no
    /// refresh token; as [`Refusal::SignedOut`] when the provider has ended its session, which ends ours; as
    /// [`Refusal::ProviderUnreachable`] or [`Refusal::ProviderRefused`] when there is no good token and none to be had now.
    pub async fn provider_bearer(self: &Arc<Self>, seen: &Seen, provider: &str) -> Result<Arc<str>, Error> {
        let session = seen.access().session;
        match self.bearers.known.get(&session) {
            Some(None) => return Err(Refusal::ProviderTokenNeeded.into()),
            Some(Some(known)) if self.serves(session, &known) => return known.of(provider),
            _ => {}
        }
        // What was good when another call sent for it may be over by now: then once more.
        for _ in 0..2 {
            let bearer = self.brought(session).await?;
            if bearer.custody.is_alive(self.clock.now()) {
                return bearer.of(provider);
            }
        }
        Err(Refusal::ProviderUnreachable.into())
    }

    /// Waits for what a flight brings.
    async fn brought(self: &Arc<Self>, session: SessionId) -> Result<Bearer, Error> {
        let mut flight = self.fly(session);
        let waited = tokio::time::timeout(WAIT_FOR, flight.wait_for(Option::is_some)).await;
        let outcome = waited.map_err(|_| Refusal::ProviderUnreachable)?;
        let outcome =
            outcome.map_err(|error| Fault::new("the renewal of a provider's token broke off", error))?.clone();
        match outcome {
            Some(Ok(bearer)) => Ok(bearer),
            Some(Err(Some(refusal))) => Err(refusal.into()),
            Some(Err(None)) | None => Err(Fault::plain("a token of a provider could not be brought").into()),
        }
    }

    /// Keeps the tokens behind a session fresh that is used without them: a provider forgets who never comes, and says here
    /// that somebody was disabled there.
    pub fn look_after_provider_tokens(self: &Arc<Self>, seen: &Seen) {
        if !self.providers().iter().any(|provider| provider.keeps_tokens) {
            return;
        }
        let session = seen.access().session;
        match self.bearers.known.get(&session) {
            Some(None) => {}
            Some(Some(known)) => {
                self.serves(session, &known);
            }
            None => drop(self.fly(session)),
        }
    }

    /// Whether a token is good for the next call; sends for another one when that is due.
    fn serves(self: &Arc<Self>, session: SessionId, known: &Bearer) -> bool {
        let now = self.clock.now();
        match custody::judge(&known.custody, now) {
            Verdict::Use => true,
            Verdict::Renew(_) => {
                drop(self.fly(session));
                known.custody.is_alive(now)
            }
            Verdict::Await | Verdict::Away | Verdict::Over => false,
        }
    }

    /// Sends for the token of a session, if nobody is under way. It goes on when whoever asked has gone: a refresh token that is
    /// used up must not be lost.
    fn fly(self: &Arc<Self>, session: SessionId) -> watch::Receiver<Option<Outcome>> {
        let mut flights = lock(&self.bearers.flights);
        if let Some(flight) = flights.get(&session) {
            return flight.clone();
        }
        let (told, flight) = watch::channel(None);
        flights.insert(session, flight.clone());
        let (app, landing) = (Arc::clone(self), Landing { app: Arc::clone(self), session });
        self.errands.spawn(async move {
            let brought = app.bring(session).await;
            let outcome = brought.map_err(|error| match error {
                Error::Refused(refusal) => Some(refusal),
                Error::Failed(fault) => {
                    tracing::error!(%session, %fault, "a token of a provider could not be brought");
                    None
                }
            });
            app.remember_bearer(session, &outcome);
            // Before it is told: who is told of what is over sends for another one.
            drop(landing);
            told.send_replace(Some(outcome));
        });
        flight
    }

    fn remember_bearer(&self, session: SessionId, outcome: &Outcome) {
        let known = &self.bearers.known;
        match outcome {
            Ok(bearer) => known.insert(session, Some(bearer.clone())),
            Err(Some(Refusal::ProviderTokenNeeded)) => known.insert(session, None),
            Err(Some(Refusal::SignedOut)) => self.bearers.forget(session),
            Err(_) => {
                // For a while nobody looks again.
                let claim = Some(Claim::failed(self.clock.now()));
                if let Some(Some(old)) = known.get(&session) {
                    known.insert(session, Some(Bearer { custody: Custody { claim, ..old.custody }, ..old }));
                }
            }
        }
    }
}

/// Ends a flight, however it ended.
struct Landing {
    app: Arc<App>,
    session: SessionId,
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.app.bearers.flights).remove(&self.session);
    }
}
