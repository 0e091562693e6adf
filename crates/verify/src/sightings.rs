//! Sightings: the issuer is told, once for each refresh generation, that its access token is in use. That is how it tells a
//! lost answer from a thief. Collected in memory, sent in batches off the path of requests; a lost one costs little.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::access::Access;
use cloakroom_core::id::SessionId;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use serde_json::json;
use tokio::sync::Notify;

use crate::backoff;
use crate::clock::Clock;
use crate::fetch::Http;

/// No more in one report.
const BATCH: usize = 1000;
/// No more wait to be sent; what comes on top is noted at its next use.
const PENDING: usize = 10_000;
/// How many sessions are remembered as reported; for one that was forgotten, a second report does no harm.
const REPORTED: usize = 65_536;
/// Reports are this far apart.
const EVERY: Duration = Duration::from_secs(1);
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// A report is sent so often at most.
const ATTEMPTS: u8 = 5;

/// What was seen and not sent yet.
pub(crate) struct Sightings {
    pending: Mutex<HashMap<SessionId, Sighting>>,
    /// The newest generation of each that was noted.
    noted: quick_cache::sync::Cache<SessionId, u32>,
    arrived: Notify,
}

#[derive(Clone, Copy)]
struct Sighting {
    generation: u32,
    first_used_at: i64,
    last_used_at: i64,
    attempts: u8,
}

impl Default for Sightings {
    fn default() -> Self {
        let noted = quick_cache::sync::Cache::new(REPORTED);
        Self { pending: Mutex::default(), noted, arrived: Notify::new() }
    }
}

impl Sightings {
    /// Notes a use at `now` (Unix milliseconds). `false` when there is no room: then the next use is to be noted.
    pub(crate) fn note(&self, access: &Access, now: i64) -> bool {
        let generation = access.generation;
        if self.noted.get(&access.session).is_some_and(|known| known >= generation) {
            return true;
        }
        let mut pending = self.pending();
        if pending.len() >= PENDING && !pending.contains_key(&access.session) {
            return false;
        }
        let fresh = Sighting { generation, first_used_at: now, last_used_at: now, attempts: 0 };
        let known = pending.entry(access.session).or_insert(fresh);
        if known.generation < generation {
            *known = fresh;
        }
        drop(pending);
        self.noted.insert(access.session, generation);
        self.arrived.notify_one();
        true
    }

    /// How many wait to be sent.
    pub(crate) fn len(&self) -> usize {
        self.pending().len()
    }

    fn take(&self) -> Vec<(SessionId, Sighting)> {
        let mut pending = self.pending();
        let batch: Vec<_> = pending.iter().take(BATCH).map(|(session, seen)| (*session, *seen)).collect();
        for (session, _) in &batch {
            pending.remove(session);
        }
        batch
    }

    /// What was not received waits again, unless it was sent too often, or its session was seen in a newer generation.
    fn put_back(&self, batch: Vec<(SessionId, Sighting)>) -> usize {
        let mut pending = self.pending();
        let mut lost = 0;
        for (session, mut seen) in batch {
            seen.attempts = seen.attempts.saturating_add(1);
            if seen.attempts >= ATTEMPTS || pending.len() >= PENDING {
                lost += 1;
            } else {
                pending.entry(session).or_insert(seen);
            }
        }
        lost
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<SessionId, Sighting>> {
        // Nothing panics while it is held; and if it did, the map would still be one of sightings.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends them.
pub(crate) struct Reporter {
    pub(crate) sightings: Arc<Sightings>,
    pub(crate) uri: Uri,
    /// `Bearer` and the token of the feed, marked as sensitive.
    pub(crate) authorization: HeaderValue,
    pub(crate) http: Http,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Reporter {
    /// For ever.
    pub(crate) async fn run(self) {
        let mut failures: u32 = 0;
        loop {
            self.sightings.arrived.notified().await;
            self.clock.wait(EVERY).await;
            loop {
                let batch = self.sightings.take();
                if batch.is_empty() {
                    break;
                }
                let pause = match self.http.document(self.report(&batch)).await {
                    Ok(_) => {
                        failures = 0;
                        EVERY
                    }
                    Err(error) => {
                        failures = failures.saturating_add(1);
                        let lost = self.sightings.put_back(batch);
                        let pause = backoff::after(failures, RETRY.0, RETRY.1);
                        tracing::warn!(%error, failures, lost, retry_in = ?pause, "sightings cannot be reported");
                        pause
                    }
                };
                self.clock.wait(pause).await;
            }
        }
    }

    fn report(&self, batch: &[(SessionId, Sighting)]) -> Request<Full<Bytes>> {
        let seen = |(session, seen): &(SessionId, Sighting)| {
            json!({
                "sid": session.to_string(),
                "gen": seen.generation,
                "first_used_at": seen.first_used_at,
                "last_used_at": seen.last_used_at,
            })
        };
        let body = json!({ "seen": batch.iter().map(seen).collect::<Vec<_>>() }).to_string();
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::id::{AccountId, KeyId};
    use cloakroom_core::time::Timestamp;

    fn access(session: u32, generation: u32) -> Access {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&session.to_be_bytes());
        let at = Timestamp::from_millis(0);
        Access {
            account: AccountId::from_bytes([1; 16]),
            session: SessionId::from_bytes(bytes),
            generation,
            issue: 0,
            issued_at: at,
            expires_at: at,
            key: KeyId::from_bytes([3; 16]),
        }
    }

    #[test]
    fn a_generation_is_noted_once_and_the_newest_counts() {
        let sightings = Sightings::default();
        for (generation, now) in [(3, 10), (3, 20), (4, 30), (3, 40)] {
            assert!(sightings.note(&access(1, generation), now));
        }
        let batch = sightings.take();
        assert_eq!(batch.len(), 1);
        assert_eq!((batch[0].1.generation, batch[0].1.first_used_at), (4, 30));
        assert!(sightings.note(&access(1, 4), 50) && sightings.len() == 0);
    }

    #[test]
    fn memory_is_bounded_and_what_found_no_room_is_noted_later() {
        let sightings = Sightings::default();
        let taken = (0..20_000).filter(|session| sightings.note(&access(*session, 0), 0)).count();
        assert_eq!((taken, sightings.len()), (PENDING, PENDING));
        assert_eq!(sightings.take().len(), BATCH);
        assert!(sightings.note(&access(19_999, 0), 0));
    }

    #[test]
    fn a_report_is_sent_a_bounded_number_of_times() {
        let sightings = Sightings::default();
        sightings.note(&access(1, 0), 0);
        for attempt in 1..ATTEMPTS {
            assert_eq!(sightings.put_back(sightings.take()), 0, "{attempt}");
        }
        assert_eq!(sightings.put_back(sightings.take()), 1);
        assert_eq!(sightings.len(), 0);
    }
}
