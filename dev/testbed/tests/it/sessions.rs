//! The sessions that a person can see and end, and how many there may be.

use cloakroom_testbed::{Answer, Guest, House, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

async fn log_in_with(house: &House, user_agent: &str, remember: bool) -> (Guest, Answer) {
    let guest = house.guest();
    guest.sign_up("ann@example.com").await;
    let origin = house.origin();
    let headers = [("origin", origin.as_str()), ("content-type", "application/json"), ("user-agent", user_agent)];
    let body = json!({ "email": "ann@example.com", "password": PASSWORD, "remember": remember }).to_string();
    let answer = guest.send("POST", "/auth/login", &headers, body).await;
    (guest, answer)
}

async fn list(guest: &Guest) -> Vec<Value> {
    guest.fetch("GET", "/auth/sessions", None).await.json()["sessions"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn asvs_7_5_2_a_person_sees_where_they_are_logged_in() {
    let house = House::start().await;
    let (ann, _) = log_in_with(&house, FIREFOX, true).await;
    house.advance(60);
    let (phone, _) = log_in_with(&house, "NotesApp/2.0", false).await;
    house.advance(40);
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    let rows = list(&ann).await;
    assert_eq!(rows.len(), 2);
    let (first, second) = (&rows[0], &rows[1]);
    assert_eq!((first["device"].as_str(), second["device"].as_str()), (Some("Firefox on Linux"), Some("NotesApp")));
    assert_eq!((first["current"].as_bool(), second["current"].as_bool()), (Some(true), Some(false)));
    assert_eq!((first["address"].as_str(), first["methods"][0].as_str()), (Some("127.0.0.1"), Some("pwd")));
    assert_eq!((first["remember"].as_bool(), first["bound"].as_bool()), (Some(true), Some(false)));
    assert_eq!(
        first["last_used_at"].as_i64().unwrap() - first["opened_at"].as_i64().unwrap(),
        100,
        "used last comes first"
    );

    let page = ann.visit("/auth/account").await.text();
    for word in [
        "Firefox on Linux",
        "this one",
        "NotesApp",
        "End this session",
        "Stays when its browser is closed",
        "Ends when its browser is closed",
    ] {
        assert!(page.contains(word), "{word} is not on the page: {page}");
    }
    assert_eq!(phone.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn one_is_ended_by_its_name_and_only_by_its_own_account() {
    let house = House::start().await;
    let (ann, _) = log_in_with(&house, FIREFOX, false).await;
    let (phone, opened) = log_in_with(&house, "NotesApp/2.0", false).await;
    let id = opened.json()["session"]["id"].as_str().unwrap().to_owned();
    let bob = house.signed_in("bob@example.com").await;
    let path = format!("/auth/sessions/{id}");
    assert_eq!(bob.fetch("DELETE", &path, None).await.code(), "unknown-session");
    for wrong in ["/auth/sessions/x", "/auth/sessions/AAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(ann.fetch("DELETE", wrong, None).await.code(), "unknown-session");
    }
    assert_eq!(phone.status_of_app().await, StatusCode::OK);
    assert_eq!(ann.fetch("DELETE", &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(phone.fetch("GET", "/app/x", None).await.code(), "signed-out");
    assert_eq!(phone.refresh().await.code(), "session-ended");
    assert_eq!(ann.fetch("DELETE", &path, None).await.status, StatusCode::NO_CONTENT, "twice is once");
    assert_eq!((ann.status_of_app().await, list(&ann).await.len()), (StatusCode::OK, 1));

    // By the form of the page; ending one's own is a log-out.
    let token = ann.fetch("GET", "/auth/csrf", None).await.json()["csrf"].as_str().unwrap().to_owned();
    let own = list(&ann).await[0]["id"].as_str().unwrap().to_owned();
    let done = ann.submit("/auth/sessions/end", &[("cloakroom_csrf", &token), ("session", &own)]).await;
    assert_eq!(done.header("location"), "/auth/login?notice=logged-out");
    assert!(ann.cookie("__Host-Http-cloakroom").is_none() && done.header("clear-site-data").contains("storage"));
    house.close().await;
}

#[tokio::test]
async fn beyond_the_maximum_the_session_used_longest_ago_ends() {
    let house = House::with("[session]\nmax_per_account = 2").await;
    let (first, _) = log_in_with(&house, "First/1", false).await;
    house.advance(60);
    let (second, _) = log_in_with(&house, "Second/1", false).await;
    house.advance(60);
    // The first was used last: it is the second that makes room.
    assert_eq!(first.status_of_app().await, StatusCode::OK);
    house.running().do_chores().await.unwrap();
    let (third, _) = log_in_with(&house, "Third/1", false).await;
    assert_eq!(second.fetch("GET", "/app/x", None).await.code(), "signed-out");
    assert_eq!((first.status_of_app().await, third.status_of_app().await), (StatusCode::OK, StatusCode::OK));
    assert_eq!(list(&third).await.len(), 2);
    house.close().await;
}

#[tokio::test]
async fn beyond_the_maximum_a_log_in_is_refused_where_it_is_so_configured() {
    let house = House::with("[session]\nmax_per_account = 2\nwhen_full = \"refuse\"").await;
    let (first, _) = log_in_with(&house, "First/1", false).await;
    let (_second, _) = log_in_with(&house, "Second/1", false).await;
    let (third, refused) = log_in_with(&house, "Third/1", false).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "too-many-sessions"));
    assert!(third.cookie("__Host-Http-cloakroom").is_none());
    // A browser that logs in again takes its own place, not another.
    assert_eq!(first.log_in("ann@example.com").await.status, StatusCode::OK);
    first.fetch("POST", "/auth/logout", None).await;
    assert_eq!(log_in_with(&house, "Third/1", false).await.1.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn remember_me_decides_whether_cookies_outlive_the_browser() {
    let house = House::start().await;
    for (remember, kept) in [(true, true), (false, false)] {
        let (guest, opened) = log_in_with(&house, FIREFOX, remember).await;
        house.advance(301);
        let refreshed = guest.refresh().await;
        for answer in [opened, refreshed] {
            // Which device it is, is remembered either way.
            let of_session: Vec<_> =
                answer.cookies().into_iter().filter(|cookie| !cookie.contains("-device=")).collect();
            assert!(!of_session.is_empty());
            assert!(of_session.iter().all(|cookie| cookie.contains("Max-Age=") == kept), "{of_session:?}");
        }
    }
    house.close().await;
}

#[tokio::test]
async fn asvs_7_4_3_a_new_password_ends_every_session_and_renews_the_one_that_asked() {
    const NEXT: &str = "a horse that staples batteries";
    let house = House::start().await;
    house.watch.secret(NEXT);
    let (ann, _) = log_in_with(&house, FIREFOX, false).await;
    let (phone, _) = log_in_with(&house, "NotesApp/2.0", false).await;
    let copied = ann.copied();
    let change = |current: &str, next: &str| json!({ "current": current, "password": next });
    let wrong = ann.fetch("POST", "/auth/password/change", Some(change("not my password at all", NEXT))).await;
    assert_eq!(wrong.code(), "wrong-credentials");
    let weak = ann.fetch("POST", "/auth/password/change", Some(change(PASSWORD, "short"))).await;
    assert_eq!(weak.code(), "bad-password");
    assert_eq!(phone.status_of_app().await, StatusCode::OK, "nothing has happened yet");

    let done = ann.fetch("POST", "/auth/password/change", Some(change(PASSWORD, NEXT))).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    for over in [&phone, &copied] {
        assert_eq!(over.fetch("GET", "/app/x", None).await.code(), "signed-out");
        assert_eq!(over.refresh().await.code(), "session-ended");
    }
    assert_eq!(list(&ann).await.len(), 1);
    let old = json!({ "email": "ann@example.com", "password": PASSWORD });
    assert_eq!(house.guest().fetch("POST", "/auth/login", Some(old)).await.code(), "wrong-credentials");
    let new = json!({ "email": "ann@example.com", "password": NEXT });
    assert_eq!(house.guest().fetch("POST", "/auth/login", Some(new)).await.status, StatusCode::OK);
    house.close().await;
}
