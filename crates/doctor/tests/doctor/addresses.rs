//! What a proxy does to addresses: of clients, of the site, of paths.

use crate::proxy::{Meddling, Probe};
use crate::stage::{FAR, Stage, assert_found, finds};
use cloakroom_doctor::Severity;
use http::header::{HOST, HeaderValue, LOCATION};
use http::{HeaderMap, StatusCode, request};

/// Passes on what a client says about itself.
fn believe(parts: &mut request::Parts, sent: &HeaderMap) {
    for name in ["x-forwarded-for", "x-forwarded-proto"] {
        if let Some(value) = sent.get(name) {
            parts.headers.insert(name, value.clone());
        }
    }
}

#[tokio::test]
async fn a_scheme_of_the_client_that_is_believed_is_told_of() {
    let stage = Stage::behind(Meddling { request: believe, is_plain_open: true, ..Meddling::default() }).await;
    let report = stage.examine().await;
    assert_found(&report, "forwarded", Severity::High, "X-Forwarded-Proto of a client is believed");
    assert_found(&report, "forwarded", Severity::High, "Plain http passes for https");
    stage.house.close().await;
}

#[tokio::test]
async fn the_other_family_of_headers_counts_as_well() {
    let other = |parts: &mut request::Parts, sent: &HeaderMap| {
        if let Some(value) = sent.get("forwarded") {
            parts.headers.insert("forwarded", value.clone());
            parts.headers.remove("x-forwarded-for");
            parts.headers.remove("x-forwarded-proto");
        }
    };
    let passing = Meddling { request: other, ..Meddling::default() };
    finds(passing, "forwarded", Severity::High, "Forwarded of a client is believed").await;
}

#[tokio::test]
async fn a_host_of_the_client_that_is_believed_is_told_of() {
    let leading = Meddling {
        instead: |parts| {
            let host = parts.headers.get("x-forwarded-host")?.to_str().ok()?.to_owned();
            let mut response = crate::proxy::bare(StatusCode::FOUND, "");
            response.headers_mut().insert(LOCATION, format!("https://{host}/auth/login").parse().unwrap());
            Some(response)
        },
        ..Meddling::default()
    };
    finds(leading, "forwarded", Severity::High, "gets into answers").await;
}

#[tokio::test]
async fn an_address_of_the_client_that_is_believed_is_told_of() {
    const BELIEVED: &str = r#"{"v":1,"scheme":"https","host":"expected","peer":"trusted","forwarded":"believed","client":"documentation"}"#;
    const PROXY: &str =
        r#"{"v":1,"scheme":"https","host":"expected","peer":"untrusted","forwarded":"ignored","client":"private"}"#;
    let probe = |seen| Meddling { probe: Some(Probe { seen, is_held_back: false }), ..Meddling::default() };
    finds(probe(BELIEVED), "forwarded", Severity::High, "X-Forwarded-For of a client is believed").await;
    finds(probe(PROXY), "forwarded", Severity::Medium, "seems to come from the proxy").await;
}

#[tokio::test]
async fn a_proxy_that_says_nothing_of_https_is_told_of() {
    let silent =
        Meddling { request: |parts, _| drop(parts.headers.remove("x-forwarded-proto")), ..Meddling::default() };
    finds(silent, "public-url", Severity::High, "takes https for plain http").await;
    // The same from inside: the proxy says it, and is not listed.
    let more = "server.trusted_proxies = [\"192.0.2.1\"]";
    let stage = Stage::with(Meddling::default(), more, "localhost", FAR).await;
    assert_found(&stage.examine().await, "public-url", Severity::High, "takes https for plain http");
    stage.house.close().await;
}

#[tokio::test]
async fn another_name_or_origin_is_told_of() {
    let renaming = Meddling {
        request: |parts, _| drop(parts.headers.insert(HOST, HeaderValue::from_static("backend.internal"))),
        ..Meddling::default()
    };
    finds(renaming, "public-url", Severity::High, "does not go by this name").await;
    let more = "server.public_url = \"https://localhost:1\"\nserver.trusted_proxies = [\"127.0.0.1\"]";
    let stage = Stage::with(Meddling::default(), more, "localhost", FAR).await;
    assert_found(&stage.examine().await, "public-url", Severity::High, "another origin for its own");
    stage.house.close().await;
}

#[tokio::test]
async fn paths_that_are_rewritten_are_told_of() {
    let merging = Meddling {
        request: |parts, _| {
            let path = parts.uri.path().replace("//", "/").replace("/./", "/");
            parts.uri = path.parse().unwrap();
        },
        ..Meddling::default()
    };
    finds(merging, "paths", Severity::Medium, "rewrites paths").await;
    let climbing = Meddling {
        request: |parts, _| {
            if parts.uri.path() == "/auth/%2e%2e/" {
                parts.uri = "/".parse().unwrap();
            }
        },
        ..Meddling::default()
    };
    finds(climbing, "paths", Severity::Medium, "as another one").await;
}

#[tokio::test]
async fn headers_that_are_too_large_for_the_proxy_are_told_of() {
    let eight = Meddling {
        instead: |parts| {
            let bytes = parts.headers.get("cookie").map_or(0, HeaderValue::len);
            (bytes > 8192).then(|| crate::proxy::bare(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, ""))
        },
        ..Meddling::default()
    };
    finds(eight, "header-size", Severity::Low, "do not get through").await;
    let two = Meddling {
        instead: |parts| {
            let bytes = parts.headers.get("cookie").map_or(0, HeaderValue::len);
            (bytes > 2048).then(|| crate::proxy::bare(StatusCode::BAD_REQUEST, ""))
        },
        ..Meddling::default()
    };
    finds(two, "header-size", Severity::High, "do not get through").await;
}

#[tokio::test]
async fn paths_of_operators_that_are_public_are_told_of() {
    let leading = Meddling {
        instead: |parts| {
            let metrics = "# TYPE cloakroom_requests_total counter\ncloakroom_requests_total{to=\"own\"} 1\n";
            (parts.uri.path() == "/metrics").then(|| crate::proxy::bare(StatusCode::OK, metrics))
        },
        ..Meddling::default()
    };
    finds(leading, "admin", Severity::High, "paths of operators").await;
}
