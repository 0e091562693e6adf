//! An application behind a proxy: it verifies its tokens by itself, and remembers what reached it.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{any, get, post};
use cloakroom_verify::clock::ManualClock;
use cloakroom_verify::{AccessToken, Verifier};
use futures_util::{SinkExt as _, StreamExt as _, stream};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// What its tokens are for.
pub(crate) const AUDIENCE: &str = "https://api.example.com";

/// The application. It ends with the runtime.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) address: SocketAddr,
    /// Lets the next event out.
    pub(crate) events: Arc<Semaphore>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    /// A header's only value, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert!(values.len() <= 1, "{name} arrived {} times: {self:?}", values.len());
        values.first().map_or("", |value| value.to_str().unwrap())
    }
}

#[derive(Clone)]
struct Shared {
    app: App,
    verifier: Verifier,
}

impl axum::extract::FromRef<Shared> for Verifier {
    fn from_ref(shared: &Shared) -> Self {
        shared.verifier.clone()
    }
}

impl App {
    pub(crate) async fn start(issuer: &str, jwks_uri: &str, clock: ManualClock) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Self { address, events: Arc::new(Semaphore::new(0)), seen: Arc::default() };
        let verifier = Verifier::builder(issuer, AUDIENCE).jwks_uri(jwks_uri).clock(clock).build().unwrap();
        let routes = Router::new()
            .route("/api/who", any(async |token: AccessToken| token.subject().to_owned()))
            .route("/api/live", get(live))
            .route("/api/events", get(events))
            .route("/api/upload", post(upload))
            .fallback(async || "page")
            .layer(axum::middleware::from_fn_with_state(app.clone(), remember))
            .with_state(Shared { app: app.clone(), verifier });
        tokio::spawn(async move { axum::serve(listener, routes).await });
        app
    }

    /// What arrived so far, and forgets it.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    /// The one request that arrived.
    pub(crate) fn one(&self) -> Seen {
        let mut all = self.take();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

async fn remember(State(app): State<App>, request: Request, next: axum::middleware::Next) -> Response {
    let seen = Seen { target: request.uri().to_string(), headers: request.headers().clone() };
    app.seen.lock().unwrap().push(seen);
    next.run(request).await
}

/// Answers every message with itself.
async fn live(_: AccessToken, mut request: Request) -> Response {
    let Some(key) = request.headers().get("sec-websocket-key").cloned() else {
        return Response::builder().status(400).body(Body::empty()).unwrap();
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let upgraded = TokioIo::new(upgrade.await.unwrap());
        let mut socket = WebSocketStream::from_raw_socket(upgraded, Role::Server, None).await;
        while let Some(Ok(message)) = socket.next().await {
            if message.is_text() && socket.send(message).await.is_err() {
                return;
            }
        }
    });
    let accept = derive_accept_key(key.as_bytes());
    Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", accept)
        .body(Body::empty())
        .unwrap()
}

/// One event at once, and each further one when the test lets it out.
async fn events(_: AccessToken, State(shared): State<Shared>) -> Response {
    let permits = shared.app.events;
    let events = stream::unfold(0_u32, move |count| {
        let permits = Arc::clone(&permits);
        async move {
            if count > 0 {
                permits.acquire().await.ok()?.forget();
            }
            Some((Ok::<_, std::convert::Infallible>(format!("data: event {count}\n\n")), count + 1))
        }
    });
    Response::builder().header("content-type", "text/event-stream").body(Body::from_stream(events)).unwrap()
}

/// How many bytes came.
async fn upload(_: AccessToken, request: Request) -> String {
    let (mut body, mut count) = (request.into_body(), 0_u64);
    while let Some(Ok(frame)) = body.frame().await {
        count += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    count.to_string()
}
