//! The verifier: from the text of a token to an [`AccessToken`] or a [`Refusal`]. The signature once per token; expiry and
//! revocation on every request.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cloakroom_core::time::Timestamp;
use cloakroom_jose::{Expect, MAX_TOKEN, Refused, verify};
use futures_util::future::select;
use http::HeaderMap;
use tokio::task::AbortHandle;

use crate::bearer;
use crate::cache::Cache;
use crate::clock::Clock;
use crate::feed::{Feed, Verdict};
use crate::keys::{Away, Held, Keys};
use crate::problem::Refusal;
use crate::sightings::Sightings;
use crate::token::{AccessToken, Payload, Seen};

/// Verifies access tokens of one issuer for one audience. Clones share everything; with the last one, its tasks end.
#[derive(Clone)]
pub struct Verifier(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) rules: Rules,
    pub(crate) keys: Arc<Keys>,
    pub(crate) cache: Cache,
    pub(crate) feed: Option<Arc<Feed>>,
    pub(crate) sightings: Option<Arc<Sightings>>,
    pub(crate) clock: Arc<dyn Clock>,
    #[expect(dead_code, reason = "what it does is to end")]
    pub(crate) tasks: Tasks,
}

/// What a token must be.
pub(crate) struct Rules {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    /// In seconds.
    pub(crate) leeway: i64,
    pub(crate) accept_typ_jwt: bool,
    pub(crate) accept_bound: bool,
    /// Whether tokens without a person are taken.
    pub(crate) accept_services: bool,
    /// Seconds that a token may live, whatever its `exp` says.
    pub(crate) longest: Option<i64>,
}

/// The tasks of a verifier, which end with it.
#[derive(Default)]
pub(crate) struct Tasks(pub(crate) Vec<AbortHandle>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// How a verifier is doing, for readiness checks and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Keys of the issuer at hand; 0: every token is answered with 503.
    pub keys: usize,
    /// Proven tokens that are remembered.
    pub tokens: usize,
    /// Whether the revocation feed is being heard; true where none is followed.
    pub is_feed_fresh: bool,
    /// How long ago the feed was last heard of; zero where none is followed.
    pub feed_silence: Duration,
    /// Up to which entry the feed was read.
    pub feed_position: u64,
    /// Revocations held in memory.
    pub revocations: usize,
    /// Sightings that were not reported yet.
    pub sightings: usize,
}

/// RFC 9068 §2.1, and what issuers write that do not follow it.
const AT_JWT: &str = "at+jwt";
const PLAIN_JWT: &str = "JWT";
/// A key's name is at most 256 characters, so a header that holds one and little else is no longer than this. A longer one
/// causes no fetch.
const LONGEST_HEADER: usize = 1024;

