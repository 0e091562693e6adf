//! A request that another proxy carries: where it would go, and whether it may. The same routes and the same gate as for
//! what is forwarded here, so that no rule means two things.

use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, Method, Response};

use crate::body::Body;
use crate::cookies;
use crate::forward::find;
use crate::gate::{Admission, ClientInfo, Gate, Identity, Outcome, Seen};
use crate::gateway::Gateway;
use crate::identity_headers::survives_replacing;
use crate::inbound::Inbound;
use crate::problem::Problem;
use crate::request_headers;
use crate::step_up;

/// What is said about a request.
#[derive(Debug)]
pub enum Judgement {
    /// It may pass, with these headers instead of the client's own.
    Pass(Box<Passed>),
    /// It may not; this is the answer.
    Answer(Box<Response<Body>>),
}

/// What whoever carries a request must put in the place of what the client sent.
#[derive(Debug)]
pub struct Passed {
    /// As whom.
    pub identity: Identity,
    /// `Authorization`: a token for the upstream, or on a public route the client's own. `None`: it gets none.
    pub authorization: Option<HeaderValue>,
    /// `Cookie` without the gate's own. `None`: none are left.
    pub cookie: Option<HeaderValue>,
}

impl<G: Gate> Gateway<G> {
    /// Judges a request by its head, which another proxy tells: `parts` are what the client sent to it (method, target in
    /// origin form, all fields). What is said there about framing is left out, since it would be about the question. A call that needs an
    /// approval of its own never passes: its body is not seen.
    pub async fn judge(&self, mut parts: Parts, client: ClientInfo) -> Judgement {
        if parts.headers.keys().any(|name| survives_replacing(name.as_str())) {
            return self.refuse(Problem::UnreplaceableHeader, None);
        }
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.remove(TRANSFER_ENCODING);
        // Proxies keep a handshake's `Upgrade` for themselves. What the browser adds to every one tells of it.
        if parts.headers.contains_key("sec-websocket-key") {
            parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        let (index, table) = match find(self, &parts, &client) {
            Ok(Some((index, table, _))) => (index, arc_swap::Guard::into_inner(table)),
            Ok(None) => return self.refuse(Problem::NoRoute, None),
            Err(problem) => return self.refuse(problem, None),
        };
        let Some(upstream) = table.routes.upstreams().get(index) else { return self.refuse(Problem::NoRoute, None) };
        let name = upstream.name.as_str();
        if step_up::rule_for(&upstream.step_up, &parts).is_some() {
            return self.refuse(Problem::UnseenCall, Some(name));
        }
        let mut body = Inbound::unseen(parts.method != Method::GET && parts.method != Method::HEAD);
        let identity = match self.gate.admit(&parts, &mut body, upstream, None, client).await {
            Admission::Pass(identity) => identity,
            Admission::Answer(response) => {
                self.gate.observe(&Seen { upstream: Some(name), status: response.status(), outcome: Outcome::Gate });
                return Judgement::Answer(Box::new(response));
            }
        };
        request_headers::set_authorization(&mut parts.headers, upstream.access, &identity);
        cookies::remove_own(&mut parts.headers, |name| self.gate.is_own_cookie(name));
        // Cookies in several fields have become one.
        let cookie = parts.headers.remove(COOKIE);
        let authorization = parts.headers.remove(AUTHORIZATION);
        Judgement::Pass(Box::new(Passed { identity, authorization, cookie }))
    }

    fn refuse(&self, problem: Problem, upstream: Option<&str>) -> Judgement {
        self.gate.observe(&Seen { upstream, status: problem.status(), outcome: Outcome::Refused(problem) });
        Judgement::Answer(Box::new(problem.response()))
    }
}
