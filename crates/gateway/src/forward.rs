//! One request, from head to head: route, gate, strip, send, clean.

use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_TYPE, EXPECT, HOST, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use crate::body::Body;
use crate::cookies;
use crate::gate::{Admission, ClientInfo, Gate, Identity, Outcome, Seen};
use crate::gateway::{Gateway, Table};
use crate::inbound::Inbound;
use crate::link::Link;
use crate::pool::Lease;
use crate::problem::Problem;
use crate::request_headers::{self, From};
use crate::response_headers;
use crate::routes::Lost;
use crate::step_up;
use crate::target::{self, Named};
use crate::tunnel::{self, Ends};
use crate::upload::Upload;
use crate::watch::{Causes, Progress, Watch};

impl<G: Gate> Gateway<G> {
    /// Answers a request. Never fails: what goes wrong is a problem document, and after the head a broken transfer.
    pub async fn handle(&self, request: Request<impl Into<Inbound>>, client: ClientInfo) -> Response<Body> {
        let version = request.version();
        let mut handled = handle(self, request.map(Into::into), client).await;
        if version >= Version::HTTP_2 {
            handled.response.headers_mut().remove(CONNECTION); // RFC 9113 §8.2.2
        }
        let upstream = handled.link.as_deref().map(|link| link.upstream.name.as_str());
        self.gate.observe(&Seen { upstream, status: handled.response.status(), outcome: handled.outcome });
        handled.response
    }
}

/// Tells an upstream the token that its forms need (see [`Identity::form_token`]).
const FORM_TOKEN: HeaderName = HeaderName::from_static("cloakroom-form-token");

/// An answer and what to say about it.
struct Handled {
    response: Response<Body>,
    link: Option<Arc<Link>>,
    outcome: Outcome,
}

async fn handle<G: Gate>(gateway: &Gateway<G>, request: Request<Inbound>, client: ClientInfo) -> Handled {
    let (parts, mut body) = request.into_parts();
    let route = match route(gateway, &parts, &client) {
        Ok(Some(route)) => route,
        Ok(None) => return options_of_the_server(),
        Err(problem) => return refused(problem, None),
    };
    let link = Arc::clone(&route.link);
    if let Err(problem) = check_body(gateway, &parts, &body) {
        return refused(problem, Some(link));
    }
    let rule = step_up::rule_for(&link.upstream.step_up, &parts);
    let identity = match gateway.gate.admit(&parts, &mut body, &link.upstream, rule, client.clone()).await {
        Admission::Pass(identity) => identity,
        Admission::Answer(response) => return Handled { response, link: Some(link), outcome: Outcome::Gate },
    };
    let exchange = Exchange { gateway, link: &link, identity, client: &client, host: route.host };
    let done =
        if route.websocket { Box::pin(exchange.tunnel(parts, body)).await } else { exchange.relay(parts, body).await };
    match done {
        Ok((response, outcome)) => Handled { response, link: Some(link), outcome },
        Err(problem) => refused(problem, Some(link)),
    }
}

/// What the head of a request says about its way.
struct Route {
    link: Arc<Link>,
    host: Option<HeaderValue>,
    websocket: bool,
}

/// `None`: `OPTIONS *`, which asks about the server and has no route.
fn route<G>(gateway: &Gateway<G>, parts: &Parts, client: &ClientInfo) -> Result<Option<Route>, Problem> {
    let Some((index, table, told)) = find(gateway, parts, client)? else { return Ok(None) };
    let link = table.links.get(index).and_then(Option::as_ref).ok_or(Problem::NoRoute)?;
    let websocket = tunnel::is_handshake(parts)?;
    Ok(Some(Route { link: Arc::clone(link), host: host_value(parts, client, told), websocket }))
}

/// A route's position, the table that it is in, and the host that was asked for.
pub(crate) type Found<'a> = (usize, arc_swap::Guard<Arc<Table>>, Option<Named<'a>>);

/// Which route a request has. `None`: none, see [`route`].
pub(crate) fn find<'a, G>(
    gateway: &Gateway<G>,
    parts: &'a Parts,
    client: &'a ClientInfo,
) -> Result<Option<Found<'a>>, Problem> {
    let named = target::check(parts, &gateway.limits)?;
    if parts.uri.path() == "*" {
        return Ok(None);
    }
    let told = match &client.host {
        Some(host) => Some(host.to_str().ok().and_then(Named::parse).ok_or(Problem::BadHost)?),
        None => named,
    };
    let table = gateway.table.load();
    let (index, _) =
        table.routes.place(told.map_or("", |host| host.name), parts.uri.path()).map_err(|lost| match lost {
            Lost::NotFound => Problem::NoRoute,
            Lost::Ambiguous => Problem::AmbiguousPath,
        })?;
    Ok(Some((index, table, told)))
}

/// The host as a field value: shared with the request's where it has one.
fn host_value(parts: &Parts, client: &ClientInfo, told: Option<Named<'_>>) -> Option<HeaderValue> {
    let shared = client.host.as_ref().or_else(|| parts.headers.get(HOST));
    shared.cloned().or_else(|| HeaderValue::from_str(told?.full).ok())
}

fn check_body<G>(gateway: &Gateway<G>, parts: &Parts, body: &Inbound) -> Result<(), Problem> {
    if parts.headers.get(EXPECT).is_some_and(|expect| !expect.as_bytes().eq_ignore_ascii_case(b"100-continue")) {
        return Err(Problem::Expectation);
    }
    match gateway.limits.max_body_bytes {
        Some(max) if body.size_hint().lower() > max => Err(Problem::BodyTooLarge),
        _ => Ok(()),
    }
}

