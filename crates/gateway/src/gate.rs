//! What the gateway asks of its owner: who passes, which cookies are the owner's, and would you like to count this.

use std::future::Future;
use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderValue, Response, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::body::Body;
use crate::hold::Hold;
use crate::inbound::Inbound;
use crate::problem::Problem;
use crate::step_up::StepUpRule;
use crate::upstream::Upstream;

/// Decides about requests. Called once per request that has a route, `Access::Public` included, before anything is
/// removed from its headers.
pub trait Gate: Send + Sync + 'static {
    /// Lets a request pass, or answers it. `rule` is the one of the upstream's that asks for an approval of this very call,
    /// upgrades included. It may look at the body, or read all of it: what it has seen is what is forwarded.
    fn admit(
        &self,
        request: &Parts,
        body: &mut Inbound,
        upstream: &Upstream,
        rule: Option<&StepUpRule>,
        client: ClientInfo,
    ) -> impl Future<Output = Admission> + Send;

    /// Whether a cookie of this exact name is never forwarded to an upstream and never set by one.
    fn is_own_cookie(&self, name: &[u8]) -> bool;

    /// Asked when an answer turns out to be an event stream although its request did not say so: for whom it was let in is
    /// [`Identity::subject`]. Gives what ends it, and what is dropped with it.
    fn open_stream(&self, _subject: &Hold) -> Option<(CancellationToken, Hold)> {
        None
    }

    /// Told about every answer when its head is ready. For counters; must not block.
    fn observe(&self, _seen: &Seen<'_>) {}
}

/// The gate's answer.
#[derive(Debug)]
pub enum Admission {
    /// Forward it, as this identity.
    Pass(Identity),
    /// Do not forward it; this is the answer.
    Answer(Response<Body>),
}

/// As whom a request is forwarded. The default is nobody.
#[derive(Clone, Default)]
pub struct Identity {
    /// The `Authorization` that the upstream gets, such as `Bearer …` for its audience. It is marked sensitive.
    /// With `None` a client's own `Authorization` passes only on a public route.
    pub authorization: Option<HeaderValue>,
    /// Whether what the client sent as `Authorization` is a secret of the owner's, which not even a public route's
    /// upstream gets.
    pub keep_authorization: bool,
    /// The token that a plain form of the upstream's page must carry to be let in again; sent to it as
    /// `Cloakroom-Form-Token`. `None` where no page is asked for.
    pub form_token: Option<HeaderValue>,
    /// Whether the owner alone says which pages may read the answer: what the upstream says of it
    /// (`Access-Control-Allow-*`) goes.
    pub closes_cors: bool,
    /// The address of whoever it is, for another proxy that carries the request ([`crate::Gateway::judge`]); nothing that is forwarded
    /// from here carries it but in a token.
    pub address: Option<HeaderValue>,
    /// Whether a session was found; the answer is then personal.
    pub authenticated: bool,
    /// Cancelled when the session ends: streams and tunnels of this request end with it.
    pub ended: Option<CancellationToken>,
    /// Whoever it is, in the gate's own terms, for [`Gate::open_stream`].
    pub subject: Option<Hold>,
    /// Dropped when the answer has ended, streams and tunnels included: how the gate learns of it.
    pub hold: Option<Hold>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("authenticated", &self.authenticated).finish_non_exhaustive()
    }
}

/// Who is asking, as the caller worked it out from the connection and, behind trusted proxies, from their headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The client's address.
    pub address: IpAddr,
    /// Whether the client speaks TLS to us, or to the trusted proxy before us.
    pub https: bool,
    /// The host that the client named to a trusted proxy, with its port if it is not the scheme's own. `None`: the
    /// request's own host counts.
    pub host: Option<HeaderValue>,
    /// What the caller has cut off the beginning of the path: upstreams learn it from `X-Forwarded-Prefix`.
    pub prefix: Option<HeaderValue>,
}

/// One answered request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// [`Upstream::name`] if a route was found.
    pub upstream: Option<&'a str>,
    /// Status of the answer.
    pub status: StatusCode,
    /// Who made the answer.
    pub outcome: Outcome,
}

/// Who made an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream.
    Forwarded,
    /// The upstream, by switching protocols: a tunnel is open.
    Tunnelled,
    /// The gate.
    Gate,
    /// The gateway itself, because of this.
    Refused(Problem),
}
