//! One connection, held open: HTTP/1.1 or HTTP/2, plain or TLS.

use crate::deadline::soon;
use crate::upstream::Body;
use crate::visitor::{Answer, full};
use http::Request;
use http_body_util::BodyExt as _;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An open connection.
pub(crate) enum Line {
    One(http1::SendRequest<Body>),
    Two(http2::SendRequest<Body>),
}

/// Opens a TLS connection to a port of this machine, as `localhost`, believing this certificate only.
pub(crate) async fn encrypted(
    port: u16,
    certificate: CertificateDer<'static>,
    protocol: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost").unwrap();
    soon("TLS is agreed on", TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

impl Line {
    /// Opens a plain one over HTTP/1.1.
    pub(crate) async fn plain(port: u16) -> Self {
        Self::one(TcpStream::connect(("127.0.0.1", port)).await.unwrap()).await
    }

    /// HTTP/1.1 over an open stream.
    pub(crate) async fn one(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (line, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self::One(line)
    }

    /// HTTP/2 over an open stream.
    pub(crate) async fn two(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        let (line, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self::Two(line)
    }

    /// Sends one request with an empty body over this connection and no other.
    pub(crate) async fn get(&mut self, url: &str, headers: &[(&str, &str)]) -> hyper::Result<Answer> {
        let url: http::Uri = url.parse().unwrap();
        let mut request = Request::builder();
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match self {
            Self::One(line) => {
                let host = url.authority().unwrap().as_str();
                let request = request.header("host", host).uri(url.path()).body(full("")).unwrap();
                soon("there is an answer", line.send_request(request)).await?
            }
            Self::Two(line) => {
                soon("there is an answer", line.send_request(request.uri(url).body(full("")).unwrap())).await?
            }
        };
        let (parts, body) = response.into_parts();
        let body = soon("the answer is whole", body.collect()).await?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}