/// RFC 9110 §9.3.7: a ping of the server itself.
fn options_of_the_server() -> Handled {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Handled { response, link: None, outcome: Outcome::Gate }
}

fn refused(problem: Problem, link: Option<Arc<Link>>) -> Handled {
    Handled { response: problem.response(), link, outcome: Outcome::Refused(problem) }
}

/// An admitted request.
struct Exchange<'a, G> {
    gateway: &'a Gateway<G>,
    link: &'a Arc<Link>,
    identity: Identity,
    client: &'a ClientInfo,
    host: Option<HeaderValue>,
}

impl<G: Gate> Exchange<'_, G> {
    async fn relay(self, mut parts: Parts, body: Inbound) -> Result<(Response<Body>, Outcome), Problem> {
        self.rewrite(&mut parts)?;
        let progress = if body.is_end_stream() { None } else { Some(Progress::new()) };
        let upload = Upload::new(body, self.gateway.limits.max_body_bytes, self.link.idle_for, progress.clone());
        let (response, lease) = self.link.send(Request::from_parts(parts, upload), progress.as_deref()).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(Problem::UpstreamFailed); // Nobody asked for it.
        }
        let watch = self.watch(&response, progress);
        Ok((self.cleaned(response, lease, watch), Outcome::Forwarded))
    }

    async fn tunnel(self, mut parts: Parts, body: Inbound) -> Result<(Response<Body>, Outcome), Problem> {
        if self.gateway.stopping.is_cancelled() {
            return Err(Problem::Draining);
        }
        let mut handshake = Request::from_parts(parts, ());
        let client = hyper::upgrade::on(&mut handshake);
        parts = handshake.into_parts().0;
        self.rewrite(&mut parts)?;
        request_headers::set_upgrade(&mut parts.headers);
        let upload = Upload::new(body, Some(0), self.link.idle_for, None);
        let (mut response, lease) = self.link.send(Request::from_parts(parts, upload), None).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let watch = self.watch(&response, None);
            return Ok((self.cleaned(response, lease, watch), Outcome::Forwarded));
        }
        if !tunnel::wants_websocket(response.headers()) {
            return Err(Problem::UpstreamFailed);
        }
        let upstream = hyper::upgrade::on(&mut response);
        let ends = Ends {
            session: self.identity.ended.clone(),
            cut: self.gateway.cut.clone(),
            idle_for: self.gateway.limits.tunnel_idle_for,
            close_for: self.gateway.limits.tunnel_close_for,
            hold: self.identity.hold.clone(),
        };
        self.gateway.tunnels.spawn(tunnel::run(client, upstream, ends));
        let mut response = self.cleaned(response, lease, Watch::default());
        *response.body_mut() = Body::empty();
        request_headers::set_upgrade(response.headers_mut());
        Ok((response, Outcome::Tunnelled))
    }

    /// The client's head becomes ours. See [`request_headers`] for why in this order.
    fn rewrite(&self, parts: &mut Parts) -> Result<(), Problem> {
        let (gateway, link) = (self.gateway, self.link);
        link.aim(&mut parts.uri)?;
        let headers = &mut parts.headers;
        request_headers::remove_claims(headers, &gateway.strip);
        cookies::remove_own(headers, |name| gateway.gate.is_own_cookie(name));
        request_headers::set_authorization(headers, link.upstream.access, &self.identity);
        if let Some(token) = &self.identity.form_token {
            headers.insert(FORM_TOKEN, token.clone());
        }
        let host = match &self.host {
            Some(host) if link.upstream.preserve_host => host,
            _ => &link.host,
        };
        let prefix = joined(self.client.prefix.as_ref(), link.prefix.as_ref());
        let from = From { client: self.client, host: self.host.clone(), prefix };
        request_headers::set_forwarding(headers, from, host);
        Ok(())
    }

    fn watch(&self, response: &Response<Incoming>, progress: Option<Arc<Progress>>) -> Watch {
        let events = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.as_bytes().get(.."text/event-stream".len()))
            .is_some_and(|start| start.eq_ignore_ascii_case(b"text/event-stream"));
        let (mut ended, mut hold) = (self.identity.ended.clone(), self.identity.hold.clone());
        if events
            && ended.is_none()
            && let Some(subject) = &self.identity.subject
            && let Some((token, held)) = self.gateway.gate.open_stream(subject)
        {
            (ended, hold) = (Some(token), Some(held));
        }
        let limits = &self.gateway.limits;
        Watch::new(Causes {
            idle_for: if events { limits.event_stream_idle_for } else { Some(self.link.idle_for) },
            ended,
            _hold: hold,
            stopping: events.then(|| self.gateway.stopping.clone()),
            progress,
        })
    }

    fn cleaned(&self, response: Response<Incoming>, lease: Lease, watch: Watch) -> Response<Body> {
        let (mut parts, body) = response.into_parts();
        // An HTTP/1.0 upstream does not make the client's connection one.
        parts.version = Version::HTTP_11;
        let gate = &self.gateway.gate;
        let own = |name: &[u8]| gate.is_own_cookie(name);
        response_headers::clean(&mut parts.headers, &self.link.upstream, self.identity.authenticated, own);
        if self.identity.closes_cors {
            response_headers::close_cors(&mut parts.headers);
        }
        Response::from_parts(parts, Body::relayed(body, lease, watch))
    }
}

/// What was cut off before the gateway, and what the gateway cuts off.
fn joined(before: Option<&HeaderValue>, here: Option<&HeaderValue>) -> Option<HeaderValue> {
    match (before, here) {
        (Some(before), Some(here)) => HeaderValue::from_bytes(&[before.as_bytes(), here.as_bytes()].concat()).ok(),
        (one, other) => one.or(other).cloned(),
    }
}
