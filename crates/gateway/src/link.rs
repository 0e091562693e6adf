//! The way to one upstream: its connections, its address, and how many requests wait for it.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::Instant;

use crate::error::{Error, Reason};
use crate::limits::Limits;
use crate::problem::Problem;
use crate::routes::prefix_len;
use crate::upload::Upload;
use crate::upstream::Upstream;
use crate::watch::Progress;

/// Everything about an upstream that is worked out once.
pub(crate) struct Link {
    pub(crate) upstream: Upstream,
    pub(crate) answer_for: Duration,
    pub(crate) idle_for: Duration,
    /// `Host` for the upstream.
    pub(crate) host: HeaderValue,
    /// `X-Forwarded-Prefix`.
    pub(crate) prefix: Option<HeaderValue>,
    scheme: Scheme,
    authority: Authority,
    /// Base path without a slash at its end.
    base: String,
    sender: Sender,
    pending: AtomicUsize,
    max_pending: usize,
}

/// Plain connections keep clear of the TLS types: that is one branch less per read and write.
enum Sender {
    Plain(Client<HttpConnector, Upload>),
    Tls(Client<HttpsConnector<HttpConnector>, Upload>),
}

impl Link {
    /// `tls` is needed for `https`. `None` if the upstream's URL is not what [`crate::Routes::new`] accepts.
    pub(crate) fn new(upstream: &Upstream, limits: &Limits, tls: Option<&Arc<rustls::ClientConfig>>) -> Option<Self> {
        let to = &upstream.to;
        let host = to.host_str()?;
        let address = to.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let authority = Authority::try_from(address).ok()?;
        let times = &upstream.timeouts;
        let (scheme, sender) = if to.scheme() == "https" {
            let config = rustls::ClientConfig::clone(tls?);
            let connector = HttpsConnectorBuilder::new()
                .with_tls_config(config)
                .https_only()
                .enable_http1()
                .wrap_connector(connector(times.connect_for.unwrap_or(limits.connect_for)));
            (Scheme::HTTPS, Sender::Tls(pool(limits).build(connector)))
        } else {
            let connector = connector(times.connect_for.unwrap_or(limits.connect_for));
            (Scheme::HTTP, Sender::Plain(pool(limits).build(connector)))
        };
        Some(Self {
            answer_for: times.answer_for.unwrap_or(limits.answer_for),
            idle_for: times.idle_for.unwrap_or(limits.idle_for),
            host: HeaderValue::from_str(authority.as_str()).ok()?,
            prefix: if upstream.strip_prefix { HeaderValue::from_str(&upstream.path).ok() } else { None },
            scheme,
            authority,
            base: to.path().trim_end_matches('/').to_owned(),
            sender,
            pending: AtomicUsize::new(0),
            max_pending: limits.max_pending,
            upstream: upstream.clone(),
        })
    }

    /// Where a request goes. The path stays byte for byte what it was, except for the cut prefix and the base before it.
    pub(crate) fn address(&self, target: &Uri) -> Result<Uri, Problem> {
        let as_it_is = target.path_and_query().filter(|path| path.as_str().starts_with('/'));
        let path = match as_it_is {
            Some(path) if self.base.is_empty() && !self.upstream.strip_prefix => path.clone(),
            _ => self.rebased(target)?,
        };
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).map_err(|_| Problem::BadTarget)
    }

    /// Sends, and waits for the head of the answer. `progress` is that of the request's body, if it has one.
    pub(crate) async fn send(
        &self,
        mut request: Request<Upload>,
        progress: Option<&Progress>,
    ) -> Result<Response<Incoming>, Problem> {
        let waiting = self.pending.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.pending);
        if waiting >= self.max_pending {
            return Err(Problem::Overloaded);
        }
        *request.version_mut() = Version::HTTP_11;
        let answer = match &self.sender {
            Sender::Plain(client) => client.request(request),
            Sender::Tls(client) => client.request(request),
        };
        let answer = match progress {
            None => tokio::time::timeout(self.answer_for, answer).await.map_err(|_| Problem::UpstreamTimeout)?,
            Some(progress) => self.while_moving(answer, progress).await?,
        };
        answer.map_err(|error| blame(&error))
    }

    /// The time to answer begins when the request was sent; until then its bytes must keep moving.
    async fn while_moving<T>(&self, answer: impl Future<Output = T>, progress: &Progress) -> Result<T, Problem> {
        let mut answer = std::pin::pin!(answer);
        // One beat more than the upload's own alarm, so that a silent client is blamed by that and not here.
        let patience = self.idle_for + Duration::from_millis(250);
        let mut until = Instant::now() + patience.min(self.answer_for);
        loop {
            if let Ok(answer) = tokio::time::timeout_at(until, answer.as_mut()).await {
                return Ok(answer);
            }
            until = progress.last() + if progress.is_request_done() { self.answer_for } else { patience };
            if until <= Instant::now() {
                return Err(Problem::UpstreamTimeout);
            }
        }
    }

    fn rebased(&self, target: &Uri) -> Result<PathAndQuery, Problem> {
        let cut = if self.upstream.strip_prefix { prefix_len(&self.upstream.path) } else { 0 };
        let rest = target.path().get(cut..).unwrap_or_default();
        let query = target.query();
        let mut path = String::with_capacity(self.base.len() + rest.len() + 2 + query.map_or(0, str::len));
        path.push_str(&self.base);
        path.push_str(rest);
        if path.is_empty() {
            path.push('/');
        }
        if let Some(query) = query {
            path.push('?');
            path.push_str(query);
        }
        PathAndQuery::from_maybe_shared(bytes::Bytes::from(path)).map_err(|_| Problem::BadTarget)
    }
}

/// One request's place among those that wait.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn connector(connect_for: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(connect_for));
    connector
}

/// The pool sends a request again only if its kept connection turned out closed before a byte of the request was
/// written, so nothing can happen twice.
fn pool(limits: &Limits) -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(limits.keep_for)
        .pool_max_idle_per_host(limits.max_idle_connections)
        .retry_canceled_requests(true)
        .set_host(false);
    builder
}

/// Who made a request fail before its answer began.
fn blame(error: &hyper_util::client::legacy::Error) -> Problem {
    let mut timed_out = false;
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(upload) = cause.downcast_ref::<Error>() {
            return match upload.reason() {
                Reason::TooLarge => Problem::BodyTooLarge,
                Reason::Idle => Problem::SlowBody,
                Reason::Broken | Reason::SessionEnded => Problem::BrokenBody,
            };
        }
        timed_out |= cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut);
        source = cause.source();
    }
    match (error.is_connect(), timed_out) {
        (_, true) => Problem::UpstreamTimeout,
        (true, false) => Problem::UpstreamUnreachable,
        (false, false) => Problem::UpstreamFailed,
    }
}
