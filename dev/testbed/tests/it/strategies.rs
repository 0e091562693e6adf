//! Every strategy as its users meet it: what is handed out, what opens a door, what does not, and how it ends.

use cloakroom_testbed::{Answer, Guest, House, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};

const ACCESS: &str = "__Host-Http-cloakroom";
const REFRESH: &str = "__Secure-cloakroom-refresh";
const CLAIMS: &str = "__Host-cloakroom-claims";
const SIGNATURE: &str = "__Host-Http-cloakroom-signature";

/// Past the life of an access token.
const EXPIRED: u64 = 301;

/// Everything on offer, so that one house tries all.
const ALL: &str =
    "[session]\nacknowledge_weaker = true\noffered = [\"ticket\", \"split\", \"split-bearer\", \"memory\", \"native\"]";

async fn log_in(guest: &Guest, strategy: &str) -> Answer {
    guest.sign_up("ann@example.com").await;
    let body = json!({ "email": "ann@example.com", "password": PASSWORD, "strategy": strategy });
    let answer = guest.fetch("POST", "/auth/login", Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.json()["session"]["strategy"], strategy);
    answer
}

/// A program: nothing that a browser would add.
async fn program(house: &House, path: &str, body: Value) -> Answer {
    house.guest().send("POST", path, &[("content-type", "application/json")], body.to_string()).await
}

