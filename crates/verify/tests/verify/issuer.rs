//! An issuer on port 0: keys, metadata, revocation feed and sightings, each as good or as bad as a test wants it. It writes
//! the feed as `GET /auth/revocations` does.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_jose::{Algorithm, JwkSet, SigningKey};
use cloakroom_verify::clock::{Clock as _, ManualClock};
use cloakroom_verify::{AccessToken, Builder, Refusal, Verifier};
use futures_util::StreamExt as _;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

pub(crate) const NOW: i64 = 1_700_000_000;
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const FEED_TOKEN: &str = "feed-token-that-nobody-may-see";

/// How a route behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Good,
    /// 503.
    Away,
    /// Takes the request and answers nothing.
    Hangs,
    /// Redirects to itself.
    Redirects,
    /// Something else with 200.
    Says(Vec<u8>),
}

pub(crate) struct Issuer {
    pub(crate) url: String,
    pub(crate) clock: ManualClock,
    pub(crate) shared: Arc<Shared>,
    server: JoinHandle<()>,
}

pub(crate) struct Shared {
    state: Mutex<Inner>,
    /// Key sets are answered while it is open.
    gate: watch::Sender<bool>,
    pushes: broadcast::Sender<Bytes>,
}

struct Inner {
    clock: ManualClock,
    key_mood: Mood,
    key_hits: usize,
    keys: Vec<SigningKey>,
    cache_control: Option<&'static str>,
    metadata: HashMap<String, Value>,
    feed_mood: Mood,
    pushes_are_offered: bool,
    page: usize,
    log: Vec<Value>,
    feed_asked: Vec<(u64, bool)>,
    access_for_ms: Option<u64>,
    sightings_mood: Mood,
    reports: Vec<Value>,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let clock = ManualClock::at(NOW * 1000);
        let shared = Arc::new(Shared {
            state: Mutex::new(Inner {
                clock: clock.clone(),
                key_mood: Mood::Good,
                key_hits: 0,
                keys: vec![key(1)],
                cache_control: None,
                metadata: HashMap::new(),
                feed_mood: Mood::Good,
                pushes_are_offered: true,
                page: 1000,
                log: Vec::new(),
                feed_asked: Vec::new(),
                access_for_ms: None,
                sightings_mood: Mood::Good,
                reports: Vec::new(),
            }),
            gate: watch::Sender::new(true),
            pushes: broadcast::channel(64).0,
        });
        let router = Router::new()
            .route("/jwks", get(keys))
            .route("/revocations", get(revocations))
            .route("/sightings", post(sightings))
            .fallback(metadata)
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, clock, shared, server }
    }

    /// A verifier of this issuer, to be completed.
    pub(crate) fn builder(&self) -> Builder {
        Verifier::builder(&self.url, AUDIENCE).jwks_uri(format!("{}/jwks", self.url)).clock(self.clock.clone())
    }

    pub(crate) fn following(&self) -> Builder {
        self.builder().feed(format!("{}/revocations", self.url), FEED_TOKEN)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        change(&mut self.shared.state.lock().unwrap())
    }

    pub(crate) fn key_mood(&self, mood: Mood) {
        self.with(|inner| inner.key_mood = mood);
    }

    pub(crate) fn key_hits(&self) -> usize {
        self.with(|inner| inner.key_hits)
    }

    pub(crate) fn set_keys(&self, keys: Vec<SigningKey>) {
        self.with(|inner| inner.keys = keys);
    }

    pub(crate) fn cache_control(&self, line: &'static str) {
        self.with(|inner| inner.cache_control = Some(line));
    }

    pub(crate) fn metadata(&self, path: &str, document: Value) {
        self.with(|inner| inner.metadata.insert(path.to_owned(), document));
    }

    pub(crate) fn gate(&self, open: bool) {
        self.shared.gate.send_replace(open);
    }

    pub(crate) fn feed_mood(&self, mood: Mood) {
        self.with(|inner| inner.feed_mood = mood);
    }

    pub(crate) fn offer_no_pushes(&self) {
        self.with(|inner| inner.pushes_are_offered = false);
    }

    pub(crate) fn page(&self, size: usize) {
        self.with(|inner| inner.page = size);
    }

    pub(crate) fn access_for_ms(&self, length: u64) {
        self.with(|inner| inner.access_for_ms = Some(length));
    }

    /// Positions that were asked for, and whether as a stream.
    pub(crate) fn feed_asked(&self) -> Vec<(u64, bool)> {
        self.with(|inner| inner.feed_asked.clone())
    }

    pub(crate) fn streams(&self) -> usize {
        self.shared.pushes.receiver_count()
    }

    /// Writes an entry without telling anybody.
    pub(crate) fn write(&self, mut entry: Value) -> u64 {
        self.with(|inner| {
            let seq = inner.log.len() as u64 + 1;
            entry["seq"] = json!(seq);
            inner.log.push(entry);
            seq
        })
    }

    /// Writes an entry and pushes it to everybody who listens.
    pub(crate) fn revoke(&self, entry: Value) -> u64 {
        let seq = self.write(entry);
        self.push_after(seq - 1);
        seq
    }

    /// Pushes what stands after a position.
    pub(crate) fn push_after(&self, after: u64) {
        self.push_raw(&self.event_after(after));
    }

    fn event_after(&self, after: u64) -> String {
        let document = self.with(|inner| inner.document(after));
        format!("event: revocations\nid: {}\ndata: {document}\n\n", document["next"])
    }

    /// A heartbeat of this instant, to be pushed later.
    pub(crate) fn heartbeat(&self) -> String {
        self.event_after(self.with(|inner| inner.log.len() as u64))
    }

    /// A heartbeat.
    pub(crate) fn beat(&self) {
        self.push_raw(&self.heartbeat());
    }

    pub(crate) fn push_raw(&self, text: &str) {
        // Whoever does not listen yet gets it at the beginning of its stream.
        drop(self.shared.pushes.send(Bytes::from(text.to_owned())));
    }

    /// As after the restore of an old backup.
    pub(crate) fn forget_after(&self, seq: usize) {
        self.with(|inner| inner.log.truncate(seq));
    }

    pub(crate) fn sightings_mood(&self, mood: Mood) {
        self.with(|inner| inner.sightings_mood = mood);
    }

    pub(crate) fn reports(&self) -> Vec<Value> {
        self.with(|inner| inner.reports.clone())
    }

    /// A token of session and account 1, generation 4, issue 0, that lives for five minutes.
    pub(crate) fn token(&self) -> String {
        self.token_with(&json!({}))
    }

    /// The same with other claims; `null` takes one out.
    pub(crate) fn token_with(&self, changes: &Value) -> String {
        key(1).sign("at+jwt", &self.claims(changes)).unwrap()
    }

    pub(crate) fn claims(&self, changes: &Value) -> Value {
        let now = self.clock.now() / 1000;
        let mut claims = json!({
            "iss": self.url, "aud": AUDIENCE, "sub": account(1), "client_id": "app", "jti": "t", "sid": session(1), "gen": 4,
            "iss_no": 0, "iat": now, "exp": now + 300, "scope": "notes:read notes:write",
        });
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    /// When entries made now stop to matter.
    pub(crate) fn until(&self) -> i64 {
        self.clock.now() + 300_000
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Why it was refused.
pub(crate) fn refusal(judged: Result<AccessToken, Refusal>) -> Refusal {
    judged.map(|token| panic!("let in: {token:?}")).unwrap_err()
}

pub(crate) fn session(number: u8) -> String {
    SessionId::from_bytes([number; 16]).to_string()
}

pub(crate) fn account(number: u8) -> String {
    AccountId::from_bytes([number; 16]).to_string()
}

pub(crate) fn kid(number: u8) -> String {
    KeyId::from_bytes([number; 16]).to_string()
}

/// The same key for the same number: a PKCS#8 document of Ed25519 (RFC 8410 §7) around a seed.
pub(crate) fn key(number: u8) -> SigningKey {
    const HEAD: &[u8] = &[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    SigningKey::from_secret_bytes(Algorithm::EdDsa, &kid(number), &[HEAD, &[number; 32]].concat()).unwrap()
}

impl Inner {
    /// The document after a position, as the server writes it.
    fn document(&self, after: u64) -> Value {
        let end = self.log.len() as u64;
        let reset = after > end;
        let from = if reset { 0 } else { usize::try_from(after).unwrap() };
        let page: Vec<&Value> = self.log[from..].iter().take(self.page).collect();
        let next = (from + page.len()) as u64;
        let entries: Vec<_> = page.into_iter().filter(|entry| !entry.is_null()).collect();
        let mut document = json!({
            "after": from, "next": next, "more": next < end, "reset": reset, "stale_after_ms": 10_000, "now": self.clock.now(),
            "entries": entries,
        });
        if let Some(length) = self.access_for_ms {
            document["access_for_ms"] = json!(length);
        }
        document
    }
}

async fn in_mood(mood: Mood, path: &'static str) -> Option<Response> {
    match mood {
        Mood::Good => None,
        Mood::Away => Some(StatusCode::SERVICE_UNAVAILABLE.into_response()),
        Mood::Hangs => std::future::pending().await,
        Mood::Redirects => Some((StatusCode::FOUND, [(LOCATION, path)]).into_response()),
        Mood::Says(bytes) => Some(bytes.into_response()),
    }
}

async fn keys(State(shared): State<Arc<Shared>>) -> Response {
    let mood = {
        let mut inner = shared.state.lock().unwrap();
        inner.key_hits += 1;
        inner.key_mood.clone()
    };
    shared.gate.subscribe().wait_for(|open| *open).await.unwrap();
    if let Some(answer) = in_mood(mood, "/jwks").await {
        return answer;
    }
    let inner = shared.state.lock().unwrap();
    let set = JwkSet::new(inner.keys.iter().filter_map(SigningKey::public_jwk).collect());
    let mut response = axum::Json(set).into_response();
    if let Some(line) = inner.cache_control {
        response.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static(line));
    }
    response
}

async fn metadata(State(shared): State<Arc<Shared>>, uri: http::Uri) -> Response {
    let document = shared.state.lock().unwrap().metadata.get(uri.path()).cloned();
    document.map_or(StatusCode::NOT_FOUND.into_response(), |document| axum::Json(document).into_response())
}

fn is_known(headers: &HeaderMap) -> bool {
    headers.get(AUTHORIZATION).is_some_and(|line| *line == format!("Bearer {FEED_TOKEN}"))
}

async fn revocations(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, u64>>,
    headers: HeaderMap,
) -> Response {
    if !is_known(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let after = query["after"];
    let wants_stream = headers.get(ACCEPT).is_some_and(|accept| accept == "text/event-stream");
    let mood = {
        let mut inner = shared.state.lock().unwrap();
        inner.feed_asked.push((after, wants_stream));
        inner.feed_mood.clone()
    };
    if let Some(answer) = in_mood(mood, "/revocations").await {
        return answer;
    }
    let (document, pushes) = {
        let inner = shared.state.lock().unwrap();
        // Subscribed before the lock is given back: nothing is written in between.
        let pushes = (wants_stream && inner.pushes_are_offered).then(|| shared.pushes.subscribe());
        (inner.document(after), pushes)
    };
    let Some(pushes) = pushes else { return axum::Json(document).into_response() };
    let stream = futures_util::stream::unfold(pushes, |mut pushes| async move {
        Some((Ok::<_, Infallible>(pushes.recv().await.ok()?), pushes))
    });
    let first = Bytes::from(format!("event: revocations\nid: {}\ndata: {document}\n\n", document["next"]));
    let body = Body::from_stream(futures_util::stream::iter([Ok(first)]).chain(stream));
    ([(CONTENT_TYPE, "text/event-stream")], body).into_response()
}

async fn sightings(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_known(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mood = {
        let mut inner = shared.state.lock().unwrap();
        inner.reports.push(serde_json::from_slice(&body).unwrap());
        inner.sightings_mood.clone()
    };
    in_mood(mood, "/sightings").await.unwrap_or(StatusCode::NO_CONTENT.into_response())
}
