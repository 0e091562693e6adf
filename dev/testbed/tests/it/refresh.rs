//! The refresh protocol on the running server: lost answers, second tabs, copied jars.

use cloakroom_testbed::{Guest, House};
use http::StatusCode;

const ACCESS: &str = "__Host-Http-cloakroom";
const REFRESH: &str = "__Secure-cloakroom-refresh";

/// Past the life of an access token.
const EXPIRED: u64 = 301;

async fn lost_refresh(guest: &Guest) {
    let headers = [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")];
    let answer = guest.send_without_keeping("POST", "/auth/refresh", &headers, "").await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn an_expired_access_token_is_told_apart_and_a_refresh_mends_it() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    house.advance(EXPIRED);
    assert_eq!(ann.fetch("GET", "/app/x", None).await.code(), "access-expired");
    let (access, refresh) = (ann.cookie(ACCESS), ann.cookie(REFRESH));
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    assert!(ann.cookie(ACCESS) != access && ann.cookie(REFRESH) != refresh);
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn a_lost_answer_never_logs_anybody_out() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    for _ in 0..4 {
        house.advance(EXPIRED);
        lost_refresh(&ann).await;
        house.advance(60);
        let again = ann.refresh().await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.text());
        assert_eq!(ann.status_of_app().await, StatusCode::OK);
    }
    house.close().await;
}

#[tokio::test]
async fn twenty_calls_of_one_page_end_with_one_generation_and_one_refresh_token() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    house.advance(EXPIRED);
    let answers = futures_util::future::join_all((0..20).map(|_| ann.refresh())).await;
    for answer in &answers {
        assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&answer.status), "{}", answer.text());
        assert_eq!(answer.status == StatusCode::CONFLICT, answer.cookies().is_empty());
    }
    let issued: std::collections::BTreeSet<_> = answers
        .iter()
        .flat_map(cloakroom_testbed::Answer::cookies)
        .filter(|cookie| cookie.starts_with(REFRESH))
        .collect();
    assert_eq!(issued.len(), 1, "one refresh token");
    assert!(ann.cookie(REFRESH).unwrap().contains(".1."), "one generation");
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn a_second_tab_that_comes_late_is_told_to_use_what_is_in_the_jar() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    house.advance(EXPIRED);
    let late = ann.copied();
    ann.refresh().await;
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.advance(10);
    let raced = late.refresh().await;
    assert_eq!((raced.status, raced.code().as_str()), (StatusCode::CONFLICT, "refresh-raced"));
    assert!(raced.cookies().is_empty());
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn r97_10_a_thief_who_refreshes_after_the_owner_ends_the_session_for_both() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let thief = ann.copied();
    house.advance(EXPIRED);
    ann.refresh().await;
    ann.status_of_app().await;
    house.advance(11);
    let caught = thief.refresh().await;
    assert_eq!((caught.status, caught.code().as_str()), (StatusCode::UNAUTHORIZED, "session-ended"));
    assert_eq!(caught.cookies().len(), 2, "both presented cookies are cleared");
    assert_eq!(ann.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert_eq!(ann.refresh().await.code(), "session-ended");
    house.close().await;
}

#[tokio::test]
async fn r97_10_a_thief_who_refreshes_first_and_uses_it_is_thrown_out_by_the_owner() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let thief = ann.copied();
    house.advance(EXPIRED);
    thief.refresh().await;
    assert_eq!(thief.status_of_app().await, StatusCode::OK);
    house.advance(11);
    assert_eq!(ann.refresh().await.code(), "session-ended");
    assert_eq!(thief.status_of_app().await, StatusCode::UNAUTHORIZED);
    house.close().await;
}

#[tokio::test]
async fn of_one_generation_two_holders_cannot_go_on_side_by_side() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let thief = ann.copied();
    house.advance(EXPIRED);
    thief.refresh().await;
    // The owner's own refresh finds the generation unused and gets the next issue of it.
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    assert_eq!(ann.cookie(REFRESH), thief.cookie(REFRESH), "the very same refresh token");
    assert_eq!((ann.status_of_app().await, thief.status_of_app().await), (StatusCode::OK, StatusCode::OK));
    house.advance(10);
    assert_eq!((ann.status_of_app().await, thief.status_of_app().await), (StatusCode::OK, StatusCode::UNAUTHORIZED));
    house.close().await;
}

