//! What was on the wire between browser and audited hosts, in the order in which requests were made. Bodies are cut.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, Method, StatusCode};
use tokio::sync::watch;
use url::Url;

/// Of a body no more than this is kept.
const LARGEST_BODY: usize = 1 << 20;
/// No more requests than this are kept.
const MOST: usize = 20_000;
/// Of all bodies together no more than this is kept.
const LARGEST_RECORD: usize = 512 << 20;

/// A request as the browser sent it.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: bytes::Bytes,
}

/// A request and what came back.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    pub(crate) request: Head,
    /// None as long as there is no answer.
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: HeaderMap,
    /// The beginning of it.
    pub(crate) body: Vec<u8>,
}

impl Head {
    /// The first value of a header; empty if there is none or it is no text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The cookies of the request, as they were sent (RFC 6265 4.2.1).
    pub(crate) fn cookies(&self) -> Vec<(String, String)> {
        let fields = self.headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
        let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The token of an `Authorization` field, whatever its scheme.
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.header("authorization").split_once(' ').map(|(_, token)| token.trim())
    }

    /// What is not known to be without effect (RFC 9110 9.2.1).
    pub(crate) fn is_unsafe(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
    }
}

impl Exchange {
    /// The first value of a header of the answer; empty if there is none or it is no text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The answer's body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the answer is a page.
    pub(crate) fn is_page(&self) -> bool {
        let is_document = matches!(self.request.header("sec-fetch-dest"), "document" | "iframe" | "frame" | "");
        self.header("content-type").starts_with("text/html") && is_document
    }

    /// Whether it was answered with success.
    pub(crate) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.is_success())
    }

    /// `POST https://…`, without values.
    pub(crate) fn shown(&self) -> String {
        format!("{} {}", self.request.method, crate::address::shown(self.request.url.as_str()))
    }
}

/// The record.
pub(crate) struct Wire {
    seen: Mutex<Vec<Exchange>>,
    kept: AtomicUsize,
    failure: Mutex<Option<String>>,
    open: Arc<watch::Sender<usize>>,
}

impl Default for Wire {
    fn default() -> Self {
        Self {
            seen: Mutex::default(),
            kept: AtomicUsize::new(0),
            failure: Mutex::default(),
            open: Arc::new(watch::Sender::new(0)),
        }
    }
}

/// A request that is under way; it is over when this is dropped.
pub(super) struct Open(Arc<watch::Sender<usize>>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open = open.saturating_sub(1));
    }
}

impl Wire {
    /// Records a request, and gives its number.
    pub(super) fn begin(&self, request: Head) -> (Option<usize>, Open) {
        self.open.send_modify(|open| *open += 1);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let number = (seen.len() < MOST).then_some(seen.len());
        if number.is_some() {
            seen.push(Exchange { request, status: None, headers: HeaderMap::new(), body: Vec::new() });
        }
        (number, Open(Arc::clone(&self.open)))
    }

    /// What the answer begins with.
    pub(super) fn answered(&self, number: Option<usize>, status: StatusCode, headers: &HeaderMap) {
        self.change(number, |exchange| {
            exchange.status = Some(status);
            exchange.headers.clone_from(headers);
        });
    }

    /// More of the answer's body.
    pub(super) fn more(&self, number: Option<usize>, data: &[u8]) {
        self.change(number, |exchange| {
            let left = LARGEST_BODY.saturating_sub(exchange.body.len());
            let whole = LARGEST_RECORD.saturating_sub(self.kept.load(Ordering::Relaxed));
            let data = data.get(..left.min(whole).min(data.len())).unwrap_or_default();
            self.kept.fetch_add(data.len(), Ordering::Relaxed);
            exchange.body.extend_from_slice(data);
        });
    }

    /// A request got no answer.
    pub(super) fn failed(&self, why: String) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
    }

    /// Why the first request without an answer got none.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, number: Option<usize>, change: impl FnOnce(&mut Exchange)) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exchange) = number.and_then(|number| seen.get_mut(number)) {
            change(exchange);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Those from number `first` on.
    pub(crate) fn since(&self, first: usize) -> Vec<Exchange> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter().skip(first).cloned().collect()
    }

    /// Whether an answer so far has this text in its fields or its body.
    pub(super) fn mentions(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let has = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text));
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        !text.is_empty()
            && seen
                .iter()
                .any(|exchange| exchange.headers.values().any(|value| has(value.as_bytes())) || has(&exchange.body))
    }

    pub(super) fn open(&self) -> watch::Receiver<usize> {
        self.open.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        let headers = HeaderMap::from_iter([(http::header::COOKIE, http::HeaderValue::from_static("a=1; b=2=3"))]);
        Head { method: Method::GET, url: Url::parse("http://localhost/").unwrap(), headers, body: bytes::Bytes::new() }
    }

    #[test]
    fn bodies_and_the_record_are_bounded() {
        let wire = Wire::default();
        let (number, open) = wire.begin(head());
        assert_eq!(*wire.open().borrow(), 1);
        wire.more(number, &vec![b'a'; LARGEST_BODY - 1]);
        wire.more(number, b"bcd");
        assert_eq!(wire.since(0)[0].body.len(), LARGEST_BODY);
        drop(open);
        assert_eq!(*wire.open().borrow(), 0);
        for _ in 0..MOST {
            wire.begin(head());
        }
        assert_eq!((wire.len(), wire.begin(head()).0), (MOST, None));
    }

    #[test]
    fn cookies_are_read_as_they_were_sent_and_names_are_found_in_answers() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(head().cookies(), [pair("a", "1"), pair("b", "2=3")]);
        let wire = Wire::default();
        let (number, _open) = wire.begin(head());
        wire.more(number, b"<script src=https://CDN.example/x.js>");
        assert!(wire.mentions("cdn.example") && !wire.mentions("other.example") && !wire.mentions(""));
    }
}
