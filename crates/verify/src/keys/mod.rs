//! The issuer's keys: fetched once for however many ask, renewed before they grow old, kept while the provider is away.
//!
//! One task fetches ([`Keys::run`]); requests only look, or wait for it. It proves nothing: that is `cloakroom-jose`.

mod discovery;
mod source;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use cloakroom_jose::{Jwk, JwkSet, KeyError, KeySet};
use futures_util::future::{Either, select};
use tokio::sync::{Notify, watch};

use crate::backoff;
use crate::clock::Clock;
use crate::fetch::{FetchError, Http};

pub(crate) use source::Source;

/// What the builder says about keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeySettings {
    /// A copy is renewed no sooner and no later than this after it was fetched, whatever `Cache-Control` says.
    pub(crate) renew_between: (Duration, Duration),
    /// Without word from the provider, the last copy is trusted this long.
    pub(crate) keep_for: Duration,
    /// Unknown names cause at most one fetch in this time.
    pub(crate) refetch_every: Duration,
    /// A request waits for a fetch no longer than this.
    pub(crate) wait_for: Duration,
}

/// How old a copy may grow when the issuer says nothing about it.
const DEFAULT_AGE: Duration = Duration::from_mins(5);
/// A name that was not in a fresh copy is not asked for again for this long.
const MISSING_FOR: Duration = Duration::from_secs(30);
/// How many such names are remembered.
const MISSING: usize = 1024;
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// A copy of the issuer's keys.
pub(crate) struct Held {
    pub(crate) keys: KeySet,
    /// Differs between copies that differ; what was proven by another version is not proven.
    version: u64,
    set: JwkSet,
    good_until: Duration,
}

impl Held {
    fn jwk(&self, kid: &str) -> Option<&Jwk> {
        self.set.keys().iter().find(|key| key.kid.as_deref() == Some(kid))
    }
}

/// The provider cannot be reached, and what we have does not help.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Away {
    /// How long until it is asked again.
    pub(crate) retry_after: Duration,
}

