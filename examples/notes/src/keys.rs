//! The issuer's public keys: fetched when they are first needed, kept, and fetched again when a token names a key
//! that is not among them or the copy has grown old.
//!
//! Plain http only: the sample runs beside its gateway. A key's URL comes from the configuration and never from a
//! token; redirects are not followed.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{StatusCode, Uri};
use cloakroom_jose::{JwkSet, KeySet};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Mutex;

/// What time it is, in Unix seconds.
pub(crate) type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Tokens with made-up key names cause no more fetches than one in this many seconds.
const FETCH_EVERY: i64 = 3;
/// After this many seconds a copy is renewed, so that a withdrawn key is not trusted for long.
const FRESH_FOR: i64 = 60;
/// The largest document that is read.
const MAX_BYTES: usize = 64 * 1024;
/// One fetch may take this long.
const TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) struct Keys {
    url: Uri,
    client: Client<HttpConnector, Empty<Bytes>>,
    now: Now,
    held: RwLock<Option<Held>>,
    /// When the last fetch was begun; the lock makes the fetches one at a time.
    attempt: Mutex<Option<i64>>,
}

#[derive(Clone)]
struct Held {
    keys: Arc<KeySet>,
    at: i64,
}

impl Keys {
    pub(crate) fn new(url: Uri, now: Now) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { url, client, now, held: RwLock::new(None), attempt: Mutex::new(None) }
    }

    /// The keys at hand; a first or an old copy is fetched before. None when there has never been one.
    pub(crate) async fn current(&self) -> Option<Arc<KeySet>> {
        match self.held() {
            Some(held) if within(held.at, FRESH_FOR, (self.now)()) => Some(held.keys),
            _ => self.fetched().await,
        }
    }

    /// Asks the issuer again, unless that was done a moment ago, and gives what there is then.
    pub(crate) async fn fetched(&self) -> Option<Arc<KeySet>> {
        let mut attempt = self.attempt.lock().await;
        let now = (self.now)();
        if !attempt.is_some_and(|at| within(at, FETCH_EVERY, now)) {
            *attempt = Some(now);
            match tokio::time::timeout(TIMEOUT, self.fetch()).await {
                Ok(Ok(keys)) => {
                    let held = Held { keys: Arc::new(keys), at: now };
                    *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held);
                }
                Ok(Err(reason)) => tracing::warn!(url = %self.url, reason, "keys not fetched"),
                Err(_) => tracing::warn!(url = %self.url, reason = "timeout", "keys not fetched"),
            }
        }
        self.held().map(|held| held.keys)
    }

    fn held(&self) -> Option<Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self) -> Result<KeySet, &'static str> {
        let response = self.client.get(self.url.clone()).await.map_err(|_| "no connection")?;
        if response.status() != StatusCode::OK {
            return Err("not a 200");
        }
        let body = Limited::new(response.into_body(), MAX_BYTES).collect().await.map_err(|_| "too large or cut off")?;
        let set = JwkSet::parse(&body.to_bytes()).map_err(|_| "not a key set")?;
        KeySet::from_jwks(&set).map_err(|_| "a key that cannot be used")
    }
}

/// Whether `now` lies less than `seconds` after `at`; a clock that was set back counts as long ago.
fn within(at: i64, seconds: i64, now: i64) -> bool {
    (at..at.saturating_add(seconds)).contains(&now)
}
