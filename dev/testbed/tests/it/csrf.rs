//! CSRF at the gateway: what reaches an upstream with a session.

use cloakroom_testbed::House;
use http::StatusCode;

#[tokio::test]
async fn a_single_page_app_needs_no_change_and_another_site_gets_nothing_through() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let own = ann.fetch(method, "/app/notes", Some(serde_json::json!({ "text": "x" }))).await;
        assert_eq!(own.status, StatusCode::OK, "{method}");
        assert!(house.echo.one().header("authorization").is_some());
        for (site, origin) in
            [("cross-site", "https://evil.example"), ("same-site", "http://a.localhost"), ("same-origin", "null")]
        {
            let headers = [("sec-fetch-site", site), ("origin", origin), ("content-type", "application/json")];
            let forged = ann.send(method, "/app/notes", &headers, "{}").await;
            assert_eq!(
                (forged.status, forged.code().as_str()),
                (StatusCode::FORBIDDEN, "cross-site"),
                "{method} {site}"
            );
        }
        assert!(house.echo.take().is_empty(), "nothing arrived");
    }
    house.close().await;
}

#[tokio::test]
async fn br_02_a_form_post_laundered_by_a_service_worker_needs_a_token() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let origin = house.origin();
    // This is what arrives when the application's own worker re-issues a cross-site form post.
    let laundered = [
        ("sec-fetch-site", "same-origin"),
        ("origin", origin.as_str()),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let refused = ann.send("POST", "/app/transfer", &laundered, "to=eve").await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, "form-token-needed"));
    assert!(house.echo.take().is_empty());

    let token = ann.fetch("GET", "/auth/csrf", None).await.json()["csrf"].as_str().unwrap().to_owned();
    let mut honest = laundered.to_vec();
    honest.push(("cloakroom-csrf", &token));
    assert_eq!(ann.send("POST", "/app/transfer", &honest, "to=bob").await.status, StatusCode::OK);
    assert_eq!(house.echo.one().body, b"to=bob");
    house.close().await;
}

#[tokio::test]
async fn a_plain_form_of_an_upstreams_page_works_with_the_token_that_the_page_was_given() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    ann.visit("/app/transfer").await;
    let token = house.echo.one().header("cloakroom-form-token").unwrap().to_owned();
    let sent = ann.submit("/app/transfer", &[("to", "bob"), ("cloakroom_csrf", &token), ("amount", "5")]).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
    let arrived = house.echo.one();
    assert_eq!(arrived.body, format!("to=bob&cloakroom_csrf={token}&amount=5").as_bytes(), "byte for byte");
    assert_eq!(arrived.header("cloakroom-csrf"), None);

    let eve = house.signed_in("eve@example.com").await;
    eve.visit("/app/transfer").await;
    let hers = house.echo.one().header("cloakroom-form-token").unwrap().to_owned();
    let forged = ann.submit("/app/transfer", &[("to", "eve"), ("cloakroom_csrf", &hers)]).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "somebody else's token");
    assert!(house.echo.take().is_empty());
    house.close().await;
}

#[tokio::test]
async fn a_web_socket_handshake_needs_the_right_origin() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    for (origin, site) in [("https://evil.example", "cross-site"), ("null", "same-origin")] {
        let headers = [
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("origin", origin),
            ("sec-fetch-site", site),
        ];
        assert_eq!(ann.send("GET", "/app/live", &headers, "").await.status, StatusCode::FORBIDDEN);
    }
    assert!(house.echo.take().is_empty());
    house.close().await;
}

#[tokio::test]
async fn asvs_3_5_8_what_belongs_to_a_session_is_not_embedded_elsewhere() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    for (site, mode, dest) in
        [("same-site", "no-cors", "image"), ("cross-site", "no-cors", "script"), ("same-site", "navigate", "iframe")]
    {
        let headers = [("sec-fetch-site", site), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)];
        let answer = ann.send("GET", "/app/picture", &headers, "").await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::FORBIDDEN, "cross-site"), "{site} {dest}");
    }
    assert!(house.echo.take().is_empty());
    house.close().await;
}

#[tokio::test]
async fn br_12_a_script_does_not_become_a_service_worker_unless_it_is_listed() {
    let house = House::with("[server]\nservice_workers = [\"/sw.js\"]").await;
    let guest = house.guest();
    let refused = guest.send("GET", "/uploads/evil.js", &[("service-worker", "script")], "").await;
    assert_eq!(refused.code(), "service-worker-refused");
    let listed = guest.send("GET", "/sw.js", &[("service-worker", "script")], "").await;
    assert_eq!(listed.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn ck_11_two_session_cookies_are_refused_not_guessed_at() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let own = ann.cookie("__Host-Http-cloakroom").unwrap();
    let stranger = house.guest();
    let both = format!("__Host-Http-cloakroom={own}; __Host-Http-cloakroom={own}");
    let answer = stranger.send("GET", "/app/x", &[("cookie", &both)], "").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, "duplicate-cookie"));
    // Somebody who typed the address is led to the log-in, with both cleared. If that did not help, they are told what to do, and
    // not by a document for programs; nothing reaches the application.
    let visit = [("cookie", both.as_str()), ("accept", "text/html"), ("sec-fetch-mode", "navigate")];
    let led_on = stranger.send("GET", "/app/x", &visit, "").await;
    assert_eq!((led_on.status, led_on.header("location")), (StatusCode::SEE_OTHER, "/auth/login?return_to=%2Fapp%2Fx"));
    assert!(led_on.cookies().iter().all(|cookie| cookie.ends_with("; Max-Age=0")) && led_on.cookies().len() > 2);
    let page = stranger.send("GET", "/auth/login", &visit, "").await;
    assert_eq!((page.status, page.header("cache-control")), (StatusCode::BAD_REQUEST, "no-store"));
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.header("content-type"));
    assert!(page.text().contains("came twice") && page.text().contains("cookies"), "{}", page.text());
    assert!(!page.text().contains(&own) && house.echo.take().is_empty());
    let look_alike = format!("\u{2000}__Host-Http-cloakroom={own}");
    assert_eq!(stranger.send("GET", "/app/x", &[("cookie", &look_alike)], "").await.code(), "signed-out");
    house.close().await;
}
