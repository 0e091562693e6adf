//! Accounts: sign-up, log-in, log-out, me; by JSON and by pages.

use cloakroom_testbed::{House, PASSWORD};
use http::StatusCode;
use serde_json::json;

const ACCESS: &str = "__Host-Http-cloakroom";
const DEVICE: &str = "__Secure-cloakroom-device";
const REFRESH: &str = "__Secure-cloakroom-refresh";

#[tokio::test]
async fn somebody_signs_up_logs_in_is_somebody_and_logs_out() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let me = ann.fetch("GET", "/auth/me", None).await.json();
    assert_eq!(me["account"]["email"], "ann@example.com");
    assert_eq!(ann.status_of_app().await, StatusCode::OK);

    let bearer = house.echo.one().header("authorization").unwrap().to_owned();
    assert!(bearer.starts_with("Bearer ey"), "{bearer}");
    let out = ann.fetch("POST", "/auth/logout", None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!((ann.cookie(ACCESS), ann.cookie(REFRESH)), (None, None));
    assert_eq!(ann.fetch("GET", "/auth/me", None).await.code(), "signed-out");
    house.close().await;
}

#[tokio::test]
async fn asvs_7_4_1_a_copied_cookie_is_refused_from_log_out_on() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let thief = ann.copied();
    assert_eq!(thief.status_of_app().await, StatusCode::OK, "the copy is good before");
    ann.fetch("POST", "/auth/logout", None).await;
    assert_eq!(thief.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert_eq!(thief.refresh().await.code(), "session-ended");
    house.close().await;
}

#[tokio::test]
async fn whether_an_address_is_taken_shows_in_no_answer() {
    let house = House::start().await;
    let ann = house.guest();
    ann.sign_up("ann@example.com").await;
    let again = json!({ "email": "Ann@Example.com", "password": PASSWORD });
    let fresh = json!({ "email": "bob@example.com", "password": PASSWORD });
    let (taken, new) =
        (ann.fetch("POST", "/auth/signup", Some(again)).await, ann.fetch("POST", "/auth/signup", Some(fresh)).await);
    assert_eq!((taken.status, taken.text()), (new.status, new.text()));

    let wrong = json!({ "email": "ann@example.com", "password": "another password of hers" });
    let nobody = json!({ "email": "eve@example.com", "password": "another password of hers" });
    let (known, unknown) =
        (ann.fetch("POST", "/auth/login", Some(wrong)).await, ann.fetch("POST", "/auth/login", Some(nobody)).await);
    assert_eq!(known.status, StatusCode::UNAUTHORIZED);
    assert_eq!((known.status, known.text()), (unknown.status, unknown.text()));
    assert!(known.cookies().is_empty());
    // The first sign-up's password still opens the account: the second changed nothing.
    ann.log_in("ann@example.com").await;
    house.close().await;
}

#[tokio::test]
async fn bad_input_is_told_what_to_do_and_changes_nothing() {
    let house = House::start().await;
    let guest = house.guest();
    for (path, body, status, code) in [
        ("/auth/signup", json!({ "email": "nonsense", "password": PASSWORD }), 422, "bad-email"),
        ("/auth/signup", json!({ "email": "a@b.c", "password": "short" }), 422, "bad-password"),
        ("/auth/signup", json!({ "email": "a@b.c", "password": "aaaaaaaaaaaaaaaaaa" }), 422, "bad-password"),
        ("/auth/signup", json!({ "email": "a@b.c" }), 400, "bad-request"),
        ("/auth/signup", json!({ "email": "a@b.c", "password": 7 }), 400, "bad-request"),
        ("/auth/signup", json!([1, 2]), 400, "bad-request"),
        ("/auth/login", json!({ "email": "a@b.c", "password": "" }), 400, "bad-request"),
        (
            "/auth/login",
            json!({ "email": "a@b.c", "password": PASSWORD, "strategy": "native" }),
            422,
            "strategy-not-offered",
        ),
    ] {
        let answer = guest.fetch("POST", path, Some(body.clone())).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{body}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert!(answer.json()["detail"].as_str().unwrap().len() > 10);
    }
    let large = format!("{{\"email\":\"{}\"}}", "a".repeat(20_000));
    let headers = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let answer = guest.send("POST", "/auth/signup", &headers, large).await;
    assert_eq!(answer.code(), "too-large");
    house.close().await;
}

