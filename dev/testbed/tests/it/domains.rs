//! A domain whose hosts share sessions, and pages elsewhere that may read answers.

use cloakroom_testbed::{Answer, Guest, House};
use http::StatusCode;

const DOMAIN: &str = "cookie.domain = \"cloak.localhost\"\nserver.public_url = \"http://app.cloak.localhost:{port}\"\n\
                      cors.origins = [\"http://page.cloak.localhost\", \"http://api.cloak.localhost:{port}\"]";
const PAGE: &str = "http://page.cloak.localhost";

async fn house_and_guest() -> (House, Guest) {
    let house = House::with(DOMAIN).await;
    let guest = house.guest().at_origin(&format!("http://app.cloak.localhost:{}", house.port()));
    (house, guest)
}

fn from_page<'a>(site: &'a str, origin: &'a str) -> [(&'a str, &'a str); 4] {
    [("sec-fetch-site", site), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty"), ("origin", origin)]
}

fn allowed(answer: &Answer) -> (&str, &str) {
    (answer.header("access-control-allow-origin"), answer.header("access-control-allow-credentials"))
}

fn varies(answer: &Answer) -> bool {
    let values = answer.headers.get_all("vary").iter();
    values.flat_map(|value| value.to_str().unwrap().split(',')).any(|name| name.trim() == "Origin")
}

