//! An upstream that records what reaches it. Below a path with `reflect` in it, it lets every page read with credentials,
//! as careless applications do.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// The upstream. It ends with the runtime.
#[derive(Clone)]
pub struct Echo {
    /// Where it listens.
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<Recorded>>>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `POST`.
    pub method: String,
    /// Path and query, byte for byte.
    pub target: String,
    /// Names in lower case and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Recorded {
    /// The only value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(header, _)| header == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} arrived twice");
        value
    }
}

impl Echo {
    /// Starts it.
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let echo = Self { address: listener.local_addr().unwrap(), requests: Arc::default() };
        let requests = Arc::clone(&echo.requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let requests = Arc::clone(&requests);
                tokio::spawn(async move {
                    let service = service_fn(move |request| answer(request, Arc::clone(&requests)));
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    drop(server.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        echo
    }

    /// What arrived so far, and forgets it.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut self.requests.lock().unwrap())
    }

    /// The one request that arrived.
    pub fn one(&self) -> Recorded {
        let mut all = self.take();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

async fn answer(
    request: Request<Incoming>,
    requests: Arc<Mutex<Vec<Recorded>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let origin = parts.headers.get("origin").cloned().filter(|_| target.contains("reflect"));
    requests.lock().unwrap().push(Recorded { method: parts.method.to_string(), target, headers, body });
    let mut answer = Response::builder().header("content-type", "text/plain");
    if let Some(origin) = origin {
        answer =
            answer.header("access-control-allow-origin", origin).header("access-control-allow-credentials", "true");
    }
    Ok(answer.body(Full::from("echo")).unwrap())
}