/// Why a fetch brought no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the key set is unusable: {0}")]
    Set(#[from] KeyError),
    #[error("the key set has no key that could verify a token here")]
    Empty,
    #[error("the issuer's metadata {0}")]
    Metadata(&'static str),
}

/// Where the fetching stands.
#[derive(Clone, Copy)]
struct Progress {
    finished: u64,
    is_fetching: bool,
    failures: u32,
    finished_at: Duration,
    next_at: Duration,
}

/// The keys.
pub(crate) struct Keys {
    held: ArcSwapOption<Held>,
    progress: watch::Sender<Progress>,
    asked: Notify,
    /// Headers of tokens (hashed, by a secret of this process) whose key the provider does not have, and until when.
    missing: quick_cache::sync::Cache<u64, Duration>,
    hasher: RandomState,
    clock: Arc<dyn Clock>,
    settings: KeySettings,
}

impl Keys {
    pub(crate) fn new(clock: Arc<dyn Clock>, settings: KeySettings) -> Self {
        let progress = Progress {
            finished: 0,
            // The task begins with a fetch.
            is_fetching: true,
            failures: 0,
            finished_at: Duration::ZERO,
            next_at: Duration::ZERO,
        };
        Self {
            held: ArcSwapOption::empty(),
            progress: watch::Sender::new(progress),
            asked: Notify::new(),
            missing: quick_cache::sync::Cache::new(MISSING),
            hasher: RandomState::new(),
            clock,
            settings,
        }
    }

    /// Whether what `proof` proved is proven by the copy at hand, and that may still be trusted. Never waits.
    pub(crate) fn is_current(&self, proof: &Held) -> bool {
        let now = self.clock.elapsed();
        self.held.load().as_ref().is_some_and(|held| held.version == proof.version && now < held.good_until)
    }

    /// Whether the key of this name in `proof` is still the same.
    pub(crate) fn trusts(&self, proof: &Held, kid: &str) -> Result<bool, Away> {
        let held = self.held().ok_or_else(|| self.away())?;
        Ok(held.version == proof.version || held.jwk(kid).is_some_and(|key| Some(key) == proof.jwk(kid)))
    }

    /// The copy at hand. Only where there is none, a fetch that is under way is waited for.
    pub(crate) async fn ready(&self) -> Result<Arc<Held>, Away> {
        if let Some(held) = self.held() {
            return Ok(held);
        }
        self.fetch_under_way().await;
        self.held().ok_or_else(|| self.away())
    }

    /// The copy after `seen`, for a token whose key is not in `seen`: asks the provider, unless that is in vain or was
    /// done a moment ago. `None`: there is no such key. `header` is the token's first part, which holds the key's name.
    pub(crate) async fn renewed(&self, seen: &Held, header: &str) -> Result<Option<Arc<Held>>, Away> {
        let newer = || self.held().filter(|held| held.version != seen.version);
        if let Some(held) = newer() {
            return Ok(Some(held));
        }
        let header = self.hasher.hash_one(header);
        let now = self.clock.elapsed();
        let progress = *self.progress.borrow();
        if !progress.is_fetching {
            if progress.failures > 0 {
                // The key may well be there; nobody can tell.
                return Err(self.away());
            }
            let is_missing = self.missing.get(&header).is_some_and(|until| now < until);
            if is_missing || !self.may_ask(&progress, now) {
                return Ok(None);
            }
            self.asked.notify_one();
        }
        self.next_finish(progress.finished).await;
        let progress = *self.progress.borrow();
        match newer() {
            Some(held) => Ok(Some(held)),
            None if progress.failures > 0 => Err(self.away()),
            None => {
                self.missing.insert(header, now.saturating_add(MISSING_FOR));
                Ok(None)
            }
        }
    }

    /// How many keys are held.
    pub(crate) fn len(&self) -> usize {
        self.held().map_or(0, |held| held.keys.len())
    }

    /// Fetches, for ever.
    pub(crate) async fn run(self: Arc<Self>, mut source: Source, http: Http) {
        loop {
            self.progress.send_modify(|progress| progress.is_fetching = true);
            let fetched = source.fetch(&http).await;
            let now = self.clock.elapsed();
            let failures = self.progress.borrow().failures.saturating_add(1);
            let (failures, next) = match fetched.and_then(|(set, max_age)| self.install(set, max_age, now)) {
                // Renewed before it is old, and not by all verifiers at once.
                Ok(age) => (0, backoff::jittered(age / 5).saturating_add(age / 5 * 4)),
                Err(error) => {
                    let next = backoff::after(failures, RETRY.0, RETRY.1);
                    tracing::warn!(%error, failures, retry_in = ?next, "the issuer's keys cannot be fetched");
                    (failures, next)
                }
            };
            self.progress.send_modify(|progress| {
                let finished = progress.finished.wrapping_add(1);
                let next_at = now.saturating_add(next);
                *progress = Progress { finished, is_fetching: false, failures, finished_at: now, next_at };
            });
            self.until_asked_or(next).await;
        }
    }

    async fn until_asked_or(&self, next: Duration) {
        let mut due = self.clock.wait(next);
        loop {
            match select(pin!(self.asked.notified()), due).await {
                Either::Right(_) => return,
                Either::Left(((), rest)) => {
                    // Judged here too: many may have asked before the fetch that answered them all.
                    let progress = *self.progress.borrow();
                    if self.may_ask(&progress, self.clock.elapsed()) {
                        return;
                    }
                    due = rest;
                }
            }
        }
    }

    /// Takes over what was fetched; answers how long it is fresh.
    fn install(&self, set: JwkSet, max_age: Option<Duration>, now: Duration) -> Result<Duration, KeysError> {
        if set.keys().is_empty() {
            // An issuer without keys issues nothing: rather a broken answer than the end of all tokens.
            return Err(KeysError::Empty);
        }
        let keys = KeySet::from_jwks(&set)?;
        let (least, most) = self.settings.renew_between;
        let age = max_age.unwrap_or(DEFAULT_AGE).min(most).max(least);
        let before = self.held.load();
        let version = match before.as_ref() {
            Some(before) if before.set == set => before.version,
            Some(before) => before.version.wrapping_add(1),
            None => 0,
        };
        if before.as_ref().is_none_or(|before| before.version != version) {
            tracing::info!(keys = keys.len(), "the issuer's keys have changed");
            self.missing.clear();
        }
        let good_until = now.saturating_add(self.settings.keep_for.max(age));
        self.held.store(Some(Arc::new(Held { keys, version, set, good_until })));
        Ok(age)
    }

    fn held(&self) -> Option<Arc<Held>> {
        let now = self.clock.elapsed();
        self.held.load_full().filter(|held| now < held.good_until)
    }

    fn may_ask(&self, progress: &Progress, now: Duration) -> bool {
        progress.failures == 0 && now >= progress.finished_at.saturating_add(self.settings.refetch_every)
    }

    async fn fetch_under_way(&self) {
        let progress = *self.progress.borrow();
        if progress.is_fetching {
            self.next_finish(progress.finished).await;
        }
    }

    async fn next_finish(&self, finished: u64) {
        let mut progress = self.progress.subscribe();
        let next = pin!(progress.wait_for(|progress| progress.finished != finished));
        select(next, self.clock.wait(self.settings.wait_for)).await;
    }

    fn away(&self) -> Away {
        let next_at = self.progress.borrow().next_at;
        Away { retry_after: next_at.saturating_sub(self.clock.elapsed()) }
    }
}
