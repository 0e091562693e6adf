//! The page: four static files, compiled in. No session, no template, no state.

use std::future::Future;

use axum::Router;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

/// What the page needs, and nothing else: its own script, style, image and calls; markup through text nodes only.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'";

/// Serves the single-page app until `stop` is ready. The error is that of the listener.
pub async fn serve_app(listener: TcpListener, stop: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    axum::serve(listener, routes()).with_graceful_shutdown(stop).await
}

fn routes() -> Router {
    let html = "text/html; charset=utf-8";
    let script = "text/javascript; charset=utf-8";
    Router::new()
        .route("/", get(async move || file(html, include_str!("../app/index.html"))))
        .route("/app.js", get(async move || file(script, include_str!("../app/app.js"))))
        .route("/live.js", get(async move || file(script, include_str!("../app/live.js"))))
        .route("/style.css", get(async || file("text/css; charset=utf-8", include_str!("../app/style.css"))))
        .route("/icon.svg", get(async || file("image/svg+xml", include_str!("../app/icon.svg"))))
        .fallback(async || {
            (StatusCode::NOT_FOUND, file(html, "<!doctype html><title>Not found</title><p>There is no such page."))
        })
}

fn file(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 5] = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text)
}