#[tokio::test]
async fn a_session_of_a_domain_is_good_on_its_hosts_and_is_renewed_and_ended_on_each() {
    let (house, ann) = house_and_guest().await;
    ann.sign_up("ann@example.com").await;
    let entered = ann.log_in("ann@example.com").await;
    for cookie in entered.cookies() {
        let of_session = cookie.starts_with("__Secure-cloakroom=") || cookie.starts_with("__Secure-cloakroom-refresh=");
        assert_eq!(cookie.contains("; Domain=cloak.localhost; "), of_session, "{cookie}");
        assert!(cookie.contains("; HttpOnly; Secure; SameSite="), "{cookie}");
    }
    let api = ann.at_origin(&format!("http://api.cloak.localhost:{}", house.port()));
    assert_eq!(api.status_of_app().await, StatusCode::OK);
    assert!(house.echo.one().header("cookie").is_none(), "an upstream sees none of our cookies");
    house.advance(400);
    assert_eq!(api.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert_eq!(api.refresh().await.status, StatusCode::OK);
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    assert_eq!(ann.fetch("POST", "/auth/logout", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.status_of_app().await, StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[tokio::test]
async fn a_listed_page_reads_writes_refreshes_and_an_unlisted_one_and_null_do_not() {
    let (house, ann) = house_and_guest().await;
    ann.sign_up("ann@example.com").await;
    ann.log_in("ann@example.com").await;
    for path in ["/app/reflect", "/open/reflect", "/auth/me"] {
        let read = ann.send("GET", path, &from_page("same-site", PAGE), "").await;
        assert_eq!((read.status, allowed(&read)), (StatusCode::OK, (PAGE, "true")), "{path}");
        assert!(varies(&read));
        for (site, origin) in [
            ("same-site", "http://evil.cloak.localhost"),
            ("same-site", "null"),
            ("same-site", "http://page.cloak.localhost:81"),
            ("cross-site", "https://evil.example"),
            ("same-site", "http://page.cloak.localhost.evil.example"),
        ] {
            let unread = ann.send("GET", path, &from_page(site, origin), "").await;
            assert_eq!(allowed(&unread), ("", ""), "{path} {origin} {}", unread.status);
            assert!(varies(&unread), "{path} {origin}");
        }
    }
    house.echo.take();
    let mut headers = from_page("same-site", PAGE).to_vec();
    headers.push(("content-type", "application/json"));
    let written = ann.send("PUT", "/app/x", &headers, "{}").await;
    assert_eq!((written.status, allowed(&written)), (StatusCode::OK, (PAGE, "true")));
    house.advance(400);
    let refreshed = ann.send("POST", "/auth/refresh", &from_page("same-site", PAGE), "").await;
    assert_eq!((refreshed.status, allowed(&refreshed)), (StatusCode::OK, (PAGE, "true")), "{}", refreshed.text());
    let ended = ann.send("POST", "/auth/logout", &from_page("same-site", PAGE), "").await;
    assert_eq!((ended.status, allowed(&ended)), (StatusCode::NO_CONTENT, (PAGE, "true")));
    house.close().await;
}

#[tokio::test]
async fn a_preflight_is_answered_here_without_a_session_and_reaches_no_upstream() {
    let (house, guest) = house_and_guest().await;
    for path in ["/app/reflect", "/open/x", "/reflect", "/auth/login"] {
        let ask = |origin, method, names| {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", method),
                ("access-control-request-headers", names),
            ];
            let guest = guest.clone();
            async move { guest.send("OPTIONS", path, &headers, "").await }
        };
        let answer = ask(PAGE, "PUT", "content-type,x-mine").await;
        assert_eq!((answer.status, allowed(&answer)), (StatusCode::NO_CONTENT, (PAGE, "true")), "{path}");
        assert_eq!(answer.header("access-control-allow-headers"), "content-type, x-mine");
        assert!(answer.header("access-control-allow-methods").contains("PUT") && varies(&answer));
        assert_eq!(answer.header("access-control-max-age"), "600");
        assert!(house.echo.take().is_empty(), "{path} reached an upstream");
        let many = "a,".repeat(40);
        for (origin, method, names) in
            [(PAGE, "TRACE", ""), (PAGE, "PURGE", ""), (PAGE, "GET", "a b"), (PAGE, "GET", many.as_str())]
        {
            assert_eq!(ask(origin, method, names).await.header("access-control-allow-methods"), "", "{path} {method}");
        }
        for origin in ["null", "http://evil.cloak.localhost", "http://page.cloak.localhost/"] {
            let answer = ask(origin, "PUT", "").await;
            assert_eq!(answer.header("access-control-allow-credentials"), "", "{path} {origin}");
            assert!(varies(&answer));
            if path != "/reflect" {
                assert_eq!((answer.status, allowed(&answer)), (StatusCode::FORBIDDEN, ("", "")), "{path} {origin}");
                assert!(house.echo.take().is_empty(), "{path} {origin} reached an upstream");
            }
        }
        house.echo.take();
    }
    house.close().await;
}

#[tokio::test]
async fn on_a_host_outside_of_the_domain_nobody_is_logged_in_and_no_cookie_of_ours_is_set_or_forwarded() {
    let more = format!(
        "{DOMAIN}\n[[upstream]]\nname = \"static\"\nhost = \"static.localhost\"\nto = \"http://{{echo}}\"\naccess = \"public\""
    );
    let house = House::with(&more).await;
    let guest = house.guest().at_origin(&format!("http://static.localhost:{}", house.port()));
    let login = guest.visit("/auth/login").await;
    assert_eq!((login.status, login.cookies()), (StatusCode::MISDIRECTED_REQUEST, vec![]));
    guest.plant("__Secure-cloakroom", "/", "planted");
    let file = guest.fetch("GET", "/logo.svg", None).await;
    assert_eq!((file.status, file.cookies()), (StatusCode::OK, vec![]));
    assert_eq!(house.echo.one().header("cookie"), None);
    house.close().await;
}

#[tokio::test]
async fn where_cors_is_not_set_nothing_about_it_is_said_and_upstreams_say_it_themselves() {
    let house = House::start().await;
    let answer = house.guest().send("GET", "/reflect", &from_page("cross-site", "https://a.example"), "").await;
    assert_eq!(allowed(&answer), ("https://a.example", "true"));
    assert!(!varies(&answer));
    let own = house.guest().send("GET", "/auth/me", &from_page("cross-site", "https://a.example"), "").await;
    assert_eq!(allowed(&own), ("", ""));
    house.close().await;
}
