//! The log of responses a tab received, filled by the engines' event tasks. It keeps bodies, but it does not decide
//! which of them a script may read: a body that CORS hides from the page (an opaque response) is listed as well.

use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::link::Heard;

/// How long [`read`] waits for responses that have begun; a stream that never ends is then listed without a body.
const SETTLE_DEADLINE: Duration = Duration::from_secs(3);

/// One response, redirects included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseSeen {
    pub url: String,
    pub status: u16,
    /// Names in lower case. `Set-Cookie` is left out: no script can ever read it (Fetch, forbidden response-header name).
    pub headers: Vec<(String, String)>,
    /// Decoded; bytes that are not UTF-8 are replaced. None for redirects, for what never ended, for what was aborted.
    pub body: Option<String>,
}

/// All responses of a tab, in the order they began.
#[derive(Default)]
pub(super) struct ResponseLog {
    entries: Vec<(String, ResponseSeen)>,
    /// Keys of those whose body is still expected.
    open: HashSet<String>,
}

impl ResponseLog {
    /// A response has begun. `key` names it until [`Self::finish`].
    pub(super) fn begin(&mut self, key: &str, url: &str, status: u16, headers: Vec<(String, String)>) {
        let headers: Vec<_> = headers
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value))
            .filter(|(name, _)| name != "set-cookie")
            .collect();
        // An event stream or a WebSocket is open for as long as the page likes.
        let streaming = status == 101
            || headers.iter().any(|(name, value)| name == "content-type" && value.starts_with("text/event-stream"));
        if !streaming {
            self.open.insert(key.to_owned());
        }
        let seen = ResponseSeen { url: url.to_owned(), status, headers, body: None };
        self.entries.push((key.to_owned(), seen));
    }

    pub(super) fn expects(&self, key: &str) -> bool {
        self.open.contains(key)
    }

    /// The response is over, with its body if there is one to be had.
    pub(super) fn finish(&mut self, key: &str, body: Option<String>) {
        self.open.remove(key);
        if let Some((_, seen)) = self.entries.iter_mut().rev().find(|(entry, _)| entry == key) {
            seen.body = body;
        }
    }
}

/// The log, once everything the browser has said so far is in it and the bodies have arrived.
pub(super) async fn read(
    log: &watch::Sender<ResponseLog>,
    queue: &mpsc::WeakUnboundedSender<Heard>,
) -> Vec<ResponseSeen> {
    if let Some(queue) = queue.upgrade() {
        let (reached, handled) = oneshot::channel();
        if queue.send(Heard::Barrier(reached)).is_ok() {
            // An error means that the listener ended: then the log is final.
            let _ = handled.await;
        }
    }
    let mut settled = log.subscribe();
    let _ = tokio::time::timeout(SETTLE_DEADLINE, settled.wait_for(|log| log.open.is_empty())).await;
    log.borrow().entries.iter().map(|(_, seen)| seen.clone()).collect()
}