impl Verifier {
    /// Verifies the bearer token of a request.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<AccessToken, Refusal> {
        self.verify(bearer::token(headers)?).await
    }

    /// Verifies a token. Waits only for the issuer: for its first keys, for a key that is new, for the first answer of its
    /// feed; never longer than the builder's `wait_for` for each.
    pub async fn verify(&self, token: &str) -> Result<AccessToken, Refusal> {
        let seen = if let Some(seen) = self.proven(token) {
            seen
        } else {
            let seen = self.prove(token).await.inspect_err(|refusal| tracing::debug!(%refusal, "token refused"))?;
            self.0.cache.insert(token, &seen);
            seen
        };
        if let Some(feed) = &self.0.feed {
            feed.ready().await;
        }
        self.judge(token, seen)
    }

    /// Waits until this token is good no longer: expired, revoked, or not to be judged any more. For an event stream or a WebSocket,
    /// which outlives the request that opened it. A revocation ends the wait as soon as it is heard of.
    pub async fn ended(&self, token: &AccessToken) -> Refusal {
        let mut changes = self.0.feed.as_ref().map(|feed| feed.changes());
        loop {
            if let Some(changes) = &mut changes {
                changes.mark_unchanged();
            }
            if let Err(refusal) = self.trusts(&token.0).and_then(|()| self.judge_seen(&token.0)) {
                return refusal;
            }
            // Expiry, silence of the feed and changes of the keys are noticed within this.
            let tick = self.0.clock.wait(TICK);
            match &mut changes {
                Some(changes) => drop(select(pin!(changes.changed()), tick).await),
                None => tick.await,
            }
        }
    }

    /// How it is doing.
    pub fn status(&self) -> Status {
        let Inner { keys, cache, feed, sightings, .. } = &*self.0;
        Status {
            keys: keys.len(),
            tokens: cache.len(),
            is_feed_fresh: feed.as_ref().is_none_or(|feed| feed.is_fresh()),
            feed_silence: feed.as_ref().map_or(Duration::ZERO, |feed| feed.silence()),
            feed_position: feed.as_ref().map_or(0, |feed| feed.position()),
            revocations: feed.as_ref().map_or(0, |feed| feed.len()),
            sightings: sightings.as_ref().map_or(0, |sightings| sightings.len()),
        }
    }

    /// The judgement of the bearer token of a request, where it takes no signature and no waiting. `None`: ask
    /// [`Self::authenticate`].
    pub(crate) fn authenticate_known(&self, headers: &HeaderMap) -> Option<Result<AccessToken, Refusal>> {
        let token = match bearer::token(headers) {
            Ok(token) => token,
            Err(refusal) => return Some(Err(refusal)),
        };
        let waits = self.0.feed.as_ref().is_some_and(|feed| feed.is_connecting());
        let seen = self.proven(token).filter(|_| !waits)?;
        Some(self.judge(token, seen))
    }

    /// What the issuer's keys have proven, and still prove: by keys that have changed since it is not proven.
    fn proven(&self, token: &str) -> Option<Arc<Seen>> {
        self.0.cache.get(token).filter(|seen| self.0.keys.is_current(&seen.held))
    }

    fn judge(&self, token: &str, seen: Arc<Seen>) -> Result<AccessToken, Refusal> {
        let judged = self.judge_seen(&seen);
        if judged == Err(Refusal::TokenExpired) {
            self.0.cache.remove(token);
        }
        judged.map(|()| AccessToken(seen))
    }

    /// Whether the key that proved it is still the issuer's.
    fn trusts(&self, seen: &Seen) -> Result<(), Refusal> {
        match self.0.keys.trusts(&seen.held, seen.kid()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::TokenRevoked),
            Err(away) => Err(unavailable(away)),
        }
    }

    /// Judges what was proven: in time, not revoked. Notes its use.
    fn judge_seen(&self, seen: &Seen) -> Result<(), Refusal> {
        let Inner { rules, feed, sightings, clock, .. } = &*self.0;
        let now = clock.now();
        let (Some(feed), Some(access)) = (feed, &seen.access) else {
            let is_over = now.div_euclid(1000) >= seen.expires_at.saturating_add(rules.leeway);
            return if is_over { Err(Refusal::TokenExpired) } else { Ok(()) };
        };
        // To the second: the server forgets what was revoked when no token of its can be alive.
        match feed.judge(access, Timestamp::from_millis(now)) {
            Verdict::Good => {}
            Verdict::Expired => return Err(Refusal::TokenExpired),
            Verdict::Revoked => return Err(Refusal::TokenRevoked),
            Verdict::Stale => return Err(Refusal::RevocationsStale { retry_after: Duration::ZERO }),
        }
        if let Some(sightings) = sightings
            && seen.is_used_by_person()
            && !seen.is_sighted.load(Ordering::Relaxed)
            && sightings.note(access, now)
        {
            seen.is_sighted.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn prove(&self, token: &str) -> Result<Arc<Seen>, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::TokenInvalid(Refused::TooLarge));
        }
        let keys = &self.0.keys;
        let held = keys.ready().await.map_err(unavailable)?;
        let mut proven = self.prove_with(token, &held);
        if matches!(proven, Err(Refused::UnknownKey))
            && let Some(header) = token.split('.').next().filter(|header| header.len() <= LONGEST_HEADER)
            && let Some(renewed) = keys.renewed(&held, header).await.map_err(unavailable)?
        {
            proven = self.prove_with(token, &renewed);
        }
        proven.map(Arc::new).map_err(|refused| match refused {
            Refused::Expired => Refusal::TokenExpired,
            refused => Refusal::TokenInvalid(refused),
        })
    }

    fn prove_with(&self, token: &str, held: &Arc<Held>) -> Result<Seen, Refused> {
        let Rules { issuer, audience, leeway, accept_typ_jwt, accept_bound, accept_services, longest } = &self.0.rules;
        let now = self.0.clock.now().div_euclid(1000);
        let expect = |typ| Expect { typ, issuer, audience, leeway: *leeway };
        let verified = match verify::<Payload>(token, &held.keys, &expect(AT_JWT), now) {
            Err(Refused::WrongType) if *accept_typ_jwt => verify(token, &held.keys, &expect(PLAIN_JWT), now),
            verified => verified,
        };
        let seen = Seen::new(verified?, Arc::clone(held), self.0.feed.is_some(), *longest, *accept_services)?;
        // A bound token that is taken as a bearer token is bound to nothing (RFC 9449 §7.2).
        if seen.is_bound() && !accept_bound { Err(Refused::BadClaims) } else { Ok(seen) }
    }
}

/// How often a stream is judged again without a reason.
const TICK: Duration = Duration::from_secs(1);

fn unavailable(away: Away) -> Refusal {
    Refusal::KeysUnavailable { retry_after: away.retry_after }
}

/// Whom it trusts.
impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rules { issuer, audience, .. } = &self.0.rules;
        f.debug_struct("Verifier").field("issuer", issuer).field("audience", audience).finish_non_exhaustive()
    }
}
