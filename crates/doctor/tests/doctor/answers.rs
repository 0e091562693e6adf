//! What a proxy does to answers: cookies, headers, caches.

use crate::proxy::{Meddling, bare};
use crate::stage::{Stage, assert_found, finds, ids};
use cloakroom_doctor::{Severity, State};
use http::header::{HeaderName, HeaderValue, SET_COOKIE};
use http::{StatusCode, response};

/// Rewrites every cookie.
fn rewrite(head: &mut response::Parts, from: &str, to: &str) {
    let lines: Vec<_> = head.headers.get_all(SET_COOKIE).iter().cloned().collect();
    head.headers.remove(SET_COOKIE);
    for line in lines {
        let line = line.to_str().unwrap().replace(from, to);
        head.headers.append(SET_COOKIE, line.parse().unwrap());
    }
}

fn set(head: &mut response::Parts, name: &'static str, value: &'static str) {
    head.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
}

fn add(head: &mut response::Parts, name: &'static str, value: &'static str) {
    head.headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
}

fn meddling(answer: fn(&mut response::Parts)) -> Meddling {
    Meddling { answer, ..Meddling::default() }
}

#[tokio::test]
async fn an_attribute_that_is_stripped_from_cookies_is_told_of() {
    let stage = Stage::behind(meddling(|head| rewrite(head, "; HttpOnly", ""))).await;
    let report = stage.examine().await;
    assert_found(&report, "cookies", Severity::High, "HttpOnly is lost");
    // Nothing of a cookie's value gets into a report.
    assert!(!report.json().contains("cloakroom-device=A") && report.json().contains("cloakroom-device=…"));
    stage.house.close().await;
    finds(meddling(|head| rewrite(head, "; Secure", "")), "cookies", Severity::High, "Secure is lost").await;
}

#[tokio::test]
async fn an_attribute_that_is_rewritten_or_added_is_told_of() {
    let site = meddling(|head| rewrite(head, "SameSite=Lax", "SameSite=None"));
    finds(site, "cookies", Severity::High, "SameSite is turned off").await;
    let stage = Stage::behind(meddling(|head| rewrite(head, "Path=/auth;", "Path=/; Domain=localhost;"))).await;
    let report = stage.examine().await;
    assert_found(&report, "cookies", Severity::High, "Domain is added");
    assert_found(&report, "cookies", Severity::Medium, "Path is widened");
    stage.house.close().await;
}

#[tokio::test]
async fn cookies_that_get_lost_either_way_are_told_of() {
    let answers = meddling(|head| drop(head.headers.remove(SET_COOKIE)));
    finds(answers, "cookies", Severity::High, "Set-Cookie is stripped").await;
    let requests = Meddling { request: |parts, _| drop(parts.headers.remove("cookie")), ..Meddling::default() };
    finds(requests, "cookies", Severity::High, "do not reach Cloakroom").await;
}

#[tokio::test]
async fn cookies_of_a_balancer_are_told_of() {
    finds(meddling(|head| add(head, "set-cookie", "LB=1; Path=/")), "cookies", Severity::Low, "of its own").await;
}

#[tokio::test]
async fn headers_that_are_stripped_replaced_or_added_are_told_of() {
    let stage = Stage::behind(meddling(|head| {
        head.headers.remove("content-security-policy");
        set(head, "x-frame-options", "SAMEORIGIN");
        add(head, "x-content-type-options", "nosniff");
        set(head, "clear-site-data", "\"cookies\"");
    }))
    .await;
    let report = stage.examine().await;
    assert_found(&report, "headers", Severity::High, "Content-Security-Policy is stripped");
    assert_found(&report, "headers", Severity::Low, "X-Frame-Options is replaced");
    assert_found(&report, "headers", Severity::Low, "X-Content-Type-Options comes more than once");
    assert_found(&report, "headers", Severity::High, "Clear-Site-Data is added");
    stage.house.close().await;
}

#[tokio::test]
async fn software_that_names_itself_is_told_of() {
    finds(meddling(|head| set(head, "server", "nginx/1.18.0")), "leaks", Severity::Low, "which version").await;
    finds(meddling(|head| set(head, "x-backend-server", "web-3")), "leaks", Severity::Low, "machine inside").await;
}

#[tokio::test]
async fn other_sites_that_are_let_in_are_told_of() {
    let stage = Stage::behind(meddling(|head| {
        set(head, "access-control-allow-origin", "https://doctor.invalid");
        set(head, "access-control-allow-credentials", "true");
    }))
    .await;
    assert_found(&stage.examine().await, "cors", Severity::High, "Every site may read");
    stage.house.close().await;
    finds(meddling(|head| set(head, "access-control-allow-origin", "*")), "cors", Severity::Medium, "Every site").await;
}

#[tokio::test]
async fn answers_that_are_kept_are_told_of() {
    let public = meddling(|head| set(head, "cache-control", "public, max-age=600"));
    finds(public, "caching", Severity::High, "lose Cache-Control").await;
    let hit = meddling(|head| set(head, "x-cache", "HIT"));
    finds(hit, "caching", Severity::High, "out of a cache").await;
    let same = meddling(|head| {
        set(head, "content-security-policy", "default-src 'none'; script-src 'nonce-SAME'; frame-ancestors 'none'");
    });
    finds(same, "caching", Severity::High, "Two visits got the same page").await;
}

#[tokio::test]
async fn compression_is_worth_a_word_and_no_more() {
    let stage = Stage::behind(meddling(|head| set(head, "content-encoding", "gzip"))).await;
    let report = stage.examine().await;
    assert_found(&report, "compression", Severity::Info, "are compressed");
    assert!(ids(&report, State::Fine).contains(&"compression") && !report.has_findings());
    stage.house.close().await;
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_told_of() {
    let stage = Stage::behind(Meddling::default()).await;
    let now = crate::stage::NOW;
    assert_found(&stage.examine_at(now + 20).await, "clock", Severity::Low, "more than five seconds");
    assert_found(&stage.examine_at(now - 90).await, "clock", Severity::High, "more than a minute");
    stage.house.close().await;
}

#[tokio::test]
async fn an_echo_of_requests_is_told_of() {
    let echo = Meddling {
        instead: |parts| {
            let is_trace = parts.method == http::Method::TRACE;
            is_trace.then(|| bare(StatusCode::OK, "TRACE / HTTP/1.1\r\nx-doctor-mark: cloakroom-doctor-was-here\r\n"))
        },
        ..Meddling::default()
    };
    finds(echo, "methods", Severity::High, "echo of the request").await;
}