#[tokio::test]
async fn the_pages_do_the_same_without_any_script() {
    let house = House::start().await;
    let ann = house.guest();
    let page = ann.visit("/auth/signup?return_to=/app/start").await;
    assert_eq!(page.status, StatusCode::OK, "{}", cloakroom_testbed::Watch::logged());
    let fields = [
        ("cloakroom_csrf", &*hidden(&page.text(), "cloakroom_csrf")),
        ("return_to", "/app/start"),
        ("email", "ann@example.com"),
        ("password", PASSWORD),
    ];
    let signed_up = ann.submit("/auth/signup", &fields).await;
    assert_eq!(signed_up.status, StatusCode::SEE_OTHER, "{}", signed_up.text());
    let login = ann.visit(signed_up.header("location")).await;
    assert!(login.text().contains("its account is ready"));

    let csrf = hidden(&login.text(), "cloakroom_csrf");
    let wrong = [
        ("cloakroom_csrf", &*csrf),
        ("return_to", "/app/start"),
        ("email", "ann@example.com"),
        ("password", "wrong wrong wrong"),
    ];
    let refused = ann.submit("/auth/login", &wrong).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(refused.text().contains("role=\"alert\"") && refused.text().contains("value=\"ann@example.com\""));

    let right = [
        ("cloakroom_csrf", &*csrf),
        ("return_to", "/app/start"),
        ("email", "ann@example.com"),
        ("password", PASSWORD),
        ("remember", "on"),
    ];
    let entered = ann.submit("/auth/login", &right).await;
    assert_eq!((entered.status, entered.header("location")), (StatusCode::SEE_OTHER, "/app/start"));
    assert!(
        entered.cookies().iter().all(|cookie| cookie.contains("; Max-Age=2592000") || cookie.contains("-device=")),
        "remembered: {:?}",
        entered.cookies()
    );

    let account = ann.visit("/auth/account").await;
    assert!(account.text().contains("ann@example.com") && account.text().contains("this one"));
    let out = ann.submit("/auth/logout", &[("cloakroom_csrf", &hidden(&account.text(), "cloakroom_csrf"))]).await;
    assert_eq!(out.header("location"), "/auth/login?notice=logged-out");
    let gone = ann.visit("/auth/account").await;
    assert_eq!(gone.header("location"), "/auth/login?return_to=%2Fauth%2Faccount");
    house.close().await;
}

#[tokio::test]
async fn asvs_7_2_4_a_log_in_replaces_the_session_that_the_browser_had() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let before = ann.copied();
    ann.log_in("ann@example.com").await;
    assert_eq!(before.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn the_others_or_all_sessions_end_at_once() {
    let house = House::start().await;
    let here = house.signed_in("ann@example.com").await;
    let (there, elsewhere) = (house.guest(), house.guest());
    there.log_in("ann@example.com").await;
    elsewhere.log_in("ann@example.com").await;
    let bob = house.signed_in("bob@example.com").await;

    assert_eq!(here.fetch("POST", "/auth/logout/others", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(there.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert_eq!(here.status_of_app().await, StatusCode::OK);

    there.log_in("ann@example.com").await;
    assert_eq!(here.fetch("POST", "/auth/logout/all", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        (there.status_of_app().await, elsewhere.status_of_app().await),
        (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED)
    );
    assert_eq!(bob.status_of_app().await, StatusCode::OK, "nobody else's");
    house.close().await;
}

#[tokio::test]
async fn asvs_3_3_1_cookies_have_prefix_and_every_attribute() {
    let house = House::start().await;
    let ann = house.guest();
    ann.sign_up("ann@example.com").await;
    let cookies = ann.log_in("ann@example.com").await.cookies();
    let attributes = |name: &str| {
        let cookie = cookies.iter().find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap();
        assert!(cookie.len() < 1024, "CK-01: {}", cookie.len());
        cookie.split_once("; ").unwrap().1.to_owned()
    };
    assert_eq!(attributes(ACCESS), "Path=/; HttpOnly; Secure; SameSite=Lax");
    assert_eq!(attributes(REFRESH), "Path=/auth/refresh; HttpOnly; Secure; SameSite=Strict");
    assert_eq!(attributes(DEVICE), "Path=/auth; HttpOnly; Secure; SameSite=Lax; Max-Age=34560000");
    assert_eq!(cookies.len(), 3);
    house.close().await;
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> String {
    let marker = format!("name=\"{name}\" value=\"");
    page.split_once(&marker).unwrap().1.split('"').next().unwrap().to_owned()
}
