//! Several accounts in one browser: each under a path of its own, with cookies of its own.

use cloakroom_testbed::{Guest, House, PASSWORD};
use http::StatusCode;
use serde_json::json;

async fn log_in(guest: &Guest, prefix: &str, email: &str) {
    let body = json!({ "email": email, "password": PASSWORD });
    let answer = guest.fetch("POST", &format!("{prefix}/auth/signup"), Some(body.clone())).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let answer = guest.fetch("POST", &format!("{prefix}/auth/login"), Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
}

async fn who(guest: &Guest, prefix: &str) -> String {
    let me = guest.fetch("GET", &format!("{prefix}/auth/me"), None).await;
    me.json()["account"]["email"].as_str().unwrap_or("nobody").to_owned()
}

#[tokio::test]
async fn each_slot_has_its_account_and_log_out_of_one_leaves_the_other() {
    let house = House::with("[session]\nslots = 3").await;
    let browser = house.guest();
    log_in(&browser, "", "ann@example.com").await;
    log_in(&browser, "/u/1", "bob@example.com").await;
    assert_eq!(
        (who(&browser, "").await, who(&browser, "/u/0").await),
        ("ann@example.com".into(), "ann@example.com".into())
    );
    assert_eq!((who(&browser, "/u/1").await, who(&browser, "/u/2").await), ("bob@example.com".into(), "nobody".into()));

    // Requests to applications: the path without the slot, the token of its account, no cookie of any slot.
    assert_eq!(browser.fetch("GET", "/u/1/app/x?q=1", None).await.status, StatusCode::OK);
    let seen = house.echo.take().pop().unwrap();
    assert_eq!((seen.target.as_str(), seen.header("x-forwarded-prefix")), ("/app/x?q=1", Some("/u/1")));
    assert_eq!(seen.header("cookie"), None, "{:?}", seen.headers);

    // Refresh and log-out, each in its own slot.
    house.advance(301);
    assert_eq!(browser.fetch("GET", "/u/1/app/x", None).await.code(), "access-expired");
    assert_eq!(browser.fetch("POST", "/u/1/auth/refresh", None).await.status, StatusCode::OK);
    assert_eq!((who(&browser, "/u/1").await, who(&browser, "").await), ("bob@example.com".into(), "nobody".into()));
    assert_eq!(browser.fetch("POST", "/auth/refresh", None).await.status, StatusCode::OK);
    let out = browser.fetch("POST", "/u/1/auth/logout", None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(out.header("clear-site-data"), "\"cache\"", "storage belongs to the other account as well");
    assert_eq!((who(&browser, "/u/1").await, who(&browser, "").await), ("nobody".into(), "ann@example.com".into()));
    house.close().await;
}

#[tokio::test]
async fn a_person_is_led_within_the_slot() {
    let house = House::with("[session]\nslots = 2").await;
    let browser = house.guest();
    let led = browser.visit("/u/1/app/x").await;
    assert_eq!(led.header("location"), "/u/1/auth/login?return_to=%2Fapp%2Fx");
    let page = browser.visit("/u/1/auth/login?return_to=/u/1/app/x").await.text().replace("&#x2f;", "/");
    assert!(page.contains("action=\"/u/1/auth/login\"") && page.contains("value=\"/app/x\""), "{page}");
    let token = page.split("name=\"cloakroom_csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    browser.sign_up("bob@example.com").await;
    let fields = [
        ("cloakroom_csrf", token.as_str()),
        ("email", "bob@example.com"),
        ("password", PASSWORD),
        ("return_to", "/app/x"),
    ];
    let done = browser.submit("/u/1/auth/login", &fields).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/u/1/app/x"), "{}", done.text());
    assert_eq!(browser.visit("/u/1/app/x").await.status, StatusCode::OK);
    house.advance(301);
    let led = browser.visit("/u/1/app/x").await;
    assert_eq!(led.header("location"), "/u/1/auth/refresh?return_to=%2Fapp%2Fx");
    let back = browser.visit("/u/1/auth/refresh?return_to=%2Fapp%2Fx").await;
    assert_eq!(back.header("location"), "/u/1/app/x");
    house.close().await;
}

#[tokio::test]
async fn a_form_of_one_slot_is_worth_nothing_in_another() {
    let house = House::with("[session]\nslots = 2").await;
    let browser = house.guest();
    log_in(&browser, "", "ann@example.com").await;
    log_in(&browser, "/u/1", "bob@example.com").await;
    let token = browser.fetch("GET", "/auth/csrf", None).await.json()["csrf"].as_str().unwrap().to_owned();
    let refused = browser.submit("/u/1/auth/logout", &[("cloakroom_csrf", &token)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(who(&browser, "/u/1").await, "bob@example.com");
    house.close().await;
}

#[tokio::test]
async fn with_one_slot_such_paths_are_the_applications_own() {
    let house = House::start().await;
    assert_eq!(house.guest().fetch("GET", "/u/1/x", None).await.status, StatusCode::OK);
    assert_eq!(house.echo.take().pop().unwrap().target, "/u/1/x");
    assert_eq!(house.guest().fetch("GET", "/u/1/auth/me", None).await.status, StatusCode::OK, "the echo's answer");
    house.close().await;
}
