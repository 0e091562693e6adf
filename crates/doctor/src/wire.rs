//! Asks questions: one connection for each, HTTP/1.1, every answer bounded in size and time. Only the one host that was
//! named is ever connected to, and never more than [`MOST_REQUESTS`] times. No redirect is followed here.

use crate::answer::Answer;
use crate::clock::Clock;
use crate::options::Options;
use crate::target::Target;
use crate::trust::{Trust, Untrusted};
use bytes::Bytes;
use http::header::{ACCEPT, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ProtocolVersion;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

/// The most requests of one examination, bare TLS handshakes included.
pub const MOST_REQUESTS: usize = 40;
/// Of a body no more is read, in bytes.
const LARGEST_BODY: usize = 256 * 1024;
/// Heads larger than this are refused, in bytes.
const LARGEST_HEAD: usize = 64 * 1024;

/// What a browser that looks at a page accepts.
const PAGE: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

/// Why there is no answer.
#[derive(Debug, Clone, Error)]
pub(crate) enum Silence {
    #[error("{MOST_REQUESTS} requests are enough: this one was not made")]
    Enough,
    #[error("the connection is refused")]
    Refused,
    #[error("no connection: {0}")]
    Unreachable(String),
    #[error("TLS: {0}")]
    Tls(rustls::Error),
    #[error("no answer in time")]
    TimedOut,
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// By which port, and whether over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Door {
    pub(crate) is_encrypted: bool,
    pub(crate) port: u16,
}

/// A question.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: Method,
    /// Path and query, sent as it stands.
    path: String,
    headers: Vec<(&'static str, String)>,
    door: Option<Door>,
}

impl Ask {
    /// As a program asks for data.
    pub(crate) fn get(path: &str) -> Self {
        Self::by(Method::GET, path).with("accept", "application/json, */*;q=0.8")
    }

    /// As a browser asks for a page.
    pub(crate) fn page(path: &str) -> Self {
        Self::by(Method::GET, path).with("accept", PAGE)
    }

    /// With a method that changes nothing (RFC 9110 §9.2.1).
    pub(crate) fn by(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), headers: Vec::new(), door: None }
    }

    /// With one more header.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// By another door than the site's own.
    #[must_use]
    pub(crate) fn through(self, door: Door) -> Self {
        Self { door: Some(door), ..self }
    }
}

/// What a TLS handshake agreed on.
pub(crate) struct Handshake {
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) name: ServerName<'static>,
}

/// Connections to the site.
pub(crate) struct Wire {
    pub(crate) target: Target,
    pub(crate) trust: Trust,
    pub(crate) clock: Clock,
    timeout: Duration,
    agent: HeaderValue,
    asked: AtomicUsize,
}

impl Wire {
    pub(crate) fn new(target: Target, options: &Options, clock: Clock) -> Result<Self, Untrusted> {
        let trust = Trust::new(options.authorities.as_deref(), &clock)?;
        let agent = format!("cloakroom-doctor/{}", options.version);
        let agent = HeaderValue::from_str(&agent).unwrap_or(HeaderValue::from_static("cloakroom-doctor"));
        Ok(Self { target, trust, clock, timeout: options.timeout, agent, asked: AtomicUsize::new(0) })
    }

    /// The site's own door.
    pub(crate) fn door(&self) -> Door {
        Door { is_encrypted: self.target.is_https(), port: self.target.port() }
    }

