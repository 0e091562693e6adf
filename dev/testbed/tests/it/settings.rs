//! What the configuration changes, seen from outside.

use cloakroom_testbed::{House, PASSWORD};
use http::StatusCode;
use serde_json::json;

#[tokio::test]
async fn a_hash_of_yesterdays_parameters_is_renewed_at_log_in() {
    let mut house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    house.restart_with("[password]\nmemory_kib = 8192").await;
    ann.log_in("ann@example.com").await;
    let database = |house: &House| {
        let wal = std::fs::read(house.folder().join("cloakroom.db-wal")).unwrap_or_default();
        let all = [std::fs::read(house.database()).unwrap(), wal].concat();
        String::from_utf8_lossy(&all).into_owned()
    };
    assert!(database(&house).contains("$argon2id$v=19$m=8192,t=1,p=1$"));
    ann.log_in("ann@example.com").await;
    house.close().await;
}

#[tokio::test]
async fn every_algorithm_that_can_be_configured_works_and_can_be_changed_while_sessions_live() {
    let mut house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    for algorithm in ["ES256", "RS256", "HS256", "EdDSA"] {
        house.restart_with(&format!("[tokens]\nalgorithm = \"{algorithm}\"")).await;
        // The next key is announced before it signs.
        house.running().do_chores().await.unwrap();
        house.advance(901);
        assert_eq!(ann.refresh().await.status, StatusCode::OK, "{algorithm}");
        assert_eq!(ann.status_of_app().await, StatusCode::OK, "{algorithm}");
        let bearer = house.echo.one().header("authorization").unwrap().to_owned();
        assert_eq!(header_of(&bearer)["alg"], algorithm);
        assert_eq!(header_of(&bearer)["typ"], "at+jwt");
    }
    house.close().await;
}

#[tokio::test]
async fn asvs_3_7_5_a_browser_without_secure_cookies_on_loopback_gets_plain_ones() {
    let house = House::with("[server]\ninsecure_loopback_cookies = true").await;
    let ann = house.signed_in("ann@example.com").await;
    assert!(ann.cookie("cloakroom").is_some() && ann.cookie("cloakroom-refresh").is_some());
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.advance(301);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    assert_eq!(house.echo.one().header("cookie"), None, "not forwarded under that name either");
    house.close().await;
}

#[tokio::test]
async fn only_a_listed_proxy_says_who_the_client_is() {
    let house = House::with("[server]\ntrusted_proxies = [\"127.0.0.1\"]").await;
    let guest = house.guest();
    guest.send("GET", "/x", &[("x-forwarded-for", "6.6.6.6, 203.0.113.7"), ("x-forwarded-proto", "https")], "").await;
    let seen = house.echo.one();
    assert_eq!(seen.header("x-forwarded-for"), Some("203.0.113.7"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
    house.close().await;
}

#[tokio::test]
async fn a_log_in_storm_is_refused_politely_once_the_queue_is_full() {
    let house = House::with("[password]\nthreads = 1\nqueue = 1\nmemory_kib = 65536").await;
    let guest = house.guest();
    let login = json!({ "email": "ann@example.com", "password": PASSWORD });
    let storm = (0..16).map(|_| guest.fetch("POST", "/auth/login", Some(login.clone())));
    let answers = futures_util::future::join_all(storm).await;
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE).collect();
    assert!(!busy.is_empty() && busy.len() < 16, "{} of 16", busy.len());
    assert!(busy.iter().all(|answer| answer.code() == "busy" && answer.header("retry-after") == "2"));
    house.close().await;
}

fn header_of(bearer: &str) -> serde_json::Value {
    use base64::Engine as _;
    let header = bearer.trim_start_matches("Bearer ").split('.').next().unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap()
}
