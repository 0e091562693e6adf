//! A proxy as operators have it, TLS in front and a redirect beside it, that can be told to meddle with what passes.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use http::header::{DATE, HeaderMap, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode, request, response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// What every answer is dated with: [`super::stage::NOW`].
pub(crate) const DATED: &str = "Fri, 15 Jan 2027 08:00:00 GMT";

/// What the proxy does beside its duty. The default is honest.
#[derive(Clone, Copy)]
pub(crate) struct Meddling {
    /// Answers in the place of the server.
    pub(crate) instead: fn(&request::Parts) -> Option<Response<Body>>,
    /// Changes a request that is ready to be passed on; the second is what the client sent.
    pub(crate) request: fn(&mut request::Parts, &HeaderMap),
    /// Changes an answer on its way back.
    pub(crate) answer: fn(&mut response::Parts),
    /// Passes plain http on as well, instead of redirecting it.
    pub(crate) is_plain_open: bool,
    /// Answers `GET /auth/probe` in the place of the server, whose second is a real one; none leaves it to the server.
    pub(crate) probe: Option<Probe>,
}

/// How the probe is answered.
#[derive(Clone, Copy)]
pub(crate) struct Probe {
    /// The data of the first event.
    pub(crate) seen: &'static str,
    pub(crate) is_held_back: bool,
}

impl Probe {
    /// As the server behind this proxy sees it.
    pub(crate) const HONEST: Self = Self {
        seen: r#"{"v":1,"scheme":"https","host":"expected","peer":"trusted","forwarded":"believed","client":"public"}"#,
        is_held_back: false,
    };
}

impl Default for Meddling {
    fn default() -> Self {
        Self { instead: |_| None, request: |_, _| {}, answer: |_| {}, is_plain_open: false, probe: Some(Probe::HONEST) }
    }
}

/// A steady clock that stands still until somebody moves it, and tells when it was read.
pub(crate) struct Ticks {
    now: Mutex<Duration>,
    reads: watch::Sender<u64>,
}

impl Ticks {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { now: Mutex::new(Duration::ZERO), reads: watch::Sender::new(0) })
    }

    pub(crate) fn read(&self) -> Duration {
        let now = *self.now.lock().unwrap();
        self.reads.send_modify(|reads| *reads += 1);
        now
    }

    fn advance(&self, by: Duration) {
        *self.now.lock().unwrap() += by;
    }
}

/// A request as the proxy got it.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    pub(crate) method: Method,
    pub(crate) agent: String,
    pub(crate) cookie_bytes: usize,
}

/// The proxy. It ends with the runtime.
pub(crate) struct Proxy {
    meddling: Meddling,
    /// Where the server is.
    server: u16,
    /// Where plain http is led.
    encrypted: u16,
    ticks: Arc<Ticks>,
    passed: Mutex<Vec<Passed>>,
}

