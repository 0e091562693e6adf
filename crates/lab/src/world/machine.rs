//! Another machine: no browser, no cookie jar, nothing but what the attacker carried away. It speaks TLS to the world as
//! anybody could.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::door::ELSEWHERE;

/// No answer that anybody here looks at is larger.
const LARGEST_ANSWER: usize = 4 << 20;

/// A machine somewhere else.
pub(crate) struct Machine {
    tls: TlsConnector,
    port: u16,
}

impl Machine {
    pub(super) fn new(authority: CertificateDer<'static>, port: u16) -> Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), port })
    }

    /// Sends one request to a host of the world, and gives the whole answer.
    pub(crate) async fn send(
        &self,
        host: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> Result<Response<String>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let stream = self.tls.connect(ServerName::try_from(host.to_owned())?, stream).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender; what went wrong shows in the answer.
        tokio::spawn(async move { drop(connection.await) });
        let mut request = Request::builder().method(Method::from_bytes(method.as_bytes())?).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Full::new(Bytes::from(body.into())))?;
        request.headers_mut().insert(HOST, HeaderValue::from_str(&format!("{host}:{}", self.port))?);
        request.headers_mut().insert(ELSEWHERE, HeaderValue::from_static("1"));
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| anyhow::anyhow!(error));
        let body = body.context("reading the answer")?.to_bytes();
        Ok(Response::from_parts(parts, String::from_utf8_lossy(&body).into_owned()))
    }
}
