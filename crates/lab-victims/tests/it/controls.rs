//! Each control has the weakness that it was built for, each row the one that its tutorials leave it.

use bytes::Bytes;
use cloakroom_lab_victims::{Bank, What, falls};
use http::{Method, StatusCode, header};
use serde_json::json;

use crate::visitor::{CANARY, PASSWORD, Visitor, pass, text};

const ATTACKS: &[&str] = &[
    "A1", "A2", "A2b", "A3", "A3b", "A4", "A5", "A6", "C1", "C2", "C3", "C4", "C5", "C6", "C7", "C8", "C9", "C10",
    "U1", "U2", "N1", "R1", "R2", "R3", "M1", "M2", "M3", "L1", "L2", "L3", "L4", "L5",
];

#[test]
fn every_attack_has_a_victim_that_exists() {
    for attack in ATTACKS {
        assert!(Bank::strategies().iter().any(|info| info.id == falls(attack)), "{attack}");
    }
    assert_eq!(falls("Z9"), "");
}

#[tokio::test]
async fn the_first_control_pays_by_get() {
    for (strategy, status) in [("control-get", StatusCode::OK), ("control-none", StatusCode::NOT_FOUND)] {
        let mut ann = Visitor::inside(strategy).await;
        assert_eq!(ann.get("/api/transfer?to=evil&amount=5").await.status(), status, "{strategy}");
        let paid = ann.deeds().contains(&What::Transferred { to: "evil".into(), amount: 5 });
        assert_eq!(paid, status == StatusCode::OK);
    }
}

#[tokio::test]
async fn the_second_control_keeps_the_name_that_it_was_given_and_ends_nothing() {
    let mut ann = Visitor::of("control-none");
    ann.cookies.insert("sid".into(), "chosen-by-mallory".into());
    ann.log_in(PASSWORD).await;
    assert_eq!(ann.cookies["sid"], "chosen-by-mallory");
    let mut mallory = ann.clone();
    assert_eq!(mallory.profile().await, StatusCode::OK);
    ann.post("/api/logout", &json!({})).await;
    assert_eq!(mallory.profile().await, StatusCode::OK);
    assert!(mallory.deeds().contains(&What::LoggedOut));
}

#[tokio::test]
async fn the_second_control_puts_its_session_into_addresses_logs_and_caches() {
    let mut ann = Visitor::of("control-none");
    let form = "email=ann%40bank.test&password=amber+kettle+river";
    let login = ann.form("/api/login", "application/x-www-form-urlencoded", form).await;
    let to = login.headers()[header::LOCATION].to_str().unwrap().to_owned();
    assert_eq!(to, format!("/?token={}", ann.cookies["sid"]));
    let mut thief = ann.stranger();
    let page = thief.get(&to).await;
    assert!(text(&page).contains(CANARY));
    assert_eq!(page.headers().get(header::CACHE_CONTROL), None);
    let profile = ann.get("/profile/x.css").await;
    assert_eq!(profile.headers()[header::CACHE_CONTROL], "public, max-age=600");
    assert_eq!(page.headers()[header::REFERRER_POLICY], "unsafe-url");
    assert_eq!(page.headers()["service-worker-allowed"], "/");
    let log = ann.bank.access_log("control-none").join("\n");
    assert!(log.contains(&to) && log.contains(PASSWORD));
    let mut trace = ann.request(&Method::TRACE, "/").body(Bytes::new()).unwrap();
    trace.headers_mut().insert("x-secret", "s3cret".parse().unwrap());
    assert!(text(&ann.send(trace).await).contains("x-secret: s3cret"));
}

#[tokio::test]
async fn the_third_control_has_a_cookie_that_plain_http_carries() {
    let mut ann = Visitor::of("control-plain");
    let answer = ann.post("/api/login", &json!({ "email": crate::visitor::EMAIL, "password": PASSWORD })).await;
    let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(!cookie.contains("Secure"), "{cookie}");
}

#[tokio::test]
async fn cookies_have_the_attributes_of_their_row() {
    let day = "Max-Age=86400; Path=/; Secure";
    let rows = [
        ("S8", format!("{day}; SameSite=Lax")),
        ("S9", format!("{day}; HttpOnly; SameSite=None")),
        ("S10", format!("{day}; HttpOnly; SameSite=Lax")),
        ("S10d", format!("{day}; HttpOnly")),
        ("S11", format!("{day}; HttpOnly; SameSite=Strict")),
        ("S12", format!("{day}; SameSite=Lax")),
        ("S13", format!("{day}; HttpOnly; SameSite=Lax")),
        ("S14", "Max-Age=604800; Path=/refresh; Secure; HttpOnly; SameSite=Strict".to_owned()),
        ("S15", "Path=/; Secure; HttpOnly; SameSite=Strict".to_owned()),
        ("S16", "Path=/; Secure; HttpOnly; SameSite=Strict".to_owned()),
    ];
    for (strategy, expected) in rows {
        let mut ann = Visitor::of(strategy);
        let answer = ann.post("/api/login", &json!({ "email": crate::visitor::EMAIL, "password": PASSWORD })).await;
        let cookie = answer.headers()[header::SET_COOKIE].to_str().unwrap();
        assert_eq!(cookie.split_once("; ").unwrap().1, expected, "{strategy}");
        let name = Bank::strategies().iter().find(|info| info.id == strategy).unwrap().cookies[0];
        assert!(cookie.starts_with(&format!("{name}=")), "{strategy}");
    }
}

