//! The tower layer: lets in requests with a good token, and hands the token on in the request's extensions. Answers the
//! others itself. A token seen before is judged on the spot; only a new one is waited for.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::TryFutureExt as _;
use futures_util::future::{BoxFuture, Either, MapOk};
use http::{Request, Response};
use http_body_util::{Either as EitherBody, Full};
use tower::{Layer, Service};

use crate::problem::Refusal;
use crate::token::AccessToken;
use crate::verifier::Verifier;

/// Puts [`Verify`] in front of a service.
#[derive(Clone, Debug)]
pub struct VerifyLayer {
    verifier: Verifier,
    scope: Option<Arc<str>>,
}

impl VerifyLayer {
    /// Every request needs a good token.
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier, scope: None }
    }

    /// And every one of these scopes, written with spaces between.
    #[must_use]
    pub fn require_scope(mut self, scope: &str) -> Self {
        self.scope = Some(scope.into());
        self
    }
}

impl<S> Layer<S> for VerifyLayer {
    type Service = Verify<S>;

    fn layer(&self, inner: S) -> Verify<S> {
        Verify { inner, verifier: self.verifier.clone(), scope: self.scope.clone() }
    }
}

/// The service behind it sees only requests with a good token: an [`AccessToken`] is in their extensions.
#[derive(Clone, Debug)]
pub struct Verify<S> {
    inner: S,
    verifier: Verifier,
    scope: Option<Arc<str>>,
}

/// The answer of the service, or a refusal.
pub type Answer<R> = Response<EitherBody<Full<Bytes>, R>>;

/// Of a token seen before: the service's own future. Else boxed.
pub type Answering<F, R, E> = Either<MapOk<F, fn(Response<R>) -> Answer<R>>, BoxFuture<'static, Result<Answer<R>, E>>>;

impl<S, B, R> Service<Request<B>> for Verify<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Send + 'static,
    R: Send + 'static,
{
    type Response = Answer<R>;
    type Error = S::Error;
    type Future = Answering<S::Future, R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let let_in: fn(Response<R>) -> Answer<R> = |response| response.map(EitherBody::Right);
        if let Some(judged) = self.verifier.authenticate_known(request.headers()) {
            return match admit(judged, self.scope.as_deref(), &mut request) {
                Ok(()) => Either::Left(self.inner.call(request).map_ok(let_in)),
                Err(refusal) => Either::Right(std::future::ready(Ok(answer(&refusal))).boxed()),
            };
        }
        // The one that was polled ready is the one that is called (tower's documentation of `Service`).
        let other = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, other);
        let (verifier, scope) = (self.verifier.clone(), self.scope.clone());
        let waiting = async move {
            // The future must not hold `&request`: its body need not be `Sync`.
            let headers = std::mem::take(request.headers_mut());
            let judged = verifier.authenticate(&headers).await;
            *request.headers_mut() = headers;
            match admit(judged, scope.as_deref(), &mut request) {
                Ok(()) => inner.call(request).await.map(let_in),
                Err(refusal) => Ok(answer(&refusal)),
            }
        };
        Either::Right(waiting.boxed())
    }
}

fn admit<B>(
    judged: Result<AccessToken, Refusal>,
    scope: Option<&str>,
    request: &mut Request<B>,
) -> Result<(), Refusal> {
    let token = judged?;
    scope.map_or(Ok(()), |scope| token.require_scope(scope))?;
    request.extensions_mut().insert(token);
    Ok(())
}

fn answer<R>(refusal: &Refusal) -> Answer<R> {
    refusal.response().map(EitherBody::Left)
}
