//! What an upstream sees, and who may pass.

use cloakroom_testbed::House;
use http::StatusCode;

#[tokio::test]
async fn bba_17_an_upstream_gets_a_token_for_itself_and_none_of_our_cookies() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    ann.plant("theme", "/", "dark");
    let forged = [
        ("x-user", "root"),
        ("x_remote_user", "root"),
        ("remote-user", "root"),
        ("authorization", "Bearer forged"),
        ("connection", "authorization, x-custom"),
        ("x-forwarded-for", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
        ("x-original-url", "/admin"),
    ];
    assert_eq!(ann.send("GET", "/app/x?y=1", &forged, "").await.status, StatusCode::OK);
    let seen = house.echo.one();
    assert_eq!(seen.target, "/app/x?y=1");
    assert_eq!(seen.header("cookie"), Some("theme=dark"));
    let bearer = seen.header("authorization").unwrap();
    assert!(bearer.starts_with("Bearer ey") && bearer.len() > 200);
    for gone in ["x-user", "x_remote_user", "remote-user", "x-original-url"] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    // The same token is not good as a cookie: its audience is another.
    let thief = house.guest();
    thief.plant("__Host-Http-cloakroom", "/", bearer.trim_start_matches("Bearer "));
    assert_eq!(thief.status_of_app().await, StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[tokio::test]
async fn a_program_is_told_and_a_person_is_led_to_the_log_in() {
    let house = House::start().await;
    let guest = house.guest();
    let told = guest.fetch("GET", "/app/x", None).await;
    assert_eq!((told.status, told.code().as_str()), (StatusCode::UNAUTHORIZED, "signed-out"));
    assert_eq!(told.json()["login"], format!("{}/auth/login", house.origin()));
    assert!(told.header("location").is_empty());
    let led = guest.visit("/app/x?y=1").await;
    assert_eq!(
        (led.status, led.header("location")),
        (StatusCode::SEE_OTHER, "/auth/login?return_to=%2Fapp%2Fx%3Fy%3D1")
    );
    assert!(house.echo.take().is_empty());
    house.close().await;
}

#[tokio::test]
async fn public_optional_and_signed_in_routes_differ_as_they_say() {
    let house = House::start().await;
    let (guest, ann) = (house.guest(), house.signed_in("ann@example.com").await);
    assert_eq!(guest.fetch("GET", "/open/x", None).await.status, StatusCode::OK);
    assert_eq!(house.echo.one().header("authorization"), None);
    let personal = ann.fetch("GET", "/open/x", None).await;
    assert_eq!(personal.header("cache-control"), "no-store");
    assert!(house.echo.one().header("authorization").is_some());
    assert_eq!(ann.fetch("GET", "/elsewhere", None).await.status, StatusCode::OK);
    assert_eq!(house.echo.one().header("authorization"), None, "a public route learns nothing");
    house.close().await;
}

#[tokio::test]
async fn no_spelling_of_a_path_reaches_another_routes_rule() {
    let house = House::start().await;
    let guest = house.guest();
    for path in [
        "/x/../app/x",
        "/x/%2e%2e/app/x",
        "/x/..%2fapp/x",
        "/x%2f..%2fapp/x",
        "/%2e/app/x",
        "/app%2fx",
        "/%61pp/x",
        "//app/x",
        "/x/..%5capp/x",
        "/x/%252e%252e/app/x",
        "/x/..;/app/x",
        "/APP/x",
        "/app%00/x",
        "/./app/x",
        "/%2561pp/x",
        "/x/../auth/me",
    ] {
        let answer = guest.fetch("GET", path, None).await;
        assert!(
            [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED].contains(&answer.status),
            "{path} passed: {}",
            answer.status
        );
    }
    assert!(house.echo.take().is_empty(), "nothing reached the upstream");
    house.close().await;
}
