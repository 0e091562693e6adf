//! Every row of the route table, tried as a stranger, as another site, and with what it does not read. A new route cannot
//! forget its guard, because it is tried here as soon as it is in the table.

use cloakroom_testbed::{Answer, House};
use cloakroom_web::table::{Body, Cache, Guard, ROUTES, Row, Speaks};
use http::StatusCode;

const PAGE: &str = "text/html,*/*;q=0.8";

/// A path of the row, with something in the place of `{id}`.
fn path(row: &Row) -> String {
    row.path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA")
}

/// Where the cross-site rules apply: not where what a service shows, in a header, the body or a signature, is all the authority.
fn browsers_call(row: &Row) -> bool {
    !matches!(row.guard, Guard::Service | Guard::Provider | Guard::Client)
}

fn rows() -> impl Iterator<Item = &'static Row> {
    assert!(ROUTES.len() > 15, "the table is all there");
    ROUTES.iter()
}

/// Headers that every answer carries, whatever it says.
fn assert_shielded(row: &Row, answer: &Answer) {
    let at = format!("{} {}: {:?}", row.method, row.path, answer.headers);
    assert_eq!(answer.header("x-content-type-options"), "nosniff", "{at}");
    assert!(!answer.header("referrer-policy").is_empty() && !answer.header("permissions-policy").is_empty(), "{at}");
    assert!(answer.header("content-security-policy").contains("frame-ancestors"), "{at}");
    assert!(!answer.header("cross-origin-resource-policy").is_empty(), "{at}");
    assert!(answer.headers.get("strict-transport-security").is_none(), "not over http: {at}");
    if row.cache == Cache::NoStore || !answer.cookies().is_empty() || answer.status.is_client_error() {
        assert_eq!(answer.header("cache-control"), "no-store", "{at}");
    }
    if answer.header("content-type").starts_with("text/html") {
        let csp = answer.header("content-security-policy");
        for part in
            ["default-src 'none'", "base-uri 'none'", "form-action 'self'", "require-trusted-types-for 'script'"]
        {
            assert!(csp.contains(part), "{part}: {at}");
        }
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin", "{at}");
    }
}

#[tokio::test]
async fn a_stranger_is_refused_where_a_session_is_needed() {
    let house = House::start().await;
    for row in rows() {
        let stranger = house.guest();
        let answer = match row.speaks {
            Speaks::Json => stranger.fetch(row.method, &path(row), None).await,
            Speaks::Html => stranger.visit(&path(row)).await,
        };
        assert_shielded(row, &answer);
        let refused = match row.speaks {
            Speaks::Json => answer.status == StatusCode::UNAUTHORIZED,
            Speaks::Html => answer.header("location").starts_with("/auth/login"),
        };
        if row.guard == Guard::Service {
            assert_eq!(answer.code(), "feed-not-offered", "{} {}", row.method, row.path);
        }
        if row.guard == Guard::Client {
            assert_eq!(answer.json()["error"], "invalid_request", "{} {}", row.method, row.path);
        }
        if row.guard == Guard::SignedIn {
            assert!(refused, "{} {} let a stranger in: {}", row.method, row.path, answer.status);
        }
    }
    house.close().await;
}

#[tokio::test]
async fn another_site_is_refused_wherever_something_changes() {
    let house = House::start().await;
    for row in rows().filter(|row| browsers_call(row) && row.method != "GET" && row.body != Body::Report) {
        for (site, origin) in
            [("cross-site", "https://evil.example"), ("same-site", "http://other.localhost"), ("same-origin", "null")]
        {
            let ann = house.signed_in("ann@example.com").await;
            for content_type in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
                let headers = [("sec-fetch-site", site), ("origin", origin), ("content-type", content_type)];
                let answer = ann.send(row.method, &path(row), &headers, "{}").await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {} from {site}", row.method, row.path);
                assert_shielded(row, &answer);
            }
            assert_eq!(ann.status_of_app().await, StatusCode::OK, "{} {} did something", row.method, row.path);
        }
    }
    house.close().await;
}

#[tokio::test]
async fn what_a_form_could_send_needs_a_token_everywhere() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let eve = house.signed_in("eve@example.com").await;
    let foreign = eve.fetch("GET", "/auth/csrf", None).await.json()["csrf"].as_str().unwrap().to_owned();
    for row in rows().filter(|row| browsers_call(row) && row.method == "POST" && row.body != Body::Report) {
        let with_foreign = format!("cloakroom_csrf={foreign}");
        for body in ["", "cloakroom_csrf=", with_foreign.as_str(), "email=a"] {
            let headers = [
                ("sec-fetch-site", "same-origin"),
                ("content-type", "application/x-www-form-urlencoded"),
                ("accept", PAGE),
            ];
            let answer = ann.send(row.method, &path(row), &headers, body.to_owned()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{} {} took {body:?}", row.method, row.path);
        }
        assert_eq!(ann.status_of_app().await, StatusCode::OK, "{} {} did something", row.method, row.path);
    }
    house.close().await;
}

#[tokio::test]
async fn asvs_3_5_2_content_types_that_a_route_does_not_read_are_refused() {
    let house = House::start().await;
    for row in rows().filter(|row| browsers_call(row) && row.body != Body::None && row.method != "GET") {
        let ann = house.signed_in("ann@example.com").await;
        let token = ann.fetch("GET", "/auth/csrf", None).await.json()["csrf"].as_str().unwrap().to_owned();
        for content_type in ["text/plain", "multipart/form-data; boundary=x", "application/xml"] {
            let headers =
                [("sec-fetch-site", "same-origin"), ("content-type", content_type), ("cloakroom-csrf", token.as_str())];
            let answer = ann.send(row.method, &path(row), &headers, "{}").await;
            assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{} {} {content_type}", row.method, row.path);
        }
    }
    house.close().await;
}

#[tokio::test]
async fn asvs_3_5_3_no_get_changes_anything_for_who_is_signed_in() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    // A refresh that a navigation asks for is the one exception, and needs the Strict cookie.
    for row in rows().filter(|row| row.method == "GET" && row.path != "/auth/refresh") {
        let before = ann.cookie("__Host-Http-cloakroom");
        let answer = ann.visit(&path(row)).await;
        assert!(answer.cookies().is_empty(), "{} sets a cookie", row.path);
        assert_eq!(ann.cookie("__Host-Http-cloakroom"), before);
    }
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn br_13_other_methods_are_refused_and_nothing_is_echoed() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let mut paths: Vec<_> = rows().map(path).collect();
    paths.dedup();
    for path in paths.into_iter().chain(["/app/x".to_owned(), "/".to_owned()]) {
        for method in ["TRACE", "TRACK"] {
            let answer = ann.send(method, &path, &[("x-canary", "canary")], "").await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            assert!(!answer.text().contains("canary"));
        }
    }
    let wrong = ann.fetch("DELETE", "/auth/login", None).await;
    assert_eq!((wrong.status, wrong.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST, GET"));
    assert!(house.echo.take().iter().all(|request| !request.method.starts_with("TRA")));
    house.close().await;
}