impl Proxy {
    /// Starts it on these listeners, in front of a server on this port.
    pub(crate) fn start(
        meddling: Meddling,
        server: u16,
        encrypted: TcpListener,
        plain: TcpListener,
        tls: Arc<ServerConfig>,
        ticks: Arc<Ticks>,
    ) -> Arc<Self> {
        let port = encrypted.local_addr().unwrap().port();
        let proxy = Arc::new(Self { meddling, server, encrypted: port, ticks, passed: Mutex::default() });
        let (for_encrypted, for_plain) = (Arc::clone(&proxy), Arc::clone(&proxy));
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(tls);
            while let Ok((stream, _)) = encrypted.accept().await {
                let (proxy, acceptor) = (Arc::clone(&for_encrypted), acceptor.clone());
                tokio::spawn(async move {
                    // A client that does not believe the certificate has hung up.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        proxy.serve(stream, true).await;
                    }
                });
            }
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = plain.accept().await {
                let proxy = Arc::clone(&for_plain);
                tokio::spawn(async move { proxy.serve(stream, false).await });
            }
        });
        proxy
    }

    /// What came so far.
    pub(crate) fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap().clone()
    }

    async fn serve<S>(self: Arc<Self>, stream: S, is_encrypted: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request| {
            let proxy = Arc::clone(&self);
            async move { Ok::<_, Infallible>(proxy.handle(request, is_encrypted).await) }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        drop(builder.auto_date_header(false).serve_connection(TokioIo::new(stream), service).await);
    }

    async fn handle(&self, request: Request<Incoming>, is_encrypted: bool) -> Response<Body> {
        let (mut parts, _) = request.into_parts();
        let value = |name: &str| parts.headers.get(name).map_or("", |value| value.to_str().unwrap());
        self.passed.lock().unwrap().push(Passed {
            method: parts.method.clone(),
            agent: value("user-agent").to_owned(),
            cookie_bytes: value("cookie").len(),
        });
        let is_probe = parts.uri.path() == "/auth/probe" && is_encrypted;
        let mut response = if !is_encrypted && !self.meddling.is_plain_open {
            let to = format!("https://localhost:{}{}", self.encrypted, parts.uri);
            let mut response = bare(StatusCode::PERMANENT_REDIRECT, "");
            response.headers_mut().insert(LOCATION, to.parse().unwrap());
            response
        } else if let Some(instead) = (self.meddling.instead)(&parts) {
            instead
        } else if let Some(probe) = self.meddling.probe.filter(|_| is_probe) {
            self.probed(probe)
        } else {
            let sent = parts.headers.clone();
            for name in ["x-forwarded-host", "forwarded"] {
                parts.headers.remove(name);
            }
            parts.headers.insert("x-forwarded-for", HeaderValue::from_static("127.0.0.1"));
            let proto = if is_encrypted { "https" } else { "http" };
            parts.headers.insert("x-forwarded-proto", HeaderValue::from_static(proto));
            (self.meddling.request)(&mut parts, &sent);
            self.pass_on(parts).await
        };
        response.headers_mut().insert(DATE, HeaderValue::from_static(DATED));
        let (mut head, body) = response.into_parts();
        (self.meddling.answer)(&mut head);
        Response::from_parts(head, body)
    }

    async fn pass_on(&self, parts: request::Parts) -> Response<Body> {
        let stream = TcpStream::connect(("127.0.0.1", self.server)).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::from_parts(parts, Empty::<Bytes>::new());
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Response::from_parts(head, Full::new(body).boxed())
    }

    /// The two events, a second apart by the clock of the test: the second one leaves when the first was read.
    fn probed(&self, Probe { seen, is_held_back }: Probe) -> Response<Body> {
        let first = format!("event: seen\ndata: {seen}\n\n");
        let second = "event: end\ndata: {\"held_ms\":1000}\n\n".to_owned();
        let frames: BoxStream<'static, String> = if is_held_back {
            stream::iter([first + &second]).boxed()
        } else {
            let ticks = Arc::clone(&self.ticks);
            let before = *ticks.reads.borrow();
            let later = async move {
                ticks.reads.subscribe().wait_for(|reads| *reads > before).await.unwrap();
                ticks.advance(Duration::from_secs(1));
                second
            };
            stream::iter([first]).chain(stream::once(later)).boxed()
        };
        // A body may be read by one only, and a stream that is boxed may not be shared: hyper asks for neither.
        let body = StreamBody::new(frames.map(|text| Ok(Frame::data(Bytes::from(text)))));
        let mut response = Response::new(BodyExt::boxed(SyncBody(Mutex::new(Box::pin(body)))));
        response.headers_mut().insert("content-type", HeaderValue::from_static("text/event-stream"));
        response
    }
}

/// Makes a body shareable that nobody shares.
struct SyncBody<B>(Mutex<std::pin::Pin<Box<B>>>);

impl<B: http_body::Body> http_body::Body for SyncBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.0.get_mut().unwrap().as_mut().poll_frame(cx)
    }
}

/// An answer of the proxy's own.
pub(crate) fn bare(status: StatusCode, body: &'static str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())).boxed());
    *response.status_mut() = status;
    response
}
