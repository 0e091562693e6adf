//! TLS, the way to it, and the promise to stay there.

use crate::certificate::Authority;
use crate::proxy::{Meddling, bare};
use crate::stage::{FAR, Stage, assert_found, finds, ids};
use cloakroom_doctor::{Severity, State};
use http::header::{HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode, request};

const HSTS: &str = "strict-transport-security";

#[tokio::test]
async fn a_certificate_that_ends_in_ten_days_is_told_of() {
    let stage = Stage::with(Meddling::default(), "", "localhost", (2027, 1, 25)).await;
    assert_found(&stage.examine().await, "tls", Severity::Medium, "ends soon");
    stage.house.close().await;
}

#[tokio::test]
async fn with_a_certificate_that_nobody_believes_nothing_else_is_asked() {
    let mut stage = Stage::behind(Meddling::default()).await;
    stage.options.authorities = Some(Authority::new().pem.into_bytes());
    let report = stage.examine().await;
    assert_found(&report, "tls", Severity::High, "vouches for the certificate");
    assert_eq!(ids(&report, State::Unknown).len(), report.checks.len() - 1);
    assert!(stage.proxy.passed().is_empty() && report.requests == 1);
    stage.house.close().await;
}

#[tokio::test]
async fn a_certificate_for_another_name_or_of_yesterday_is_told_of() {
    let stage = Stage::with(Meddling::default(), "", "other.example", FAR).await;
    assert_found(&stage.examine().await, "tls", Severity::High, "another name");
    stage.house.close().await;
    let stage = Stage::with(Meddling::default(), "", "localhost", (2027, 1, 14)).await;
    assert_found(&stage.examine().await, "tls", Severity::High, "has ended");
    stage.house.close().await;
}

#[tokio::test]
async fn hsts_that_is_dropped_or_doubled_or_short_is_told_of() {
    let dropped = Meddling { answer: |head| drop(head.headers.remove(HSTS)), ..Meddling::default() };
    finds(dropped, "hsts", Severity::Medium, "not told to stay").await;
    let doubled = Meddling {
        answer: |head| {
            head.headers.append(HSTS, HeaderValue::from_static("max-age=31536000"));
        },
        ..Meddling::default()
    };
    finds(doubled, "hsts", Severity::Medium, "more than once").await;
    let short = Meddling {
        answer: |head| drop(head.headers.insert(HSTS, HeaderValue::from_static("max-age=300; includeSubDomains"))),
        ..Meddling::default()
    };
    finds(short, "hsts", Severity::Medium, "within a year").await;
}

/// Says of everything that it came by https.
fn claim_https(parts: &mut request::Parts, _: &HeaderMap) {
    parts.headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
}

#[tokio::test]
async fn plain_http_that_is_answered_is_told_of() {
    let open = Meddling { is_plain_open: true, request: claim_https, ..Meddling::default() };
    let stage = Stage::behind(open).await;
    let report = stage.examine().await;
    assert_found(&report, "redirect", Severity::High, "answered instead of being led");
    assert_found(&report, "redirect", Severity::Medium, "cookie is set over plain http");
    assert_found(&report, "redirect", Severity::Low, "where it has no meaning");
    assert_found(&report, "forwarded", Severity::High, "passes for https");
    stage.house.close().await;
}

#[tokio::test]
async fn plain_http_that_cloakroom_leads_to_https_itself_is_fine() {
    let stage = Stage::behind(Meddling { is_plain_open: true, ..Meddling::default() }).await;
    let report = stage.examine().await;
    assert!(ids(&report, State::Fine).contains(&"redirect"), "{report:#?}");
    stage.house.close().await;
}

#[tokio::test]
async fn circles_are_told_of() {
    let circle = Meddling {
        instead: |parts| {
            let asks = parts.headers.get("accept").is_some_and(|accept| accept.as_bytes().starts_with(b"text/html"));
            let host = parts.headers.get("host")?.to_str().ok()?.to_owned();
            (asks && parts.uri.path() == "/auth/login").then(|| {
                let mut response = bare(StatusCode::FOUND, "");
                let to = format!("https://{host}/auth/login");
                response.headers_mut().insert(LOCATION, to.parse().unwrap());
                response
            })
        },
        ..Meddling::default()
    };
    let stage = Stage::behind(circle).await;
    let report = stage.examine().await;
    assert_found(&report, "redirect", Severity::High, "circles");
    assert_found(&report, "public-url", Severity::High, "takes https for plain http");
    stage.house.close().await;
}
