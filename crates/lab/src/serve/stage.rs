//! The stage itself: one page on loopback, what it is told, and what its buttons ask for. Plain http: `localhost` is
//! trustworthy as it is (Secure Contexts 3.1). Only a page of this very origin may give orders, since a person's own browser has
//! other pages open as well.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::Options;
use super::feed::Feed;
use super::play::{Act, Order, Picture};
use crate::attack::ATTACKS;
use crate::catalogue::Catalogue;
use crate::world::own;

const PAGE: &str = include_str!("../../assets/stage.html");
const STYLE: &str = include_str!("../../assets/stage.css");
const SCRIPT: &str = include_str!("../../assets/stage.js");

/// An order is a few words.
const LARGEST_ORDER: usize = 4 << 10;

/// Nothing from elsewhere, and in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The page's server.
pub(super) struct Stage {
    listener: TcpListener,
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    hosts: [String; 2],
    program: Value,
    feed: Arc<Feed>,
    orders: mpsc::Sender<Order>,
    picture: Picture,
}

/// What the page is told once: the attacks, the strategies, the browser.
pub(super) fn program(catalogue: &Catalogue, options: &Options, version: &str) -> Value {
    let attacks = ATTACKS.iter().filter_map(|attack| catalogue.attack(attack.id)).map(|text| {
        json!({
            "id": text.id, "title": text.title, "group": text.group, "story": text.story, "mechanism": text.mechanism,
            "stopped_by": text.stopped_by,
        })
    });
    let strategies = options.rows.iter().map(|row| {
        let text = catalogue.strategy(row);
        json!({
            "id": row,
            "title": text.map_or(row.as_str(), |text| text.title.as_str()),
            "summary": text.map_or("", |text| text.summary.as_str()),
            "own": own(row).is_some(),
        })
    });
    json!({
        "attacks": attacks.collect::<Vec<_>>(), "strategies": strategies.collect::<Vec<_>>(), "browser": version, "headed": options.headed,
    })
}

/// What the page's buttons send.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "lowercase")]
enum Wish {
    Login { row: String },
    Attack { row: String, attack: String },
    Redeem,
    Press { x: f64, y: f64 },
}

impl Stage {
    /// Takes a port of loopback; 0 is any free one.
    pub(super) async fn bind(port: u16, program: Value, feed: Arc<Feed>, orders: mpsc::Sender<Order>) -> Result<Self> {
        let bound = TcpListener::bind(("127.0.0.1", port)).await;
        let listener = bound.with_context(|| format!("port {port} of 127.0.0.1 cannot be used for the stage"))?;
        let port = listener.local_addr()?.port();
        let hosts = [format!("localhost:{port}"), format!("127.0.0.1:{port}")];
        let shared = Arc::new(Shared { hosts, program, feed, orders, picture: Picture::default() });
        Ok(Self { listener, port, shared })
    }

    pub(super) fn address(&self) -> String {
        format!("http://localhost:{}/", self.port)
    }

    pub(super) fn picture(&self) -> Picture {
        Arc::clone(&self.shared.picture)
    }

    /// Serves until it is dropped.
    pub(super) async fn serve(self) {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = self.listener.accept().await {
            // Those that have ended are forgotten here.
            while connections.try_join_next().is_some() {}
            let shared = Arc::clone(&self.shared);
            let service = service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(shared.answer(request).await) }
            });
            connections.spawn(async move {
                // A browser that hangs up is nobody's fault.
                drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            });
        }
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let header =
            |name: HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let host = header(HOST).to_owned();
        // Whoever came by another name was led here (DNS rebinding).
        if !self.hosts.contains(&host) {
            return said(StatusCode::MISDIRECTED_REQUEST, "text/plain", "not the name of the stage");
        }
        let is_own = header(ORIGIN) == format!("http://{host}");
        let after = header(HeaderName::from_static("last-event-id")).parse().unwrap_or(0);
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/") => said(StatusCode::OK, "text/html; charset=utf-8", PAGE),
            (&Method::GET, "/stage.css") => said(StatusCode::OK, "text/css; charset=utf-8", STYLE),
            (&Method::GET, "/stage.js") => said(StatusCode::OK, "text/javascript; charset=utf-8", SCRIPT),
            (&Method::GET, "/program.json") => said(StatusCode::OK, "application/json", self.program.to_string()),
            (&Method::GET, "/events") => events(Arc::clone(&self.feed), after),
            (&Method::GET, "/picture") => {
                let seen = self.picture.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let kind = if seen.starts_with(b"\x89PNG") { "image/png" } else { "image/jpeg" };
                said(if seen.is_empty() { StatusCode::NOT_FOUND } else { StatusCode::OK }, kind, seen)
            }
            (&Method::POST, "/act") if is_own => self.order(request).await,
            (&Method::POST, "/act") => said(StatusCode::FORBIDDEN, "text/plain", "only the stage gives orders"),
            _ => said(StatusCode::NOT_FOUND, "text/plain", "nothing here"),
        }
    }

    async fn order(&self, request: Request<Incoming>) -> Response<Body> {
        let body =
            Limited::new(request.into_body(), LARGEST_ORDER).collect().await.map(http_body_util::Collected::to_bytes);
        let wish = body.ok().and_then(|body| serde_json::from_slice(&body).ok());
        let act = match wish {
            None => return said(StatusCode::BAD_REQUEST, "text/plain", "not an order"),
            Some(Wish::Login { row }) => Act::LogIn { row },
            Some(Wish::Attack { row, attack }) => Act::Attack { row, attack },
            Some(Wish::Redeem) => Act::Redeem,
            Some(Wish::Press { x, y }) => Act::Press { x, y },
        };
        let (done, ended) = oneshot::channel();
        if self.orders.try_send(Order { act, done }).is_err() {
            return said(StatusCode::CONFLICT, "text/plain", "one act after the other");
        }
        match ended.await {
            Ok(Ok(())) => said(StatusCode::OK, "text/plain", "done"),
            Ok(Err(error)) => said(StatusCode::UNPROCESSABLE_ENTITY, "text/plain", format!("{error:#}")),
            Err(_) => said(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "the stage is closing"),
        }
    }
}

/// What is said from now on, as server-sent events, beginning after a number.
fn events(feed: Arc<Feed>, after: u64) -> Response<Body> {
    let grown = feed.watch();
    let lines = stream::unfold((feed, grown, after), |(feed, mut grown, after)| async move {
        loop {
            grown.borrow_and_update();
            let lines = feed.after(after);
            if let Some((last, _)) = lines.last() {
                let last = *last;
                let text: Vec<_> =
                    lines.iter().map(|(number, line)| format!("id: {number}\ndata: {line}\n\n")).collect();
                return Some((Ok(Frame::data(Bytes::from(text.concat()))), (feed, grown, last)));
            }
            if grown.changed().await.is_err() {
                return None;
            }
        }
    });
    dressed(StatusCode::OK, "text/event-stream", StreamBody::new(lines).boxed_unsync())
}

fn said(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    dressed(status, kind, Full::new(body.into()).boxed_unsync())
}

fn dressed(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    answer
}