#[tokio::test]
async fn only_sessions_that_the_server_remembers_end_at_a_log_out() {
    let ends = ["S15", "S18", "control-get", "control-plain"];
    for info in Bank::strategies().iter().filter(|info| info.id != "behind") {
        let mut ann = Visitor::inside(info.id).await;
        let mut copy = ann.clone();
        let refresh = ann.tokens["refresh_token"].clone();
        ann.post("/api/logout", &json!({ "refresh_token": refresh })).await;
        let expected = if ends.contains(&info.id) { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
        assert_eq!(copy.profile().await, expected, "{}", info.id);
    }
}

#[tokio::test]
async fn a_link_logs_out_where_tutorials_have_one() {
    let mut ann = Visitor::inside("S10").await;
    let request = ann.request(&Method::GET, "/logout").header(header::ACCEPT, "text/html").body(Bytes::new()).unwrap();
    let answer = ann.send(request).await;
    assert_eq!((answer.status(), ann.cookies.len()), (StatusCode::SEE_OTHER, 0));
    assert_eq!(Visitor::inside("S15").await.get("/logout").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_refresh_token_of_the_tutorials_is_good_again_and_again_until_the_log_out() {
    let mut ann = Visitor::inside("S1").await;
    let refresh = json!({ "refresh_token": ann.tokens["refresh_token"] });
    pass(1000);
    assert_eq!(ann.profile().await, StatusCode::UNAUTHORIZED);
    let mut thief = ann.clone();
    for visitor in [&mut ann, &mut thief] {
        let renewed = visitor.post("/api/refresh", &refresh).await;
        visitor.tokens["access_token"] = crate::visitor::body(&renewed)["access_token"].clone();
        assert_eq!(visitor.profile().await, StatusCode::OK);
    }
    ann.post("/api/logout", &refresh).await;
    assert_eq!(thief.post("/api/refresh", &refresh).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ann.deeds().iter().filter(|what| **what == What::Refreshed).count(), 2);
    let mut late = Visitor::inside("S1").await;
    pass(7 * 86_400);
    let refresh = json!({ "refresh_token": late.tokens["refresh_token"] });
    assert_eq!(late.post("/api/refresh", &refresh).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_used_up_refresh_cookie_ends_its_family_and_a_log_out_does_too() {
    let mut ann = Visitor::inside("S14").await;
    let mut thief = ann.clone();
    assert_eq!(ann.post("/refresh", &json!({})).await.status(), StatusCode::OK);
    assert_ne!(ann.cookies["refresh_token"], thief.cookies["refresh_token"]);
    assert_eq!(thief.post("/refresh", &json!({})).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ann.post("/refresh", &json!({})).await.status(), StatusCode::UNAUTHORIZED);
    let mut bob = Visitor::inside("S14").await;
    let mut thief = bob.clone();
    bob.post("/refresh/logout", &json!({})).await;
    assert_eq!(thief.post("/refresh", &json!({})).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn opening_an_item_reaches_by_its_name_whatever_a_post_without_a_body_does() {
    // What the browser makes of /api/items/../delete?x=/like (RFC 3986 §5.2.4).
    for (strategy, status) in [("S1", StatusCode::OK), ("S10", StatusCode::OK), ("S15", StatusCode::OK)] {
        let mut ann = Visitor::inside(strategy).await;
        let request = ann.request(&Method::POST, "/api/delete?x=/like").body(Bytes::new()).unwrap();
        assert_eq!(ann.send(request).await.status(), status, "{strategy}");
        assert!(ann.deeds().contains(&What::AccountDeleted));
    }
}

#[tokio::test]
async fn a_post_of_the_lab_is_like_one_of_its_author() {
    for strategy in ["S1", "behind"] {
        let mut ann = Visitor::inside(strategy).await;
        let id = ann.bank.write_post(strategy, crate::visitor::EMAIL, "<b>hole</b>");
        assert!(ann.deeds().contains(&What::PostWritten { id: id.clone() }));
        assert_eq!(crate::visitor::body(&ann.get(&format!("/api/posts/{id}")).await)["html"], "<b>hole</b>");
        let none = ann.bank.write_post(strategy, "nobody@bank.test", "x");
        assert_eq!(ann.get(&format!("/preview/{none}")).await.status(), StatusCode::NOT_FOUND);
    }
}
