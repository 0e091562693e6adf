//! Attacks that once worked here, each as it was found.

use cloakroom_testbed::{House, PASSWORD};
use http::StatusCode;
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn a_withdrawn_key_stays_dead_after_its_mark_is_forgotten() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    assert_eq!(ann.status_of_app().await, StatusCode::OK, "the token is remembered as verified");
    let jwks = house.guest().fetch("GET", "/.well-known/jwks.json", None).await.json();
    let kid = jwks["keys"][0]["kid"].as_str().unwrap().parse().unwrap();
    assert!(house.running().app().withdraw_key(kid).await.is_ok());
    for seconds in [0, 299, 2, 600] {
        house.advance(seconds);
        house.running().do_chores().await.unwrap();
        let answer = ann.fetch("GET", "/app/x", None).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "signed-out"),
            "after {seconds} s"
        );
    }
    house.close().await;
}

#[tokio::test]
async fn l5_a_log_out_counts_although_the_client_left_before_the_answer() {
    let house = House::start().await;
    for _ in 0..8 {
        let ann = house.signed_in("ann@example.com").await;
        let thief = ann.copied();
        assert_eq!(thief.status_of_app().await, StatusCode::OK);
        let cookie = ann.cookie("__Host-Http-cloakroom").unwrap();
        let mut line = TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
        let request = format!(
            "POST /auth/logout HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nCookie: \
             __Host-Http-cloakroom={cookie}\r\nContent-Length: 0\r\n\r\n"
        );
        line.write_all(request.as_bytes()).await.unwrap();
        drop(line);
        let ended = async {
            while thief.status_of_app().await == StatusCode::OK {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(10), ended).await.is_ok(), "still alive");
    }
    house.close().await;
}

#[tokio::test]
async fn a_logged_out_token_of_a_longer_lived_configuration_stays_dead() {
    let mut house = House::with("[session]\naccess_for = \"1h\"").await;
    let ann = house.signed_in("ann@example.com").await;
    let thief = ann.copied();
    house.restart_with("[session]\naccess_for = \"30s\"").await;
    ann.fetch("POST", "/auth/logout", None).await;
    for _ in 0..4 {
        assert_eq!(thief.status_of_app().await, StatusCode::UNAUTHORIZED);
        house.advance(31);
        house.running().do_chores().await.unwrap();
    }
    house.close().await;
}

#[tokio::test]
async fn a_link_of_another_site_does_not_log_anybody_out() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    for path in
        ["/auth/refresh", "/auth/refresh?hop=1", "/auth/refresh?return_to=/app/x&hop=1", "/auth/login", "/auth/"]
    {
        let answer = ann.visit_from("cross-site", path).await;
        assert!(answer.cookies().is_empty(), "{path}: {:?}", answer.cookies());
    }
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn a_planted_device_cookie_makes_no_form_token_good_beside_a_session() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let sibling = house.guest();
    let token = sibling.fetch("GET", "/auth/csrf", None).await.json()["csrf"].as_str().unwrap().to_owned();
    let device = sibling.cookie("__Secure-cloakroom-device").unwrap();
    ann.plant("__Secure-cloakroom-device", "/", &device);
    let forged = ann.submit("/app/transfer", &[("to", "eve"), ("cloakroom_csrf", &token)]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    let forged = ann.submit("/auth/logout/all", &[("cloakroom_csrf", &token)]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);
    assert!(house.echo.take().is_empty());
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn two_planted_device_cookies_lock_nobody_out() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let access = ann.cookie("__Host-Http-cloakroom").unwrap();
    let cookies = format!("__Host-Http-cloakroom={access}; __Secure-cloakroom-device=a; __Secure-cloakroom-device=b");
    let stranger = house.guest();
    let answer = stranger.send("GET", "/app/x", &[("cookie", &cookies)], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn of_many_quickly_repeated_generations_only_the_newest_issues_stay_good() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let mut older = Vec::new();
    for _ in 0..3 {
        let second = ann.copied();
        ann.refresh().await;
        older.push(ann.copied());
        // The answer seems to have been lost: the same generation again, one issue further.
        assert_eq!(second.refresh().await.status, StatusCode::OK);
        let fresh = second.cookie("__Host-Http-cloakroom").unwrap();
        ann.plant("__Host-Http-cloakroom", "/", &fresh);
    }
    house.advance(10);
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    for (number, copy) in older.iter().enumerate() {
        assert_eq!(copy.status_of_app().await, StatusCode::UNAUTHORIZED, "generation {}", number + 1);
    }
    house.close().await;
}

#[tokio::test]
async fn a_name_that_somebody_else_resolved_to_us_is_not_answered() {
    let house = House::start().await;
    let guest = house.guest();
    for host in ["evil.example", "localhost.evil.example", "evil.example:80", ""] {
        let mut line = TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
        let request = format!("GET /x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        line.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut line, &mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 421"), "{host:?}: {answer}");
    }
    assert!(house.echo.take().is_empty());
    assert_eq!(guest.fetch("GET", "/x", None).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn looking_for_a_token_costs_nothing_for_strangers_and_little_for_others() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    // Sixty-four thousand bytes and no token: refused, and what was read of it goes nowhere.
    let body = "x".repeat(64 * 1024);
    let answer = ann.submit("/app/x", &[("note", &body)]).await;
    assert_eq!(answer.code(), "form-token-needed");
    let stranger = house.guest();
    stranger.plant("__Host-Http-cloakroom", "/", "junk");
    assert_eq!(stranger.submit("/elsewhere", &[("note", "x")]).await.status, StatusCode::OK, "public: not looked at");
    house.close().await;
}

#[tokio::test]
async fn ni_01_no_access_token_reaches_over_the_idle_end() {
    let house = House::with("[session]\nprofile = \"strict\"").await;
    let ann = house.signed_in("ann@example.com").await;
    house.advance(890);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    house.advance(10);
    assert_eq!(ann.status_of_app().await, StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[tokio::test]
async fn a_log_in_that_nobody_waits_for_is_not_worth_a_hash() {
    let house = House::with("[password]\nthreads = 1\nqueue = 8\nmemory_kib = 65536\npasses = 2").await;
    let guest = house.guest();
    guest.sign_up("ann@example.com").await;
    let body = json!({ "email": "ann@example.com", "password": PASSWORD }).to_string();
    for _ in 0..40 {
        let mut line = TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
        let request = format!(
            "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        line.write_all(request.as_bytes()).await.unwrap();
    }
    let entered = async {
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        while guest.fetch("POST", "/auth/login", Some(body.clone())).await.status != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), entered).await.is_ok());
    house.close().await;
}
