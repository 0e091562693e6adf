//! A site in the attacker's hands: it serves what it was given, and collects whatever is sent to `/loot/` and the number of the round.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};
use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue,
};
use http::{Request, Response, StatusCode};
use tokio::sync::watch;

use super::wire::ARRIVES_WITHIN;

/// The beginning of the collector's addresses.
pub(crate) const LOOT: &str = "/loot/";

/// What stands at one path.
#[derive(Debug, Clone)]
pub(crate) struct Served {
    kind: &'static str,
    body: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Served {
    /// A page.
    pub(crate) fn page(body: impl Into<String>) -> Self {
        Self { kind: "text/html; charset=utf-8", body: body.into(), headers: Vec::new() }
    }

    /// A script.
    pub(crate) fn script(body: impl Into<String>) -> Self {
        Self { kind: "text/javascript; charset=utf-8", body: body.into(), headers: Vec::new() }
    }

    /// The same with one more header. One that cannot be sent is left out.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers.push((name, value));
        }
        self
    }
}

/// The pages and what was collected.
#[derive(Default)]
pub(crate) struct Site {
    pages: Mutex<HashMap<String, Served>>,
    loot: Mutex<Vec<String>>,
    /// How often it was wiped.
    round: AtomicU64,
    grown: watch::Sender<u64>,
}

impl Site {
    /// Puts something at a path.
    pub(crate) fn put(&self, path: &str, served: Served) {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), served);
    }

    /// Forgets pages and loot, between two cells.
    pub(crate) fn wipe(&self) {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.round.fetch_add(1, Ordering::Relaxed);
        self.loot.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Where it collects now. What is sent to an earlier round's address is thanked for and thrown away.
    pub(crate) fn loot_path(&self) -> String {
        format!("{LOOT}{}", self.round.load(Ordering::Relaxed))
    }

    /// Everything collected so far.
    pub(crate) fn loot(&self) -> Vec<String> {
        self.loot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until something that contains `part` was collected, and gives everything collected by then.
    pub(crate) async fn wait_loot(&self, part: &str) -> Result<Vec<String>> {
        self.wait_more(0, part).await
    }

    /// The same, where the first `mark` pieces do not count.
    pub(crate) async fn wait_more(&self, mark: usize, part: &str) -> Result<Vec<String>> {
        let mut grown = self.grown.subscribe();
        let arrives = async {
            loop {
                grown.borrow_and_update();
                let loot = self.loot();
                if loot.iter().skip(mark).any(|piece| piece.contains(part)) {
                    return loot;
                }
                if grown.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        match tokio::time::timeout(ARRIVES_WITHIN, arrives).await {
            Ok(loot) => Ok(loot),
            Err(_) => bail!("{part:?} did not reach the attacker within {ARRIVES_WITHIN:?}"),
        }
    }

    /// Answers one request.
    pub(crate) fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path();
        if path.starts_with(LOOT) {
            if path == self.loot_path() {
                let query = request.uri().query().unwrap_or_default();
                let piece = format!("{query}{}", String::from_utf8_lossy(request.body()));
                self.loot.lock().unwrap_or_else(PoisonError::into_inner).push(piece);
                self.grown.send_modify(|count| *count += 1);
            }
            return open(Response::new(Bytes::from_static(b"thanks")));
        }
        let Some(served) = self.pages.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned() else {
            let mut answer = Response::new(Bytes::from_static(b"nothing here"));
            *answer.status_mut() = StatusCode::NOT_FOUND;
            return open(answer);
        };
        let mut answer = Response::new(Bytes::from(served.body));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(served.kind));
        for (name, value) in served.headers {
            answer.headers_mut().append(name, value);
        }
        open(answer)
    }
}

/// Everybody may read what the attacker publishes.
fn open(mut answer: Response<Bytes>) -> Response<Bytes> {
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
