//! The admin listener: for probes and Prometheus, not for people. No session opens it; keep it private.

use super::edge::Edge;
use super::meters;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::time::Duration;

impl Edge {
    /// Answers one request of the admin listener.
    pub(super) async fn admin(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".into());
        }
        match request.uri().path() {
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
            _ => text(StatusCode::NOT_FOUND, "there is /healthz, /readyz and /metrics\n".into()),
        }
    }
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
