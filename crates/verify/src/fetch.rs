//! The HTTP client: one question, one bounded answer, within a time. Follows no redirect (a redirect is a failure), keeps
//! no cookie, reads no proxy from the environment.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};

/// No document is read beyond this, in bytes.
pub(crate) const MAX_DOCUMENT: usize = 1024 * 1024;
const CONNECT_FOR: Duration = Duration::from_secs(5);
/// A whole document, or the head of a stream.
const ANSWER_FOR: Duration = Duration::from_secs(5);
/// After a cut, a kept connection looks alive for minutes: only what was used just now is used again.
const KEEP_FOR: Duration = Duration::from_secs(2);

/// Asks.
#[derive(Clone)]
pub(crate) struct Http(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// An answer, whole.
pub(crate) struct Document {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there was no answer. Carries neither address nor header nor body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("no connection or no answer: {0}")]
    Exchange(String),
    #[error("no answer in time")]
    Late,
    #[error("answered {0}")]
    Status(StatusCode),
    #[error("answered with a redirect ({0}), which is not followed: configure the address that it leads to")]
    Redirect(StatusCode),
    #[error("the document is too large")]
    TooLarge,
}

impl Http {
    /// Trusts `roots`, or the machine's where there are none. Those are read only if something is asked over https: a
    /// container that has no certificates can still follow an issuer beside it.
    pub(crate) fn new(roots: Option<RootCertStore>, is_https: bool) -> Result<Self, std::io::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?;
        let tls = match roots {
            Some(roots) => tls.with_root_certificates(roots),
            None if is_https => tls.with_native_roots()?,
            None => tls.with_root_certificates(RootCertStore::empty()),
        };
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_FOR));
        tcp.set_keepalive(Some(Duration::from_mins(1)));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(KEEP_FOR).pool_max_idle_per_host(1);
        Ok(Self(client.build(connector)))
    }

    /// A whole document of at most [`MAX_DOCUMENT`] bytes.
    pub(crate) async fn document(&self, request: Request<Full<Bytes>>) -> Result<Document, FetchError> {
        let reading = async { collected(self.head(request).await?).await };
        tokio::time::timeout(ANSWER_FOR, reading).await.map_err(|_| FetchError::Late)?
    }

    /// The head of an answer whose body is a stream. Only 200 is one.
    pub(crate) async fn stream(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, FetchError> {
        tokio::time::timeout(ANSWER_FOR, self.head(request)).await.map_err(|_| FetchError::Late)?
    }

    async fn head(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, FetchError> {
        let response = self.0.request(request).await.map_err(|error| FetchError::Exchange(chain(&error)))?;
        match response.status() {
            status if status.is_redirection() => Err(FetchError::Redirect(status)),
            status if !status.is_success() => Err(FetchError::Status(status)),
            _ => Ok(response),
        }
    }
}

/// Reads the rest of an answer.
pub(crate) async fn collected(response: Response<Incoming>) -> Result<Document, FetchError> {
    let (head, body) = response.into_parts();
    let read = Limited::new(body, MAX_DOCUMENT).collect().await;
    let body = read.map_err(|error| match error.downcast_ref::<hyper::Error>() {
        Some(error) => FetchError::Exchange(chain(error)),
        None => FetchError::TooLarge,
    })?;
    Ok(Document { headers: head.headers, body: body.to_bytes() })
}

impl Document {
    /// How long the sender says that it is fresh (RFC 9111 §5.2.2); zero when it is not to be kept, `None` when it does
    /// not say.
    pub(crate) fn max_age(&self) -> Option<Duration> {
        let lines = self.headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
        let mut max_age = None;
        for directive in lines.flat_map(|line| line.split(',')) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" => return Some(Duration::ZERO),
                "max-age" => max_age = value.trim().trim_matches('"').parse().ok().map(Duration::from_secs),
                _ => {}
            }
        }
        max_age
    }
}

/// Whether an answer is of this media type, whatever its parameters.
pub(crate) fn is_of_type(headers: &HeaderMap, wanted: &str) -> bool {
    let line = headers.get(CONTENT_TYPE).and_then(|line| line.to_str().ok()).unwrap_or_default();
    line.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(wanted))
}

/// An error with its causes: hyper's own text alone says only "client error (Connect)".
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_age_is_read_as_rfc_9111_writes_it() {
        let max_age = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CACHE_CONTROL, http::HeaderValue::from_static(line));
            }
            Document { headers, body: Bytes::new() }.max_age().map(|age| age.as_secs())
        };
        assert_eq!(max_age(&[]), None);
        assert_eq!(max_age(&["public, max-age=300"]), Some(300));
        assert_eq!(max_age(&["public", "Max-Age=\"5\""]), Some(5));
        assert_eq!(max_age(&["max-age=300, no-store"]), Some(0));
        assert_eq!(max_age(&["no-cache"]), Some(0));
        assert_eq!(max_age(&["max-age=-1", "s-maxage=9"]), None);
    }
}
