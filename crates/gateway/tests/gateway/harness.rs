//! A server around [`Gateway::handle`], upstreams that remember what they saw, and clients that send exact bytes.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloakroom_gateway::{
    Access, Admission, Body, ClientInfo, Extras, Gate, Gateway, Identity, Inbound, Limits, Outcome, Routes, Seen,
    StepUpRule, Upstream,
};
use http::request::Parts;
use http::{HeaderValue, Response};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

pub(crate) const RESERVED: &[&str] = &["/auth", "/.well-known/jwks.json"];

/// Nothing in these tests takes so long unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What [`Inbound::whole`] gave.
pub(crate) type ReadBody = Result<Option<Vec<u8>>, &'static str>;

/// A gate that lets pass as it is told. Public routes get no identity.
#[derive(Default)]
pub(crate) struct TestGate {
    pub(crate) nobody: bool,
    pub(crate) refuse: bool,
    pub(crate) ended: Option<CancellationToken>,
    pub(crate) seen: Mutex<Vec<(Option<String>, u16, Outcome)>>,
    pub(crate) asked: Mutex<Vec<(String, String)>>,
    /// The paths of the rules that requests were admitted with.
    pub(crate) rules: Mutex<Vec<Option<String>>>,
    /// Reads every body up to so many bytes before it is forwarded. A field `X-Look` makes it look at the beginning first.
    pub(crate) reads: Option<usize>,
    /// What it read.
    pub(crate) bodies: Mutex<Vec<ReadBody>>,
}

impl Gate for TestGate {
    async fn admit(
        &self,
        request: &Parts,
        body: &mut Inbound,
        upstream: &Upstream,
        rule: Option<&StepUpRule>,
        _client: ClientInfo,
    ) -> Admission {
        self.rules.lock().unwrap().push(rule.map(|rule| rule.path.clone()));
        if request.headers.contains_key("x-look") {
            let _ = within(body.look(4, 4, |_| None::<()>)).await;
        }
        if let Some(max_bytes) = self.reads {
            let whole = within(body.whole(max_bytes)).await.map(|whole| whole.map(|bytes| bytes.to_vec()));
            self.bodies.lock().unwrap().push(whole.map_err(|_| "broken"));
        }
        self.asked.lock().unwrap().push((upstream.name.clone(), request.uri.path().to_owned()));
        if self.refuse {
            let mut response = Response::new(Body::from("who are you?"));
            *response.status_mut() = http::StatusCode::UNAUTHORIZED;
            return Admission::Answer(response);
        }
        if self.nobody || upstream.access == Access::Public {
            return Admission::Pass(Identity::default());
        }
        Admission::Pass(Identity {
            authorization: Some(HeaderValue::from_static("Bearer ours")),
            authenticated: true,
            ended: self.ended.clone(),
            ..Identity::default()
        })
    }

    fn is_own_cookie(&self, name: &[u8]) -> bool {
        name == b"__Host-Http-cloakroom" || name == b"__Secure-cloakroom-refresh"
    }

    fn observe(&self, seen: &Seen<'_>) {
        let row = (seen.upstream.map(str::to_owned), seen.status.as_u16(), seen.outcome);
        self.seen.lock().unwrap().push(row);
    }
}

/// A running gateway.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) gateway: Arc<Gateway<TestGate>>,
    pub(crate) gate: Arc<TestGate>,
}

impl Proxy {
    pub(crate) async fn start(upstreams: Vec<Upstream>) -> Self {
        Self::with(upstreams, TestGate::default(), Limits::default()).await
    }

    pub(crate) async fn with(upstreams: Vec<Upstream>, gate: TestGate, limits: Limits) -> Self {
        let gate = Arc::new(gate);
        let routes = Routes::new(upstreams, RESERVED).unwrap();
        let gateway = Gateway::new(routes, Arc::clone(&gate), limits).unwrap();
        Self::serve(gateway, gate).await
    }

    /// With another set of roots for https upstreams.
    pub(crate) async fn trusting(upstream: Upstream, roots: rustls::RootCertStore) -> Self {
        let gate = Arc::new(TestGate::default());
        let routes = Routes::new(vec![upstream], RESERVED).unwrap();
        let extras = Extras { roots: Some(roots), ..Extras::default() };
        let gateway = Gateway::with(routes, Arc::clone(&gate), Limits::default(), extras).unwrap();
        Self::serve(gateway, gate).await
    }

