//! Connections of the browser: a tunnel to an audited host is opened and recorded, one to anywhere else is passed on unread.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError};

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, UPGRADE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::upstream::{HOP_BY_HOP, Upstream, authority, path};
use super::{Head, Shared};

/// No request of an audit is larger.
const LARGEST_REQUEST: usize = 16 << 20;

/// The first byte of a TLS record that begins a handshake (RFC 8446 5.1).
const HANDSHAKE: u8 = 0x16;

type Body = BoxBody<Bytes, hyper::Error>;

/// Serves until the listener fails.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(enter(&shared, request).await) }
        });
        // A browser that hangs up in the middle is nobody's fault.
        tokio::spawn(async move { drop(connection(stream, service).await) });
    }
}

async fn connection<S, T>(stream: S, service: T) -> Result<(), hyper::Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    T: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    T::Future: Send,
{
    hyper::server::conn::http1::Builder::new()
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await
}

/// A request to the proxy itself: `CONNECT`, or a whole address in clear (RFC 9112 3.2.2 and 3.2.3).
async fn enter(shared: &Arc<Shared>, request: Request<Incoming>) -> Response<Body> {
    if request.method() != Method::CONNECT {
        let Ok(url) = Url::parse(&request.uri().to_string()) else {
            return plain(StatusCode::BAD_REQUEST, "no address");
        };
        return answer(shared, url, request).await;
    }
    let Some((host, port)) =
        request.uri().authority().map(|to| (to.host().to_ascii_lowercase(), to.port_u16().unwrap_or(443)))
    else {
        return plain(StatusCode::BAD_REQUEST, "no address");
    };
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        drop(tunnel(&shared, upgraded, &host, port).await);
    });
    Response::new(empty())
}

async fn tunnel(shared: &Arc<Shared>, upgraded: Upgraded, host: &str, port: u16) -> Result<()> {
    let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else { return Err(anyhow!("no socket")) };
    // The browser waits for our answer before it says anything.
    if !parts.read_buf.is_empty() {
        return Err(anyhow!("too early"));
    }
    let mut stream = parts.io.into_inner();
    if !shared.target.covers(host) && !shared.is_attacker(host, Some(port)) {
        if !shared.lets_out(host) {
            return Ok(());
        }
        let mut to = Upstream::connect(host, port).await?;
        copy_bidirectional(&mut stream, &mut to).await?;
        return Ok(());
    }
    let mut first = [0];
    stream.peek(&mut first).await?;
    let scheme = if first == [HANDSHAKE] { "https" } else { "http" };
    let base = Url::parse(&format!("{scheme}://{host}:{port}/"))?;
    let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let serving = Arc::clone(shared);
    let service = service_fn(move |request: Request<Incoming>| {
        let (shared, base) = (Arc::clone(&serving), base.clone());
        async move {
            let mut url = base;
            url.set_path(request.uri().path());
            url.set_query(request.uri().query());
            Ok::<_, Infallible>(answer(&shared, url, request).await)
        }
    });
    if scheme == "https" {
        connection(shared.authority.acceptor(&name)?.accept(stream).await?, service).await?;
    } else {
        connection(stream, service).await?;
    }
    Ok(())
}

/// One request, whose whole address is known.
async fn answer(shared: &Arc<Shared>, url: Url, request: Request<Incoming>) -> Response<Body> {
    if shared.is_attacker(url.host_str().unwrap_or_default(), url.port()) {
        let page = shared.page.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut response = Response::new(full(page));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        return response;
    }
    let is_audited = shared.target.covers(url.host_str().unwrap_or_default());
    match forward(shared, url, request).await {
        Ok(response) => response,
        Err(error) => {
            let why = format!("{error:#}");
            if is_audited {
                shared.wire.failed(why.clone());
            }
            plain(StatusCode::BAD_GATEWAY, &format!("cloakroom-lab audit: {why}"))
        }
    }
}

async fn forward(shared: &Arc<Shared>, url: Url, mut request: Request<Incoming>) -> Result<Response<Body>> {
    let upgrading = request.headers().contains_key(UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    let body = Limited::new(body, LARGEST_REQUEST).collect().await.map_err(|error| anyhow!(error))?.to_bytes();
    strip(&mut parts.headers, upgrading.is_some());
    parts.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    parts.headers.insert(HOST, HeaderValue::from_str(&authority(&url))?);

    let host = url.host_str().unwrap_or_default();
    let is_audited = shared.target.covers(host);
    let (number, open) = if is_audited {
        let head =
            Head { method: parts.method.clone(), url: url.clone(), headers: parts.headers.clone(), body: body.clone() };
        let (number, open) = shared.wire.begin(head);
        (number, Some(open))
    } else if shared.lets_out(host) {
        (None, None)
    } else {
        bail!("{host} is not part of this audit, and no answer of the site has named it");
    };
    let mut onward = Request::new(Full::new(body));
    *onward.method_mut() = parts.method;
    *onward.uri_mut() = path(&url).parse()?;
    *onward.headers_mut() = parts.headers;
    let mut response = shared.upstream.send(&url, onward).await?;
    shared.wire.answered(number, response.status(), response.headers());
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let there = hyper::upgrade::on(&mut response);
        let here = upgrading.context("an upgrade that nobody asked for")?;
        tokio::spawn(async move {
            let (Ok(here), Ok(there)) = tokio::join!(here, there) else { return };
            // It ends when one of them hangs up.
            drop(copy_bidirectional(&mut TokioIo::new(here), &mut TokioIo::new(there)).await);
        });
        return Ok(response.map(|_| empty()));
    }
    let (mut parts, body) = response.into_parts();
    strip(&mut parts.headers, false);
    let shared = Arc::clone(shared);
    let is_stream =
        parts.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    // A stream is open for as long as the page likes.
    let open = if is_stream { None } else { open };
    let body = body.map_frame(move |frame| {
        let _under_way = &open;
        if let Some(data) = frame.data_ref() {
            shared.wire.more(number, data);
        }
        frame
    });
    Ok(Response::from_parts(parts, body.boxed()))
}

fn strip(headers: &mut HeaderMap, keeps_upgrade: bool) {
    for name in HOP_BY_HOP {
        if !(keeps_upgrade && name == "connection") {
            headers.remove(name);
        }
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(full(text.to_owned()));
    *response.status_mut() = status;
    response
}

fn full(text: String) -> Body {
    Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed()
}

fn empty() -> Body {
    full(String::new())
}
