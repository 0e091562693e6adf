//! The admin listener: probes, Prometheus, and operators' programs. No session opens it, no browser uses it; keep it private.

mod accounts;
mod api;
mod wrong;

use super::meters;
use crate::config::Secret;
use cloakroom_web::{Content, Response, Web};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What the admin listener needs.
pub(super) struct Admin {
    pub(super) web: Arc<Web>,
    /// What programs show to use `/admin`; without it, it is not there.
    pub(super) token: Option<Secret>,
}

impl Admin {
    /// Answers one request of the admin listener.
    pub(super) async fn handle(&self, request: Request<Incoming>, peer: IpAddr) -> Response {
        let path = request.uri().path();
        if path == "/admin" || path.starts_with("/admin/") {
            return Box::pin(self.operate(request, peer)).await;
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".into());
        }
        match path {
            // Alive: this process answers. Ready: so does its store.
            "/healthz" => text(StatusCode::OK, "ok\n".into()),
            "/readyz" if self.web.app().is_ready().await => text(StatusCode::OK, "ready\n".into()),
            "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n".into()),
            "/metrics" => {
                #[expect(clippy::cast_precision_loss, reason = "a gauge is a float; no exact count is this large")]
                let held = self.web.app().revocations_held() as f64;
                metrics::gauge!("cloakroom_revocations_held").set(held);
                let age = Duration::from_millis(self.web.app().feed_age().millis());
                metrics::gauge!("cloakroom_revocation_feed_age_seconds").set(age.as_secs_f64());
                text(StatusCode::OK, meters::page())
            }
            _ => text(StatusCode::NOT_FOUND, "there is /healthz, /readyz, /metrics and /admin\n".into()),
        }
    }
}

fn text(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Content::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
