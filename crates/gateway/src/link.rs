//! The way to one upstream: its connections, its address, and how many requests wait for it.

use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, Version};
use hyper::body::Incoming;
use rustls::pki_types::ServerName;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::error::{Error, Reason};
use crate::limits::Limits;
use crate::pool::{Door, Failure, Lease, Pool};
use crate::problem::Problem;
use crate::readings::prefix_len;
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
    /// Base path without a slash at its end.
    base: String,
    pool: Arc<Pool>,
    pending: AtomicUsize,
    max_pending: usize,
}

impl Link {
    /// `tls` is needed for `https`. `None` if the upstream's URL is not what [`crate::Routes::new`] accepts.
    pub(crate) fn new(
        upstream: &Upstream,
        to: &Url,
        limits: &Limits,
        tls: Option<&Arc<rustls::ClientConfig>>,
    ) -> Option<Self> {
        let named = to.host_str()?;
        let host = named.trim_start_matches('[').trim_end_matches(']').to_owned();
        let authority = to.port().map_or_else(|| named.to_owned(), |port| format!("{named}:{port}"));
        let tls = match to.scheme() {
            "https" => Some((TlsConnector::from(Arc::clone(tls?)), ServerName::try_from(host.clone()).ok()?)),
            _ => None,
        };
        let times = &upstream.timeouts;
        let connect_for = times.connect_for.unwrap_or(limits.connect_for);
        Some(Self {
            answer_for: times.answer_for.unwrap_or(limits.answer_for),
            idle_for: times.idle_for.unwrap_or(limits.idle_for),
            host: HeaderValue::from_str(&authority).ok()?,
            prefix: if upstream.strip_prefix { HeaderValue::from_str(&upstream.path).ok() } else { None },
            base: to.path().trim_end_matches('/').to_owned(),
            pool: Pool::new(Door { host, port: to.port_or_known_default()?, connect_for, tls }, limits),
            pending: AtomicUsize::new(0),
            max_pending: limits.max_pending,
            upstream: upstream.clone(),
        })
    }

    /// Makes the target the upstream's, in origin form. The path stays byte for byte what it was, except for the cut
    /// prefix and the base before it.
    pub(crate) fn aim(&self, target: &mut Uri) -> Result<(), Problem> {
        let as_it_is = self.base.is_empty() && !self.upstream.strip_prefix;
        if as_it_is && target.authority().is_none() {
            return Ok(());
        }
        let same = target.path_and_query().filter(|path| as_it_is && path.as_str().starts_with('/')).cloned();
        *target = Uri::from(match same {
            Some(path) => path,
            None => self.rebased(target)?,
        });
        Ok(())
    }

    /// Sends, and waits for the head of the answer. `progress` is that of the request's body, if it has one.
    pub(crate) async fn send(
        &self,
        mut request: Request<Upload>,
        progress: Option<&Progress>,
    ) -> Result<(Response<Incoming>, Lease), Problem> {
        let waiting = self.pending.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.pending);
        if waiting >= self.max_pending {
            return Err(Problem::Overloaded);
        }
        *request.version_mut() = Version::HTTP_11;
        let answer = self.pool.send(request);
        let answer = match progress {
            None => tokio::time::timeout(self.answer_for, answer).await.map_err(|_| Problem::UpstreamTimeout)?,
            Some(progress) => Box::pin(self.while_moving(answer, progress)).await?,
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

/// Who made a request fail before its answer began.
fn blame(failure: &Failure) -> Problem {
    let error = match failure {
        Failure::Connect(error) if error.kind() == std::io::ErrorKind::TimedOut => return Problem::UpstreamTimeout,
        Failure::Connect(_) => return Problem::UpstreamUnreachable,
        Failure::Exchange(error) => error,
    };
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(upload) = cause.downcast_ref::<Error>() {
            return match upload.reason() {
                Reason::TooLarge => Problem::BodyTooLarge,
                Reason::Idle => Problem::SlowBody,
                Reason::Broken | Reason::SessionEnded => Problem::BrokenBody,
            };
        }
        source = cause.source();
    }
    Problem::UpstreamFailed
}