async fn with_bearer(guest: &Guest, method: &str, path: &str, token: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    guest.send(method, path, &[("authorization", &authorization), ("sec-fetch-site", "same-origin")], "").await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_ticket_is_one_small_cookie_that_stays_as_it_is_and_needs_no_refresh() {
    let house = House::with(ALL).await;
    let ann = house.guest();
    let opened = log_in(&ann, "ticket").await;
    let ticket = ann.cookie(ACCESS).unwrap();
    assert!(ticket.starts_with("t.") && ticket.len() <= 130 && ann.cookie(REFRESH).is_none());
    assert!(!opened.text().contains("eyJ"), "no token leaves the server: {}", opened.text());
    for _ in 0..3 {
        house.advance(EXPIRED);
        // A page without any JavaScript: just visit it.
        let page = ann.visit("/app/x").await;
        assert_eq!((page.status, page.cookies().len()), (StatusCode::OK, 0), "{}", page.text());
        assert_eq!(ann.cookie(ACCESS).unwrap(), ticket);
    }
    let seen = house.echo.take().pop().unwrap();
    assert!(
        seen.header("authorization").unwrap().starts_with("Bearer eyJ"),
        "the upstream gets a token for its audience"
    );
    house.close().await;
}

#[tokio::test]
async fn a_ticket_ends_with_its_session_idle_or_logged_out_and_a_copy_of_it_too() {
    let mut house = House::with(&format!("{ALL}\nprofile = \"strict\"")).await;
    let ann = house.guest();
    log_in(&ann, "ticket").await;
    let copied = ann.copied();
    assert_eq!(copied.status_of_app().await, StatusCode::OK);
    assert_eq!(ann.fetch("POST", "/auth/logout", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(copied.status_of_app().await, StatusCode::UNAUTHORIZED);
    house.restart().await;
    assert_eq!(copied.status_of_app().await, StatusCode::UNAUTHORIZED, "also by a process that never saw it");

    let bob = house.guest();
    log_in(&bob, "ticket").await;
    house.advance(14 * 60);
    assert_eq!(bob.status_of_app().await, StatusCode::OK);
    house.advance(14 * 60);
    assert_eq!(bob.status_of_app().await, StatusCode::OK, "use keeps it alive");
    house.advance(15 * 60 + 31);
    assert_eq!(bob.fetch("GET", "/app/x", None).await.code(), "signed-out", "nobody used it for too long");
    house.close().await;
}

#[tokio::test]
async fn forged_and_foreign_tickets_open_nothing_and_change_nothing() {
    let house = House::with(ALL).await;
    let ann = house.guest();
    log_in(&ann, "ticket").await;
    let ticket = ann.cookie(ACCESS).unwrap();
    let (head, mac) = ticket.rsplit_once('.').unwrap();
    let other_mac = format!("{}{}", if mac.starts_with('A') { 'B' } else { 'A' }, &mac[1..]);
    let next = head.rsplit_once('.').map(|(before, _)| format!("{before}.1.{mac}")).unwrap();
    for forged in [format!("{head}.{other_mac}"), ticket.replacen("t.", "c.", 1), next, format!("{ticket}.")] {
        let eve = house.guest();
        eve.plant(ACCESS, "/", &forged);
        assert_eq!(eve.status_of_app().await, StatusCode::UNAUTHORIZED, "{forged}");
        // Neither does it pass for a refresh token.
        eve.plant(REFRESH, "/auth/refresh", forged.split_once('.').unwrap().1);
        assert_eq!(eve.refresh().await.code(), "session-ended");
    }
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn of_a_split_session_the_page_reads_the_claims_and_both_halves_end_at_once() {
    let house = House::with(ALL).await;
    let ann = house.guest();
    let opened = log_in(&ann, "split").await;
    let cookies = opened.cookies();
    let of = |name: &str| cookies.iter().find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap().clone();
    assert!(!of(CLAIMS).contains("HttpOnly") && of(SIGNATURE).contains("; HttpOnly; Secure"));
    assert_eq!(ann.cookie(CLAIMS).unwrap().split('.').count(), 2, "header and payload, no signature");
    assert!(ann.cookie(ACCESS).is_none());
    assert_eq!(ann.status_of_app().await, StatusCode::OK);

    // One half alone opens nothing.
    for lost in [CLAIMS, SIGNATURE] {
        let half = ann.copied();
        half.lose(lost);
        assert_eq!(half.status_of_app().await, StatusCode::UNAUTHORIZED, "without {lost}");
        assert_eq!(half.refresh().await.code(), "session-ended");
    }
    house.advance(EXPIRED);
    assert_eq!(ann.fetch("GET", "/app/x", None).await.code(), "access-expired");
    let before = (ann.cookie(CLAIMS), ann.cookie(SIGNATURE));
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    assert!(ann.cookie(CLAIMS) != before.0 && ann.cookie(SIGNATURE) != before.1, "both are new");
    assert_eq!(ann.status_of_app().await, StatusCode::OK);

    // It ends elsewhere: the next refresh clears both halves in one answer.
    let elsewhere = ann.copied();
    elsewhere.fetch("POST", "/auth/logout", None).await;
    let ended = ann.refresh().await;
    assert_eq!(ended.code(), "session-ended");
    assert!(ann.cookie(CLAIMS).is_none() && ann.cookie(SIGNATURE).is_none() && ann.cookie(REFRESH).is_none());
    house.close().await;
}

#[tokio::test]
async fn split_bearer_needs_the_half_in_the_header_and_the_half_in_the_cookie() {
    let house = House::with(ALL).await;
    let ann = house.guest();
    let claims = text(&log_in(&ann, "split-bearer").await.json()["claims"]);
    assert_eq!(claims.split('.').count(), 2);
    assert_eq!(with_bearer(&ann, "GET", "/app/x", &claims).await.status, StatusCode::OK);
    // No page of another site can send the header: nothing else is asked of it, not even for a form's content type.
    let headers = [("authorization", format!("Bearer {claims}")), ("content-type", "text/plain".into())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(ann.send("POST", "/app/x", &headers, "x").await.status, StatusCode::OK);
    let thief = house.guest();
    assert_eq!(with_bearer(&thief, "GET", "/app/x", &claims).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ann.fetch("GET", "/app/x", None).await.code(), "access-expired", "the cookies alone ask for a refresh");

    // A reload forgets the half in memory; the refresh at boot gives another. A tab that still has the old one is told that
    // a refresh helps, for the half in the jar is new.
    let fresh = text(&ann.refresh().await.json()["claims"]);
    assert!(fresh != claims);
    assert_eq!(with_bearer(&ann, "GET", "/app/x", &claims).await.code(), "access-expired");
    assert_eq!(with_bearer(&ann, "GET", "/app/x", &fresh).await.status, StatusCode::OK);
    assert_eq!(with_bearer(&ann, "POST", "/auth/logout", &fresh).await.status, StatusCode::NO_CONTENT);
    assert_eq!(with_bearer(&ann, "GET", "/app/x", &fresh).await.status, StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[tokio::test]
async fn a_log_out_with_halves_that_do_not_belong_together_ends_the_session_all_the_same() {
    let house = House::with(ALL).await;
    let ann = house.guest();
    let old = text(&log_in(&ann, "split-bearer").await.json()["claims"]);
    ann.refresh().await;
    let copied = ann.copied();
    // The tab that asks has not heard of the refresh; the cookie beside its half names the session.
    assert_eq!(with_bearer(&ann, "POST", "/auth/logout", &old).await.status, StatusCode::NO_CONTENT);
    assert_eq!(copied.refresh().await.code(), "session-ended");

    // Where nothing names it, nothing is cleared: the page refreshes and asks again.
    let bob = house.guest();
    log_in(&bob, "split").await;
    let before = bob.cookie(CLAIMS).unwrap();
    bob.plant(CLAIMS, "/", "eyJ.eyJ");
    assert_eq!(bob.fetch("POST", "/auth/logout", None).await.code(), "access-expired");
    bob.plant(CLAIMS, "/", &before);
    assert_eq!(bob.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn planted_cookies_of_halves_lock_nobody_out() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    ann.plant(CLAIMS, "/", "x.y");
    ann.plant(SIGNATURE, "/", "z");
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.advance(EXPIRED);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    let copied = ann.copied();
    assert_eq!(ann.fetch("POST", "/auth/logout", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(copied.refresh().await.code(), "session-ended", "and the log-out was one");
    house.close().await;
}

#[tokio::test]
async fn a_junk_authorization_excuses_no_form_of_another_site() {
    let house = House::with(ALL).await;
    let ann = house.guest();
    log_in(&ann, "cookie").await;
    for path in ["/auth/refresh", "/auth/logout", "/auth/login"] {
        let headers = [
            ("authorization", "Bearer junk"),
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        assert_eq!(ann.send("POST", path, &headers, "").await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn the_account_page_works_without_scripts_where_tokens_are_in_memory() {
    let house = House::with(ALL).await;
    for strategy in ["memory", "split-bearer"] {
        let ann = house.guest();
        log_in(&ann, strategy).await;
        let other = house.guest();
        log_in(&other, "cookie").await;
        let page = ann.visit("/auth/account").await;
        assert!(page.status == StatusCode::OK && page.text().contains("End this session"), "{}", page.text());
        let token =
            page.text().split("name=\"cloakroom_csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let done = ann.submit("/auth/logout/others", &[("cloakroom_csrf", &token)]).await;
        assert_eq!(done.header("location"), "/auth/account?notice=others-ended", "{}", done.text());
        assert_eq!(other.status_of_app().await, StatusCode::UNAUTHORIZED);
        // A script is told to refresh, and an application is not opened by it.
        assert_eq!(ann.fetch("GET", "/auth/me", None).await.code(), "access-expired");
        assert_eq!(ann.visit("/app/x").await.status, StatusCode::UNAUTHORIZED);
    }
    house.close().await;
}

#[tokio::test]
async fn memory_gives_the_page_a_token_that_is_no_cookie_and_cookies_that_are_no_token() {
    let house = House::with(ALL).await;
    let ann = house.guest();
    let opened = log_in(&ann, "memory").await.json();
    let token = text(&opened["access_token"]);
    house.watch.secret(&token);
    assert!(opened["refresh_token"].is_null(), "the refresh token stays in its cookie");
    assert_eq!(with_bearer(&ann, "GET", "/app/x", &token).await.status, StatusCode::OK);
    // The token is not good as a cookie, what is in the cookie opens nothing.
    let eve = house.guest();
    eve.plant(ACCESS, "/", &token);
    assert_eq!(eve.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert!(ann.cookie(ACCESS).unwrap().starts_with("c."));
    assert_eq!(ann.fetch("GET", "/app/x", None).await.code(), "access-expired", "a script refreshes");
    assert!(ann.visit("/app/x").await.text().contains("for scripts"), "a visit cannot, and is told so");

    // A public upstream is no place for it either; a token of somebody else passes there as it always did.
    house.echo.take();
    for (sent, received) in
        [(token.as_str(), None), ("eyJhbGciOiJFZERTQSJ9.e30.x", Some("Bearer eyJhbGciOiJFZERTQSJ9.e30.x"))]
    {
        assert_eq!(with_bearer(&ann, "GET", "/public", sent).await.status, StatusCode::OK);
        assert_eq!(house.echo.one().header("authorization"), received);
    }

    // Silent refresh after a reload: cookies alone, as long as they belong together.
    let again = text(&ann.refresh().await.json()["access_token"]);
    assert_eq!(with_bearer(&ann, "GET", "/app/x", &again).await.status, StatusCode::OK);
    let alone = ann.copied();
    alone.lose(ACCESS);
    assert_eq!(alone.refresh().await.code(), "session-ended", "a refresh cookie without company is worthless");
    house.close().await;
}

#[tokio::test]
async fn a_program_gets_its_tokens_in_the_body_and_a_browser_that_asks_is_refused() {
    let house = House::with(ALL).await;
    house.guest().sign_up("ann@example.com").await;
    let login = json!({ "email": "ann@example.com", "password": PASSWORD, "strategy": "native" });
    let opened = program(&house, "/auth/login", login.clone()).await;
    assert_eq!((opened.status, opened.cookies().len()), (StatusCode::OK, 0), "{}", opened.text());
    let (access, refresh) = (text(&opened.json()["access_token"]), text(&opened.json()["refresh_token"]));
    house.watch.secret(&access);
    house.watch.secret(&refresh);
    assert_eq!(with_bearer(&house.guest(), "GET", "/app/x", &access).await.status, StatusCode::OK);

    for sign in [
        ("origin", house.origin()),
        ("sec-fetch-site", "same-origin".into()),
        ("cookie", "a=b".into()),
        ("sec-fetch-mode", "cors".into()),
    ] {
        let headers =
            [("content-type", "application/json"), ("origin", house.origin().leak()), (sign.0, sign.1.as_str())];
        let headers = if sign.0 == "origin" { &headers[..2] } else { &headers[..] };
        let refused = house.guest().send("POST", "/auth/login", headers, login.to_string()).await;
        assert_eq!(refused.code(), "native-in-browser", "{sign:?}");
        let refused =
            house.guest().send("POST", "/auth/refresh", headers, json!({ "refresh_token": refresh }).to_string()).await;
        assert_eq!(refused.code(), "native-in-browser", "{sign:?}");
    }

    house.advance(EXPIRED);
    assert_eq!(with_bearer(&house.guest(), "GET", "/app/x", &access).await.code(), "access-expired");
    let next = program(&house, "/auth/refresh", json!({ "refresh_token": refresh })).await.json();
    let (access, next) = (text(&next["access_token"]), text(&next["refresh_token"]));
    assert_eq!(with_bearer(&house.guest(), "GET", "/app/x", &access).await.status, StatusCode::OK);
    // The old one comes back when the new one was in use for longer than two believable round trips: a thief.
    house.advance(60);
    assert_eq!(program(&house, "/auth/refresh", json!({ "refresh_token": refresh })).await.code(), "session-ended");
    assert_eq!(with_bearer(&house.guest(), "GET", "/app/x", &access).await.code(), "signed-out");
    assert_eq!(program(&house, "/auth/refresh", json!({ "refresh_token": next })).await.code(), "session-ended");
    house.close().await;
}

#[tokio::test]
async fn a_token_works_only_by_the_way_that_its_strategy_hands_it_out() {
    let house = House::with(ALL).await;
    let ann = house.guest();
    log_in(&ann, "cookie").await;
    let (access, refresh) = (ann.cookie(ACCESS).unwrap(), ann.cookie(REFRESH).unwrap());
    // Stolen from a jar, a cookie's tokens are of no use to a program.
    assert_eq!(with_bearer(&house.guest(), "GET", "/app/x", &access).await.status, StatusCode::UNAUTHORIZED);
    let by_body = program(&house, "/auth/refresh", json!({ "refresh_token": refresh })).await;
    assert_eq!(by_body.code(), "session-ended");
    assert_eq!(ann.status_of_app().await, StatusCode::OK, "and nothing happened to the session");

    // And the other way round.
    let login = json!({ "email": "ann@example.com", "password": PASSWORD, "strategy": "native" });
    let native = program(&house, "/auth/login", login).await.json();
    let eve = house.guest();
    eve.plant(ACCESS, "/", &text(&native["access_token"]));
    eve.plant(REFRESH, "/auth/refresh", &text(&native["refresh_token"]));
    assert_eq!(eve.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert_eq!(eve.refresh().await.code(), "session-ended");
    // Who sends a token is judged by the token: a good cookie beside it does not help.
    let both = with_bearer(&ann, "GET", "/app/x", "eyJ.eyJ.x").await;
    assert_eq!(both.status, StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[tokio::test]
async fn a_log_in_gets_only_what_is_offered() {
    let house = House::start().await;
    house.guest().sign_up("ann@example.com").await;
    for strategy in ["ticket", "split", "split-bearer", "memory", "native", "Cookie", ""] {
        let body = json!({ "email": "ann@example.com", "password": PASSWORD, "strategy": strategy });
        let refused = house.guest().fetch("POST", "/auth/login", Some(body.clone())).await;
        assert_eq!(refused.code(), "strategy-not-offered", "{strategy}");
        assert!(refused.cookies().is_empty());
    }
    // Where no strategy uses it, `Authorization` of the client opens nothing.
    let ann = house.signed_in("ann@example.com").await;
    let token = ann.cookie(ACCESS).unwrap();
    assert_eq!(with_bearer(&house.guest(), "GET", "/app/x", &token).await.status, StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[tokio::test]
async fn another_log_in_of_the_same_browser_leaves_no_cookie_of_the_session_before() {
    let house = House::with(ALL).await;
    let ann = house.guest();
    for strategy in ["cookie", "split", "ticket", "memory", "split-bearer", "cookie"] {
        let before = ann.copied();
        log_in(&ann, strategy).await;
        let held = |name| ann.cookie(name).is_some();
        let holds = [held(ACCESS), held(REFRESH), held(CLAIMS), held(SIGNATURE)];
        let expected = match strategy {
            "ticket" => [true, false, false, false],
            "split" => [false, true, true, true],
            "split-bearer" => [true, true, false, true],
            _ => [true, true, false, false],
        };
        assert_eq!(holds, expected, "{strategy}");
        assert_eq!(before.status_of_app().await, StatusCode::UNAUTHORIZED, "the session before {strategy} is over");
    }
    let list = ann.fetch("GET", "/auth/sessions", None).await.json();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1, "{list}");
    house.close().await;
}

/// What a browser adds to every request for a session, in bytes: the fields `Cookie` and `Authorization`, names included.
async fn bytes_per_request(house: &House, strategy: &str) -> usize {
    let login = json!({ "email": "ann@example.com", "password": PASSWORD, "strategy": strategy });
    let (guest, body) = if strategy == "native" {
        (house.guest(), program(house, "/auth/login", login).await.json())
    } else {
        let guest = house.guest();
        let body = log_in(&guest, strategy).await.json();
        (guest, body)
    };
    let cookies: Vec<_> =
        [ACCESS, CLAIMS, SIGNATURE].iter().filter_map(|name| Some(format!("{name}={}", guest.cookie(name)?))).collect();
    let bearer = body["access_token"].as_str().or(body["claims"].as_str());
    let cookie = if cookies.is_empty() { 0 } else { format!("Cookie: {}\r\n", cookies.join("; ")).len() };
    cookie + bearer.map_or(0, |token| format!("Authorization: Bearer {token}\r\n").len())
}

#[tokio::test]
async fn the_docs_say_how_many_bytes_a_strategy_costs_with_every_request() {
    let house = House::with(ALL).await;
    house.guest().sign_up("ann@example.com").await;
    let table = include_str!("../../../../docs/strategies/README.md");
    let row = table.lines().find(|line| line.starts_with("| bytes per request")).unwrap();
    let said: Vec<usize> = row.split('|').skip(2).filter_map(|cell| cell.trim().parse().ok()).collect();
    let mut measured = Vec::new();
    for strategy in ["cookie", "ticket", "split", "split-bearer", "memory", "native"] {
        measured.push(bytes_per_request(&house, strategy).await);
    }
    assert_eq!(said.len(), measured.len(), "measured {measured:?}");
    for (said, measured) in said.iter().zip(&measured) {
        // The address of this house is shorter or longer than that of another: it stands in every token, base64url.
        assert!(said.abs_diff(*measured) <= 40, "said {said}, measured {measured} of {measured:?}");
    }
    house.close().await;
}