    pub(crate) async fn serve(gateway: Gateway<TestGate>, gate: Arc<TestGate>) -> Self {
        let gateway = Arc::new(gateway);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Arc::clone(&gateway);
        tokio::spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                let gateway = Arc::clone(&serving);
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let gateway = Arc::clone(&gateway);
                        async move {
                            let client = ClientInfo { address: peer.ip(), https: false, host: None, prefix: None };
                            Ok::<_, std::convert::Infallible>(gateway.handle(request, client).await)
                        }
                    });
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection_with_upgrades(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, gateway, gate }
    }

    /// Sends bytes, and reads until the server closes.
    pub(crate) async fn send(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes.as_ref()).await.unwrap();
        let mut answer = Vec::new();
        // A reset after the answer is as good an end.
        let _ = within(stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A GET with more lines in its header (each ending with CRLF), on a connection of its own.
    pub(crate) async fn get(&self, path: &str, lines: &str) -> String {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: app.example\r\n{lines}Connection: close\r\n\r\n")).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| panic!("hangs"))
}

/// A signed-in route for everything.
pub(crate) fn site(address: SocketAddr) -> Upstream {
    route("site", "/", address, Access::SignedIn)
}

pub(crate) fn route(name: &str, path: &str, address: SocketAddr, access: Access) -> Upstream {
    Upstream::new(name, path, format!("http://{address}").parse().unwrap(), access)
}

/// Runs `serve` for every connection.
pub(crate) async fn upstream<F, W>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// An upstream that keeps every byte it gets, answers every request with the same bytes, and understands only lengths
/// and chunks.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    requests: Arc<Mutex<Vec<String>>>,
}

impl Recorder {
    pub(crate) async fn start(answer: &'static str) -> (SocketAddr, Self) {
        let recorder = Self::default();
        let keeping = recorder.clone();
        let address = upstream(move |mut stream| {
            let recorder = keeping.clone();
            async move {
                while let Some(request) = read_message(&mut stream).await {
                    recorder.requests.lock().unwrap().push(request);
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await;
        (address, recorder)
    }

    pub(crate) async fn ok() -> (SocketAddr, Self) {
        Self::start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// The only request, header names in lower case as the gateway writes them.
    pub(crate) fn only(&self) -> String {
        let all = self.all();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].clone()
    }
}

/// One whole message, or `None` at the end of the connection. What was cut short comes as far as it came.
pub(crate) async fn read_message(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = read_head(stream).await?;
    let head = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        while !bytes.ends_with(b"0\r\n\r\n") && (!contains(&bytes, b"\r\n0\r\n") || !bytes.ends_with(b"\r\n\r\n")) {
            match stream.read_u8().await {
                Ok(byte) => bytes.push(byte),
                Err(_) => break,
            }
        }
    } else if let Some(length) = head.split("content-length: ").nth(1) {
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_ok() {
            bytes.extend(body);
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Bytes up to and with the empty line, and none after.
pub(crate) async fn read_head(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(stream.read_u8().await.ok()?);
    }
    Some(bytes)
}

/// Reads until what came ends with `end`.
pub(crate) async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        let byte = within(stream.read_u8()).await;
        bytes.push(byte.unwrap_or_else(|_| panic!("ended after {:?}", String::from_utf8_lossy(&bytes))));
    }
    String::from_utf8(bytes).unwrap()
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The value of a field in a raw message; several lines are joined by ` | `.
pub(crate) fn field(message: &str, name: &str) -> Option<String> {
    let head = message.split("\r\n\r\n").next().unwrap();
    let values: Vec<&str> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect();
    (!values.is_empty()).then(|| values.join(" | "))
}

pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
}

pub(crate) fn problem(answer: &str) -> (u16, String) {
    let code = answer.split("urn:cloakroom:problem:").nth(1).unwrap_or_else(|| panic!("no problem: {answer}"));
    (status(answer), code.split('"').next().unwrap().to_owned())
}
