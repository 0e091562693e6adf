//! The way of a request: who asks, what is refused early, ours or an upstream's, headers, log line. In this order for
//! every request on every listener.

use super::client::client;
use super::gate::WebGate;
use super::meters::{By, Meters};
use crate::network::Network;
use cloakroom_gateway::{Body, ClientInfo, Gateway};
use cloakroom_web::{Slot, Web, is_own_path, logged_path};
use http::{HeaderValue, Method, Request, Response};
use hyper::body::Incoming;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What every connection shares.
pub(super) struct Edge {
    pub(super) web: Arc<Web>,
    pub(super) gateway: Gateway<WebGate>,
    pub(super) trusted_proxies: Vec<Network>,
    pub(super) meters: Meters,
    pub(super) log_requests: bool,
    /// Requests so far. Their ids are keyed hashes of it, which tell nothing about the load.
    pub(super) requests: AtomicU64,
    pub(super) ids: RandomState,
}

impl Edge {
    /// Answers one request.
    pub(super) async fn handle(&self, request: Request<Incoming>, peer: IpAddr, tls: bool) -> Response<Body> {
        let started_at = Instant::now();
        let (mut client, host) = client(peer, tls, request.headers(), &self.trusted_proxies);
        let logged = self.logged(request.method(), request.uri().path());
        let (mut parts, body) = request.into_parts();
        let refused = self.web.refuse_early(&parts, &client, host.as_ref());
        let reader = self.web.reader(&parts);
        let preflight = self.web.is_preflight(&parts);
        if let Some((slot, uri)) = Slot::of(&parts.uri, self.web.site().slots) {
            client.slot = slot;
            parts.uri = uri;
            parts.extensions.insert(slot);
        }
        let own = is_own_path(parts.uri.path());
        let mut response = if let Some(refused) = refused {
            refused.map(Body::wrap)
        } else if preflight && (own || reader.is_some()) {
            self.web.answer_preflight(&parts, &client).map(Body::wrap)
        } else if own {
            Box::pin(self.web.respond(Request::from_parts(parts, body), client)).await.map(Body::wrap)
        } else {
            let prefix = client.slot.prefix();
            let prefix = HeaderValue::from_str(&prefix).ok().filter(|_| !prefix.is_empty());
            let info = ClientInfo { address: client.address, https: client.https, host, prefix };
            let mut response = self.gateway.handle(Request::from_parts(parts, body), info).await;
            client.slot.keep_in(response.headers_mut());
            self.web.finish(response.headers_mut(), &client);
            response
        };
        self.web.share(response.headers_mut(), reader);
        self.note(&mut response, if own { By::Cloakroom } else { By::Upstream }, started_at, logged, client.address);
        response
    }

    /// What a log line will say of a request: its method, and its path without what could be a name. Never its query, which can
    /// carry what is nobody's business. `None` where requests are not logged.
    pub(super) fn logged(&self, method: &Method, path: &str) -> Option<(Method, String)> {
        self.log_requests.then(|| (method.clone(), logged_path(path).into_owned()))
    }

    /// Counts an answer, gives it its id, and writes its line.
    pub(super) fn note(
        &self,
        response: &mut Response<Body>,
        by: By,
        started_at: Instant,
        logged: Option<(Method, String)>,
        client: IpAddr,
    ) {
        let id = format!("{:016x}", self.ids.hash_one(self.requests.fetch_add(1, Ordering::Relaxed)));
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", value);
        }
        let status = response.status();
        let took = started_at.elapsed();
        self.meters.answered(by, status, took);
        if let Some((method, path)) = logged {
            let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let done = if by == By::ForwardAuth { "judged for a proxy" } else { "answered" };
            tracing::info!(request = id, %method, path, status = status.as_u16(), %client, ms, "{done}");
        }
    }
}
