//! The way of a request: who asks, what is refused early, ours or an upstream's, headers, log line. In this order for
//! every request on every listener.

use super::client::client;
use super::gate::WebGate;
use super::meters::Meters;
use crate::network::Network;
use cloakroom_gateway::{Body, ClientInfo, Gateway, Inbound};
use cloakroom_web::{FORM_TOKEN, Web, form_token_in, is_own_path};
use http::request::Parts;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// What every connection shares.
pub(super) struct Edge {
    pub(super) web: Arc<Web>,
    pub(super) gateway: Gateway<WebGate>,
    pub(super) trusted_proxies: Vec<Network>,
    pub(super) meters: Meters,
    pub(super) log_requests: bool,
    /// Request ids count up from a random start: unique for a process, telling nothing about its load.
    pub(super) next_id: AtomicU64,
}

impl Edge {
    /// Answers one request.
    pub(super) async fn handle(&self, request: Request<Incoming>, peer: IpAddr, tls: bool) -> Response<Body> {
        let started_at = std::time::Instant::now();
        let (client, host) = client(peer, tls, request.headers(), &self.trusted_proxies);
        let id = self.next_id.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let logged = self.log_requests.then(|| (request.method().clone(), request.uri().path().to_owned()));
        let (parts, body) = request.into_parts();
        let own = is_own_path(parts.uri.path());
        let mut response = if let Some(refused) = self.web.refuse_early(&parts, &client) {
            refused.map(Body::wrap)
        } else if own {
            self.web.respond(Request::from_parts(parts, body), client).await.map(Body::wrap)
        } else {
            let info = ClientInfo { address: client.address, https: client.https, host };
            let request = self.with_form_token(parts, body.into()).await;
            let mut response = self.gateway.handle(request, info).await;
            self.web.finish(response.headers_mut(), &client);
            response
        };
        let id = format!("{id:016x}");
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert("x-request-id", value);
        }
        let status = response.status();
        let took = started_at.elapsed();
        self.meters.answered(own, status, took);
        if let Some((method, path)) = logged {
            // The path without its query: a query can carry what is nobody's business.
            tracing::info!(
                request = id,
                %method,
                path,
                status = status.as_u16(),
                client = %client.address,
                ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "answered"
            );
        }
        response
    }

    /// A plain form carries its token in the body: it is looked for in the beginning and put where the gate finds it.
    async fn with_form_token(&self, mut parts: Parts, mut body: Inbound) -> Request<Inbound> {
        if self.web.looks_for_form_token(&parts) {
            let looked = timeout(FORM_TOKEN_FOR, body.look(FORM_TOKEN_WITHIN, form_token_in)).await;
            let token = looked.ok().and_then(Result::ok).flatten();
            if let Some(value) = token.and_then(|token| HeaderValue::from_str(&token).ok()) {
                parts.headers.insert(FORM_TOKEN, value);
            }
        }
        Request::from_parts(parts, body)
    }
}

/// A form's token is among its first fields.
const FORM_TOKEN_WITHIN: usize = 64 * 1024;

/// Who takes longer to send the beginning of a form is refused for want of a token.
const FORM_TOKEN_FOR: Duration = Duration::from_secs(10);
