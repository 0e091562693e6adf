//! A server on a free port of loopback, in clear or with a certificate that nobody vouches for.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A request, read.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    pub(crate) port: u16,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// An answer: status, headers, body.
pub(crate) type Answer = (u16, Vec<(&'static str, String)>, String);

pub(crate) struct Server {
    origin: String,
    requests: Arc<Mutex<Vec<String>>>,
    _serving: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn open(
        scheme: &str,
        host: &str,
        site: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = (scheme == "https").then(|| acceptor(host));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (site, seen) = (Arc::new(site), Arc::clone(&requests));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (site, seen, tls) = (Arc::clone(&site), Arc::clone(&seen), tls.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (site, seen) = (Arc::clone(&site), Arc::clone(&seen));
                    async move { Ok::<_, Infallible>(answer(&*site, &seen, port, request).await) }
                });
                tokio::spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    match tls {
                        Some(tls) => {
                            let Ok(stream) = tls.accept(stream).await else { return };
                            drop(http.serve_connection(TokioIo::new(stream), service).await);
                        }
                        None => drop(http.serve_connection(TokioIo::new(stream), service).await),
                    }
                });
            }
        });
        Self { origin: format!("{scheme}://{host}:{port}"), requests, _serving: serving }
    }

    pub(crate) fn origin(&self) -> String {
        self.origin.clone()
    }

    /// Method and path of everything that was asked for.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn answer(
    site: &(impl Fn(&Asked) -> Answer + Send + Sync),
    seen: &Mutex<Vec<String>>,
    port: u16,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned();
    let asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        port,
    };
    seen.lock().unwrap().push(format!("{} {}", asked.method, asked.path));
    let (status, headers, body) = site(&asked);
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().append(HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap());
    }
    response
}

fn acceptor(host: &str) -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(vec![host.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
