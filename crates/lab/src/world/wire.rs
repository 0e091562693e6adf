//! What servers received, in the order of arrival: the evidence, and the ground that verdicts stand on. Values are cut here,
//! because evidence is read by people.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use cloakroom_lab_report::Exchange;
use http::{HeaderMap, Method};
use tokio::sync::watch;

/// Characters of a value that evidence keeps.
const KEPT: usize = 400;

/// How long something that must arrive may take.
pub(crate) const ARRIVES_WITHIN: Duration = Duration::from_secs(8);

/// A request that a server received, with its answer.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Names the request in the victims' audit log.
    pub(crate) id: String,
    pub(crate) at: Instant,
    /// Which server, in a word.
    pub(crate) server: &'static str,
    /// `https`, or `http` for what travelled in clear.
    pub(crate) scheme: &'static str,
    pub(crate) method: Method,
    pub(crate) host: String,
    /// With its query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) status: u16,
    pub(crate) answer: HeaderMap,
    /// Whether it came from the attacker's own machine instead of a browser.
    pub(crate) from_elsewhere: bool,
}

impl Seen {
    /// A header's value as text; empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn exchange(&self, began: Instant) -> Exchange {
        Exchange {
            at_ms: millis(self.at.saturating_duration_since(began)),
            server: if self.from_elsewhere {
                format!("{}, asked from another machine", self.server)
            } else {
                self.server.to_owned()
            },
            method: self.method.to_string(),
            url: cut(&format!("{}://{}{}", self.scheme, self.host, self.path)),
            headers: self.headers.iter().filter(|(name, _)| tells(name.as_str())).map(pair).collect(),
            body: cut(&self.body),
            status: self.status,
            answer_headers: self.answer.iter().filter(|(name, _)| answers(name.as_str())).map(pair).collect(),
        }
    }
}

/// Request headers that say something here; the rest is the same in every request.
fn tells(name: &str) -> bool {
    matches!(name, "cookie" | "authorization" | "origin" | "referer" | "content-type" | "dpop" | "host")
        || name.starts_with("sec-fetch-")
        || name.starts_with("secure-session-")
        || name.starts_with("sec-secure-")
        || name.starts_with("x-csrf")
        || name.starts_with("service-worker")
}

fn answers(name: &str) -> bool {
    matches!(
        name,
        "set-cookie"
            | "location"
            | "content-type"
            | "cache-control"
            | "clear-site-data"
            | "content-security-policy"
            | "strict-transport-security"
            | "x-frame-options"
            | "retry-after"
            | "www-authenticate"
    ) || name.starts_with("access-control-")
        || name.starts_with("secure-session-")
}

fn pair((name, value): (&http::HeaderName, &http::HeaderValue)) -> (String, String) {
    (name.as_str().to_owned(), cut(&String::from_utf8_lossy(value.as_bytes())))
}

/// The beginning of a text, with `…` where it was cut.
pub(crate) fn cut(text: &str) -> String {
    match text.char_indices().nth(KEPT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Milliseconds, as evidence writes them.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Everything that arrived since the world began, or since it was wiped.
#[derive(Default)]
pub(crate) struct Wire {
    seen: Mutex<Vec<Seen>>,
    grown: watch::Sender<u64>,
}

impl Wire {
    /// Remembers a request that has been answered.
    pub(crate) fn record(&self, seen: Seen) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        self.grown.send_modify(|count| *count += 1);
    }

    /// Changes whenever something arrived.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }

    /// How many there are: a mark to look from.
    pub(crate) fn mark(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Those since the mark that answer to the question.
    pub(crate) fn since(&self, mark: usize, wanted: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().skip(mark).filter(|seen| wanted(seen)).cloned().collect()
    }

    /// The first since the mark that answers to the question, once it has arrived; an error names `what` did not.
    pub(crate) async fn wait(&self, mark: usize, what: &str, wanted: impl Fn(&Seen) -> bool) -> Result<Seen> {
        let mut grown = self.grown.subscribe();
        let arrives = async {
            loop {
                grown.borrow_and_update();
                if let Some(seen) = self.since(mark, &wanted).into_iter().next() {
                    return seen;
                }
                if grown.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        match tokio::time::timeout(ARRIVES_WITHIN, arrives).await {
            Ok(seen) => Ok(seen),
            Err(_) => bail!("{what} did not arrive within {ARRIVES_WITHIN:?}"),
        }
    }

    /// The evidence since the mark.
    pub(crate) fn evidence(&self, mark: usize, began: Instant) -> Vec<Exchange> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().skip(mark).map(|seen| seen.exchange(began)).collect()
    }

    /// Forgets everything, between two cells.
    pub(crate) fn wipe(&self) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
