//! The way to the site itself: one connection for each request, HTTP/1.1. On this machine any certificate will do, elsewhere
//! only one that this machine trusts.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsConnector;
use url::Url;

use crate::target::is_loopback;

/// How long a connection may take to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// How long an answer to one of our own requests may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Of an answer to one of our own requests no more than this is read.
const LARGEST_ANSWER: usize = 2 << 20;

/// Fields that belong to one connection (RFC 9110 7.6.1).
pub(super) const HOP_BY_HOP: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "proxy-authorization", "te", "transfer-encoding"];

/// Connects to hosts.
pub(crate) struct Upstream {
    strict: TlsConnector,
    lenient: TlsConnector,
}

/// An answer to a request of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Upstream {
    pub(super) fn new() -> Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let builder =
            || ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let strict = builder()?.with_root_certificates(roots).with_no_client_auth();
        let any = Arc::new(AnyCertificate(Arc::clone(&provider)));
        let lenient = builder()?.dangerous().with_custom_certificate_verifier(any).with_no_client_auth();
        let connector = |mut config: ClientConfig| {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        Ok(Self { strict: connector(strict), lenient: connector(lenient) })
    }

    /// A connection to a host and port, without TLS.
    pub(super) async fn connect(host: &str, port: u16) -> Result<TcpStream> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let connecting = async {
            // RFC 6761 6.3: not asked of anybody.
            if host == "localhost" || host.ends_with(".localhost") {
                return match TcpStream::connect(("127.0.0.1", port)).await {
                    Ok(stream) => Ok(stream),
                    Err(_) => TcpStream::connect(("::1", port)).await,
                };
            }
            TcpStream::connect((host, port)).await
        };
        let connected = timeout(CONNECT_WITHIN, connecting).await.context("no connection in time");
        connected?.with_context(|| format!("no connection to {host}:{port}"))
    }

    /// Sends a request to where its URL says, and gives the answer as it comes in. `HOST` is as it was.
    pub(super) async fn send(&self, url: &Url, request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
        let host = url.host_str().context("no host")?;
        let port = url.port_or_known_default().context("no port")?;
        let stream = Self::connect(host, port).await?;
        if url.scheme() == "https" {
            let tls = if is_loopback(host) { &self.lenient } else { &self.strict };
            let name = ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']').to_owned())?;
            let stream = timeout(CONNECT_WITHIN, tls.connect(name, stream)).await.context("no TLS in time")?;
            return exchange(stream.with_context(|| format!("TLS with {host}"))?, request).await;
        }
        exchange(stream, request).await
    }

    /// Sends a request of our own, with exactly these headers beside `Host`, and reads the whole answer.
    pub(crate) async fn ask(&self, method: &Method, url: &Url, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = Request::builder().method(method.clone()).uri(path(url)).body(Full::default())?;
        for (name, value) in headers {
            request.headers_mut().append(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
        request.headers_mut().insert(HOST, HeaderValue::from_str(&authority(url))?);
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let answering = async {
            let (parts, body) = self.send(url, request).await?.into_parts();
            let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| anyhow!(error))?.to_bytes();
            Ok(Answer { status: parts.status, headers: parts.headers, body: body.to_vec() })
        };
        timeout(ANSWER_WITHIN, answering).await.context("no answer in time")?
    }
}

/// Host and port, as they stand in `Host`.
pub(super) fn authority(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or_default())
}

/// Path and query, as they stand in the first line of a request.
pub(super) fn path(url: &Url) -> String {
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Incoming>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::Builder::new().preserve_header_case(true).handshake(TokioIo::new(stream)).await?;
    // It ends with the answer; what went wrong shows there.
    tokio::spawn(async move { drop(connection.with_upgrades().await) });
    Ok(sender.send_request(request).await?)
}

/// On this machine nobody vouches for anybody. Signatures are checked all the same.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
