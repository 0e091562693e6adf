//! An application behind the server. What it does stands in the last part of the path.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// The application. It ends with the runtime.
#[derive(Clone)]
pub(crate) struct Upstream {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    name: &'static str,
    /// One permit for every request to `slow` that has arrived.
    pub(crate) waiting: Arc<Semaphore>,
    /// One permit lets one request to `slow` end.
    pub(crate) released: Arc<Semaphore>,
}

/// A body, known or generated.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// One piece of a generated body.
static PIECE: [u8; 64 * 1024] = [b'x'; 64 * 1024];

impl Upstream {
    /// Starts it. It tells its name with every answer.
    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (waiting, released) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let upstream = Self { address, name, waiting, released };
        let serving = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let upstream = serving.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| upstream.clone().answer(request));
                    let server = Builder::new(TokioExecutor::new());
                    drop(server.serve_connection_with_upgrades(TokioIo::new(stream), service).await);
                });
            }
        });
        upstream
    }

    async fn answer(self, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let path = request.uri().path().to_owned();
        let body = match path.rsplit('/').next().unwrap_or_default() {
            "headers" => whole(headers(request.headers())),
            "slow" => {
                self.waiting.add_permits(1);
                self.released.acquire().await.unwrap().forget();
                whole("at last")
            }
            "count" => {
                let mut counted = 0;
                while let Some(frame) = request.body_mut().frame().await {
                    counted += frame.unwrap().into_data().map_or(0, |data| data.len());
                }
                whole(counted.to_string())
            }
            "flood" => generated(request.uri().query().unwrap().parse().unwrap()),
            "socket" => return Ok(echo_messages(request)),
            _ => whole("hello"),
        };
        Ok(Response::builder().header("upstream", self.name).body(body).unwrap())
    }
}

/// A body of so many bytes, made piece by piece.
pub(crate) fn generated(bytes: usize) -> Body {
    let pieces = stream::unfold(bytes, async |left| {
        let piece = left.min(PIECE.len());
        (piece > 0).then(|| (Ok(Frame::data(Bytes::from_static(&PIECE[..piece]))), left - piece))
    });
    StreamBody::new(pieces).boxed_unsync()
}

fn whole(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).boxed_unsync()
}

fn headers(headers: &HeaderMap) -> String {
    let pairs =
        headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()));
    serde_json::Value::Object(pairs.collect()).to_string()
}

fn echo_messages(mut request: Request<Incoming>) -> Response<Body> {
    let key = request.headers()["sec-websocket-key"].clone();
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let stream = TokioIo::new(upgrade.await.unwrap());
        let (write, read) = WebSocketStream::from_raw_socket(stream, Role::Server, None).await.split();
        drop(read.forward(write).await);
    });
    let switching = [("connection", "upgrade"), ("upgrade", "websocket")];
    let mut response = Response::new(whole(""));
    *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
    for (name, value) in switching {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let accept = derive_accept_key(key.as_bytes());
    response.headers_mut().insert("sec-websocket-accept", accept.parse().unwrap());
    response
}
