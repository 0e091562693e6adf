//! The one port of the world: TLS for every name, and in clear for who came without it, because then the network is the
//! attacker's. Every request is recorded with its answer before anybody sees the answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::World;
use super::cache::is_authorized;
use super::certificate::Certificate;
use super::names::Whose;
use super::wire::{Seen, cut};

/// No request of this world is larger.
const LARGEST_BODY: usize = 1 << 20;

/// The first byte of a TLS record that begins a handshake (RFC 8446 5.1).
const HANDSHAKE: u8 = 0x16;

/// The header that names a request in the victims' audit log.
const REQUEST: &str = "x-lab-request";

/// The header by which the attacker's own machine shows that it is no browser of the victim's. Browsers cannot send it
/// across origins without being allowed to, and no server allows it.
pub(super) const ELSEWHERE: &str = "x-lab-elsewhere";

/// What is needed to accept connections.
pub(super) struct Door {
    listener: TcpListener,
    tls: TlsAcceptor,
}

impl Door {
    /// Opens a free port on loopback.
    pub(super) async fn open(certificate: &Certificate) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(certificate.chain.clone(), certificate.key.clone_key())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port on 127.0.0.1")?;
        Ok(Self { listener, tls: TlsAcceptor::from(Arc::new(config)) })
    }

    pub(super) fn port(&self) -> Result<u16> {
        Ok(self.listener.local_addr()?.port())
    }

    /// Serves until the world is dropped.
    pub(super) async fn serve(self, world: std::sync::Weak<World>) {
        while let Ok((stream, _)) = self.listener.accept().await {
            let (tls, world) = (self.tls.clone(), world.clone());
            // A browser that hangs up in the middle is nobody's fault.
            tokio::spawn(async move { drop(connection(stream, tls, world).await) });
        }
    }
}

async fn connection(stream: TcpStream, tls: TlsAcceptor, world: std::sync::Weak<World>) -> Result<()> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    if first == [HANDSHAKE] {
        speak(tls.accept(stream).await?, world, "https").await
    } else {
        speak(stream, world, "http").await
    }
}

async fn speak<S>(stream: S, world: std::sync::Weak<World>, scheme: &'static str) -> Result<()>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let world = world.upgrade();
        async move {
            let Some(world) = world else { return Ok(plain(StatusCode::SERVICE_UNAVAILABLE, "the world has ended")) };
            Ok::<_, Infallible>(answer(&world, request, scheme).await)
        }
    });
    hyper::server::conn::http1::Builder::new()
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await?;
    Ok(())
}

async fn answer(world: &Arc<World>, request: Request<Incoming>, scheme: &'static str) -> Response<Full<Bytes>> {
    let (mut parts, body) = request.into_parts();
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "too large");
    };
    let body = body.to_bytes();
    let id = world.next_request();
    let from_elsewhere = parts.headers.remove(ELSEWHERE).is_some();
    parts.headers.remove(REQUEST);
    let mut seen = Seen {
        id: id.clone(),
        at: Instant::now(),
        server: "nobody",
        scheme,
        method: parts.method.clone(),
        host: host.clone(),
        path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: parts.headers.clone(),
        body: cut(&String::from_utf8_lossy(&body)),
        status: 0,
        answer: http::HeaderMap::new(),
        from_elsewhere,
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        parts.headers.insert(REQUEST, value);
    }
    let request = Request::from_parts(parts, body);
    let whose = world.names.whose(&host);
    seen.server = if scheme == "http" { "network attacker" } else { whose.as_ref().map_or("nobody", Whose::word) };
    let answer = match whose {
        _ if scheme == "http" => world.network.answer(&request),
        Some(Whose::Evil) => world.evil.answer(&request),
        Some(Whose::Sibling) => world.sibling.answer(&request),
        Some(Whose::Cdn) => world.cdn.answer(&request),
        Some(Whose::Provider) => world.bank.answer("idp", request).await,
        Some(Whose::App(label)) => {
            let known = world.allowed.preflight(&request).or_else(|| world.cache.look_up(&host, &request));
            if let Some(known) = known {
                world.allowed.open(known)
            } else {
                let (path, is_get) = (request.uri().path().to_owned(), request.method() == http::Method::GET);
                let authorized = is_authorized(&request);
                let answer = world.application(&label, request, from_elsewhere).await;
                world.cache.keep(&host, &path, is_get, authorized, &answer);
                world.allowed.open(answer)
            }
        }
        None => {
            let mut answer = Response::new(Bytes::from_static(b"nobody has this name"));
            *answer.status_mut() = StatusCode::NOT_FOUND;
            answer
        }
    };
    seen.status = answer.status().as_u16();
    seen.answer = answer.headers().clone();
    world.wire.record(seen);
    answer.map(Full::new)
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *answer.status_mut() = status;
    answer
}