#[tokio::test]
async fn a_refresh_token_alone_or_a_forged_one_does_nothing() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let eve = house.signed_in("eve@example.com").await;
    let genuine = ann.cookie(REFRESH).unwrap();

    // A sibling host plants its own refresh cookie beside the victim's access cookie, or the other way round.
    let planted = ann.copied();
    planted.plant(REFRESH, "/auth/refresh", &eve.cookie(REFRESH).unwrap());
    assert_eq!(planted.refresh().await.code(), "session-ended");
    let alone = house.guest();
    alone.plant(REFRESH, "/auth/refresh", &genuine);
    assert_eq!(alone.refresh().await.code(), "session-ended");

    let forged = ann.copied();
    let (rest, mac) = genuine.rsplit_once('.').unwrap();
    let ahead = genuine.replacen(".0.", ".1.", 1);
    let flipped = format!("{rest}.{}{}", if mac.starts_with('A') { 'B' } else { 'A' }, &mac[1..]);
    for forgery in [flipped.as_str(), ahead.as_str(), rest, "", "a.b.0.c", &"x".repeat(4000)] {
        forged.plant(REFRESH, "/auth/refresh", forgery);
        let refused = forged.refresh().await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "session-ended"));
        assert!(refused.cookies().is_empty(), "a forgery clears nothing");
    }
    assert_eq!(ann.refresh().await.status, StatusCode::OK, "nothing changed");
    assert_eq!(eve.refresh().await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn a_page_without_any_script_works_past_the_end_of_its_access_token() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    house.advance(EXPIRED);
    let page = ann.visit("/app/list?page=2").await;
    assert_eq!(
        (page.status, page.header("location")),
        (StatusCode::SEE_OTHER, "/auth/refresh?return_to=%2Fapp%2Flist%3Fpage%3D2")
    );
    let refreshed = ann.visit(page.header("location")).await;
    assert_eq!((refreshed.status, refreshed.header("location")), (StatusCode::SEE_OTHER, "/app/list?page=2"));
    assert_eq!(ann.visit("/app/list?page=2").await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn ck_07_a_link_from_another_site_comes_back_to_the_session_over_one_hop() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    house.advance(EXPIRED);
    let page = ann.visit_from("cross-site", "/app/x").await;
    let hop = ann.visit_from("cross-site", page.header("location")).await;
    assert_eq!(hop.status, StatusCode::OK);
    let target = "content=\"0; url=/auth/refresh?return_to=%2Fapp%2Fx&amp;hop=1\"";
    let page = hop.text().replace("&#x2f;", "/");
    assert!(page.contains(target), "{page}");
    let refreshed = ann.visit_from("same-origin", "/auth/refresh?return_to=%2Fapp%2Fx&hop=1").await;
    assert_eq!(refreshed.header("location"), "/app/x");
    // Without the cookie even then: it is gone, and a log-in is what helps.
    house.advance(EXPIRED);
    ann.lose(REFRESH);
    let lost = ann.visit_from("same-origin", "/auth/refresh?return_to=%2Fapp%2Fx&hop=1").await;
    assert_eq!(lost.header("location"), "/auth/login?return_to=%2Fapp%2Fx");
    house.close().await;
}

#[tokio::test]
async fn asvs_3_7_2_a_refresh_leads_nowhere_else() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    for evil in [
        "//evil.example",
        "/%5Cevil.example",
        "https://evil.example",
        "%2F%2Fevil.example",
        "/%09/evil.example",
        "/auth/logout",
    ] {
        house.advance(EXPIRED);
        let answer = ann.visit(&format!("/auth/refresh?return_to={evil}")).await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"), "{evil}");
        ann.status_of_app().await;
    }
    house.close().await;
}

#[tokio::test]
async fn ni_01_a_session_ends_when_nobody_uses_it_and_at_its_absolute_end() {
    let house = House::with("[session]\nprofile = \"strict\"").await;
    let ann = house.signed_in("ann@example.com").await;
    // Used every ten minutes it outlives its idle end, but never twelve hours.
    for _ in 0..71 {
        house.advance(600);
        assert_eq!(ann.refresh().await.status, StatusCode::OK);
        assert_eq!(ann.status_of_app().await, StatusCode::OK);
    }
    house.advance(601);
    let ended = ann.refresh().await;
    assert_eq!((ended.code().as_str(), ended.cookies().len()), ("session-ended", 2));

    ann.log_in("ann@example.com").await;
    house.advance(899);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    // A refresh is no use: the idle end has not moved.
    house.advance(1);
    assert_eq!(ann.refresh().await.code(), "session-ended");
    house.close().await;
}

#[tokio::test]
async fn sessions_survive_a_restart() {
    let mut house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    house.restart().await;
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    house.advance(EXPIRED);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    let thief = ann.copied();
    ann.fetch("POST", "/auth/logout", None).await;
    house.restart().await;
    assert_eq!(thief.status_of_app().await, StatusCode::UNAUTHORIZED, "what was revoked stays revoked");
    house.close().await;
}

#[tokio::test]
async fn a_thief_who_follows_every_rotation_is_answered_once_and_ends_it_the_next_time() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    let thief = ann.copied();
    house.advance(EXPIRED);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    // Before the new generation is known to be in use, a copy of the jar looks like a lost answer.
    assert_eq!(thief.refresh().await.status, StatusCode::OK);
    assert_eq!(thief.status_of_app().await, StatusCode::OK);
    // Now they hold different issues: the owner's dies, and the owner is told that a refresh helps, not that it is over.
    house.advance(11);
    assert_eq!(ann.fetch("GET", "/app/x", None).await.code(), "access-expired");
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    assert_eq!(thief.refresh().await.code(), "session-ended", "another jar than the one that rotated");
    assert_eq!(thief.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert_eq!(ann.refresh().await.code(), "session-ended");
    house.close().await;
}