    /// Requests so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed).min(MOST_REQUESTS)
    }

    /// Shakes hands over TLS by the site's own door, and asks for nothing.
    pub(crate) async fn shake_hands(&self) -> Result<Handshake, Silence> {
        self.count()?;
        let shaking = async {
            let stream = self.encrypt(self.connect(self.door().port).await?).await?;
            let (_, session) = stream.get_ref();
            let chain = session.peer_certificates().unwrap_or_default();
            let chain = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
            Ok(Handshake { version: session.protocol_version(), chain, name: self.name()? })
        };
        timeout(self.timeout, shaking).await.unwrap_or(Err(Silence::TimedOut))
    }

    /// Asks, and reads the answer.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, Silence> {
        self.count()?;
        let asking = async {
            let door = ask.door.unwrap_or_else(|| self.door());
            let stream = self.connect(door.port).await?;
            if door.is_encrypted {
                self.exchange(self.encrypt(stream).await?, ask, door).await
            } else {
                self.exchange(stream, ask, door).await
            }
        };
        timeout(self.timeout, asking).await.unwrap_or(Err(Silence::TimedOut))
    }

    fn count(&self) -> Result<(), Silence> {
        let before = self.asked.fetch_add(1, Ordering::Relaxed);
        if before < MOST_REQUESTS { Ok(()) } else { Err(Silence::Enough) }
    }

    async fn connect(&self, port: u16) -> Result<TcpStream, Silence> {
        let host = self.target.bare_host();
        // RFC 6761 §6.3: not asked of anybody.
        let connected = if host == "localhost" || host.ends_with(".localhost") {
            match TcpStream::connect(("127.0.0.1", port)).await {
                Ok(stream) => Ok(stream),
                Err(refused) => TcpStream::connect(("::1", port)).await.map_err(|_| refused),
            }
        } else {
            TcpStream::connect((host, port)).await
        };
        let stream = connected.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => Silence::Refused,
            io::ErrorKind::TimedOut => Silence::TimedOut,
            _ => Silence::Unreachable(error.to_string()),
        })?;
        drop(stream.set_nodelay(true));
        Ok(stream)
    }

    fn name(&self) -> Result<ServerName<'static>, Silence> {
        ServerName::try_from(self.target.bare_host().to_owned())
            .map_err(|error| Silence::Unreachable(error.to_string()))
    }

    async fn encrypt(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Silence> {
        self.trust.connector.connect(self.name()?, stream).await.map_err(|error| {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).cloned();
            inner.map_or_else(|| Silence::Broken(error.to_string()), Silence::Tls)
        })
    }

    async fn exchange<S>(&self, stream: S, ask: Ask, door: Door) -> Result<Answer, Silence>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |error: hyper::Error| Silence::Broken(innermost(&error));
        let asked = format!("{} {}", ask.method, ask.path);
        let request = self.request(ask, door)?;
        let (mut sender, connection) =
            http1::Builder::new().max_buf_size(LARGEST_HEAD).handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends when the sender and the body are dropped.
        tokio::spawn(connection);
        let asked_at = self.clock.now();
        let response = sender.send_request(request).await.map_err(broken)?;
        let head_at = self.clock.now();
        let (head, mut incoming) = response.into_parts();
        let (mut body, mut pieces) = (Vec::new(), Vec::new());
        while let Some(frame) = incoming.frame().await {
            let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
            let room = LARGEST_BODY.saturating_sub(body.len());
            body.extend(data.iter().take(room));
            pieces.push((self.clock.steady(), body.len()));
            if data.len() >= room {
                break;
            }
        }
        Ok(Answer { asked, status: head.status, headers: head.headers, body, pieces, asked_at, head_at })
    }

    fn request(&self, ask: Ask, door: Door) -> Result<Request<Empty<Bytes>>, Silence> {
        let unsendable = |error: http::Error| Silence::Broken(error.to_string());
        // By its parts: a path such as `//auth/login` is no URI of its own.
        let path: PathAndQuery = ask.path.parse().map_err(|error| unsendable(http::Error::from(error)))?;
        let uri = Uri::builder().path_and_query(path).build().map_err(unsendable)?;
        let usual = if door.is_encrypted { 443 } else { 80 };
        let host = self.target.host();
        let host = if door.port == usual { host.to_owned() } else { format!("{host}:{}", door.port) };
        let mut request = Request::new(Empty::new());
        *request.method_mut() = ask.method;
        *request.uri_mut() = uri;
        let headers = request.headers_mut();
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| unsendable(error.into()));
        headers.insert(HOST, value(&host)?);
        headers.insert(USER_AGENT, self.agent.clone());
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        for (name, text) in &ask.headers {
            headers.insert(HeaderName::from_static(name), value(text)?);
        }
        Ok(request)
    }
}

/// What an error says at its end: hyper's own words name only what it was doing.
fn innermost(error: &hyper::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// A way to a server that answers every request like this, for as long as somebody reads.
    async fn to(answer: &'static [u8], is_endless: bool) -> Wire {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let target = Target::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let read = stream.read(&mut [0; 4096]).await;
                    let mut written = read.is_ok() && stream.write_all(answer).await.is_ok();
                    while is_endless && written {
                        written = stream.write_all(&[b'x'; 4096]).await.is_ok();
                    }
                });
            }
        });
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let pem =
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(authority.der()));
        let options =
            Options { authorities: Some(pem.into_bytes()), timeout: Duration::from_mins(1), ..Options::default() };
        Wire::new(target, &options, Clock::new(|| std::time::UNIX_EPOCH)).unwrap()
    }

    #[tokio::test]
    async fn no_more_is_asked_than_was_promised() {
        let wire = to(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n", false).await;
        for _ in 0..MOST_REQUESTS {
            assert!(wire.ask(Ask::get("/")).await.is_ok());
        }
        assert!(matches!(wire.ask(Ask::get("/")).await, Err(Silence::Enough)));
        assert!(matches!(wire.shake_hands().await, Err(Silence::Enough)));
        assert_eq!(wire.asked(), MOST_REQUESTS);
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_read_to_a_bound() {
        let wire = to(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", true).await;
        let Ok(answer) = wire.ask(Ask::get("/")).await else { panic!("no answer") };
        assert_eq!(answer.body.len(), LARGEST_BODY);
        let wire = to(b"HTTP/1.1 200 OK\r\nx: ", true).await;
        assert!(matches!(wire.ask(Ask::get("/")).await, Err(Silence::Broken(_))));
    }

    #[tokio::test]
    async fn a_path_is_sent_as_it_stands() {
        let wire = to(b"HTTP/1.1 204 No Content\r\n\r\n", false).await;
        for path in ["//auth/login", "/auth/./login", "/auth/%2e%2e/", "/auth;x/login"] {
            let Ok(request) = wire.request(Ask::get(path), wire.door()) else { panic!("{path} is not sent") };
            assert_eq!(request.uri().to_string(), path);
        }
    }
}
