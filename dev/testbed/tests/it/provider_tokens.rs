//! An application that gets the provider's own token: it is kept here, renewed by one call of many, and seen by no browser.

use crate::provider_log_in::{ann, heading, log_in, sent, token_of, who};
use cloakroom_testbed::{Answer, Guest, House, Idp, Manner};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;
use std::time::Duration;

/// `/drive` gets the provider's token, `/shared` too if there is a session, `/app` one of ours.
const UPSTREAMS: &str = r#"
[[upstream]]
name = "drive"
path = "/drive"
to = "http://{echo}"
access = "signed-in"
token_from = "example"
[[upstream]]
name = "shared"
path = "/shared"
to = "http://{echo}"
access = "optional"
token_from = "example"
[[upstream]]
name = "app"
path = "/app"
to = "http://{echo}"
access = "signed-in"
audience = "app"
"#;

async fn house_with(provider: &str) -> (House, Idp) {
    let mut house = House::start().await;
    let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&format!("{}{UPSTREAMS}", idp.config("example", provider))).await;
    (house, idp)
}

/// Ann, logged in there, and nothing asked for yet.
async fn ann_in(house: &House, idp: &Idp) -> Guest {
    let guest = house.guest();
    log_in(&guest, idp, ann()).await;
    idp.asked();
    guest
}

/// What `/drive` gets.
async fn token(guest: &Guest, house: &House) -> String {
    let answer = guest.fetch("GET", "/drive/files", None).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    arrived(house)
}

fn arrived(house: &House) -> String {
    let token = house.echo.one().header("authorization").unwrap().strip_prefix("Bearer ").unwrap().to_owned();
    house.watch.secret(&token);
    token
}

fn renewals(idp: &Idp) -> usize {
    idp.asked().iter().filter(|path| *path == "/token").count()
}

/// Waits until somebody asks for tokens, who is kept waiting.
async fn somebody_renews(idp: &Idp) {
    let asked = async {
        while renewals(idp) == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asked).await.unwrap();
}

/// What is answered once it is no longer answered.
async fn until_refused(guest: &Guest, path: &str) -> Answer {
    let asking = async {
        loop {
            let answer = guest.fetch("GET", path, None).await;
            if answer.status != StatusCode::OK {
                return answer;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.unwrap()
}

/// What `/drive` gets once the old one is replaced.
async fn another_than(old: &str, guest: &Guest, house: &House) -> String {
    let asking = async {
        loop {
            let now = token(guest, house).await;
            if now != old {
                return now;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.unwrap()
}

#[tokio::test]
async fn an_application_gets_the_providers_token_and_the_others_get_ours() {
    let (house, idp) = house_with("").await;
    let guest = ann_in(&house, &idp).await;
    let first = token(&guest, &house).await;
    assert!(first.starts_with("access-"), "{first}");
    assert_eq!(token(&guest, &house).await, first);
    // A page may ask as well, and nothing of the token is in what it can read.
    let answer = guest.visit("/drive/files").await;
    assert_eq!(arrived(&house), first);
    assert!(!format!("{:?}{}", answer.headers, answer.text()).contains(&first));
    guest.fetch("GET", "/app/x", None).await;
    assert!(arrived(&house).starts_with("ey"), "one of ours, a JWT");
    assert_eq!(renewals(&idp), 0, "it was good");

    // Strangers do not pass, and pass as nobody where that is allowed: also with a token of their own.
    let stranger = house.guest();
    assert_eq!(stranger.fetch("GET", "/drive/files", None).await.code(), "signed-out");
    let own = [("authorization", "Bearer their-own"), ("sec-fetch-site", "same-origin")];
    assert_eq!(stranger.send("GET", "/shared/x", &own, "").await.status, StatusCode::OK);
    assert_eq!(house.echo.one().header("authorization"), None);
    guest.fetch("GET", "/shared/x", None).await;
    assert_eq!(arrived(&house), first);
    house.close().await;
}

#[tokio::test]
async fn of_many_calls_one_renews_what_is_about_to_end_and_nobody_waits() {
    let (house, idp) = house_with("").await;
    let guest = ann_in(&house, &idp).await;
    let old = token(&guest, &house).await;
    house.advance(271);
    idp.hold();
    assert_eq!(token(&guest, &house).await, old);
    somebody_renews(&idp).await;
    for _ in 0..10 {
        assert_eq!(token(&guest, &house).await, old, "it is still good");
    }
    idp.go_on();
    let new = another_than(&old, &guest, &house).await;
    assert_eq!(token(&guest, &house).await, new);
    assert_eq!(renewals(&idp), 0, "none but the one");
    house.close().await;
}

#[tokio::test]
async fn rfc_9700_4_14_2_twenty_calls_after_a_pause_use_a_refresh_token_once() {
    let (house, idp) = house_with("").await;
    let guest = ann_in(&house, &idp).await;
    for round in 0..3 {
        // The session is refreshed as usual meanwhile; the provider's token is over.
        house.advance(290);
        assert_eq!(guest.refresh().await.status, StatusCode::OK);
        house.advance(290);
        guest.refresh().await;
        let calls = (0..20).map(|_| guest.fetch("GET", "/drive/files", None));
        for answer in join_all(calls).await {
            assert_eq!(answer.status, StatusCode::OK, "{round}: {}", answer.text());
        }
        let arrived = house.echo.take();
        let tokens: std::collections::BTreeSet<_> =
            arrived.iter().filter_map(|one| one.header("authorization")).collect();
        assert_eq!((arrived.len(), tokens.len()), (20, 1));
        assert_eq!(renewals(&idp), 1);
    }
    house.close().await;
}

/// What the stories here would run into without care: it is what the provider of these stories does.
#[tokio::test]
async fn rfc_9700_4_14_2_a_provider_ends_a_log_in_whose_refresh_token_comes_twice() {
    let house = House::start().await;
    let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    let to = "http://x/?response_type=code&code_challenge_method=S256&client_id=cloakroom&scope=openid&nonce=n&state=s\
              &code_challenge=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU&redirect_uri=http://x/back";
    let naive = Guest::at(&format!("http://{}", idp.address), idp.address.port());
    let post = async |body: String| {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        naive.send("POST", "/token", &form, body).await.json()
    };
    let back = idp.log_in(to, ann());
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let first = post(format!("grant_type=authorization_code&code={code}&code_verifier=")).await;
    let refresh =
        |token: &serde_json::Value| format!("grant_type=refresh_token&refresh_token={}", token.as_str().unwrap());
    let second = post(refresh(&first["refresh_token"])).await;
    assert_eq!(post(refresh(&first["refresh_token"])).await["error"], "invalid_grant");
    assert_eq!(post(refresh(&second["refresh_token"])).await["error"], "invalid_grant", "the good one is over too");
    house.close().await;
}

#[tokio::test]
async fn a_renewal_goes_on_when_whoever_asked_has_gone() {
    let (house, idp) = house_with("").await;
    let guest = ann_in(&house, &idp).await;
    house.advance(299);
    guest.refresh().await;
    house.advance(2);
    idp.hold();
    let impatient = guest.copied();
    let call = tokio::spawn(async move { impatient.fetch("GET", "/drive/files", None).await.status });
    somebody_renews(&idp).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    idp.go_on();
    // The refresh token is used up there: whoever came with it once more would end the log-in.
    let second = token(&guest, &house).await;
    house.advance(271);
    guest.refresh().await;
    another_than(&second, &guest, &house).await;
    assert_eq!(renewals(&idp), 1, "the next one");
    house.close().await;
}

#[tokio::test]
async fn whose_session_the_provider_has_ended_is_logged_out_here() {
    let (house, idp) = house_with("").await;
    let guest = ann_in(&house, &idp).await;
    token(&guest, &house).await;
    idp.behave(Manner::Ended);
    house.advance(271);
    let answer = until_refused(&guest, "/drive/files").await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "signed-out".into()));
    house.echo.take();
    assert!(answer.json()["login"].as_str().unwrap().ends_with("/auth/login"), "{}", answer.text());
    assert_eq!(guest.fetch("GET", "/app/x", None).await.code(), "signed-out");
    assert_eq!(who(&guest).await, "nobody");
    let page = guest.visit("/drive/files").await;
    assert_eq!(
        (page.status, page.header("location")),
        (StatusCode::SEE_OTHER, "/auth/login?return_to=%2Fdrive%2Ffiles")
    );
    house.close().await;
}

#[tokio::test]
async fn while_the_provider_is_away_the_old_token_serves_as_long_as_it_lives() {
    let (house, idp) = house_with("").await;
    let guest = ann_in(&house, &idp).await;
    let old = token(&guest, &house).await;
    idp.behave(Manner::HangsUp);
    house.advance(271);
    assert_eq!(token(&guest, &house).await, old);
    house.advance(20);
    guest.refresh().await;
    assert_eq!(token(&guest, &house).await, old);
    house.advance(10);
    let answer = guest.fetch("GET", "/drive/files", None).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_GATEWAY, "provider-unreachable".into()));
    let page = guest.visit("/drive/files").await;
    assert_eq!(heading(&page), "The other site does not answer");
    assert_eq!(guest.fetch("GET", "/app/x", None).await.status, StatusCode::OK, "the rest works");
    house.echo.take();

    // It is back, and is asked after a pause.
    idp.behave(Manner::Honest);
    idp.asked();
    assert_eq!(guest.fetch("GET", "/drive/files", None).await.code(), "provider-unreachable");
    assert_eq!(renewals(&idp), 0);
    house.advance(30);
    assert_ne!(token(&guest, &house).await, old);
    house.close().await;
}

/// Logged in, and the provider's token over.
async fn ann_late(house: &House, idp: &Idp) -> Guest {
    let guest = ann_in(house, idp).await;
    house.advance(299);
    guest.refresh().await;
    house.advance(2);
    guest
}

#[tokio::test]
async fn openid_core_12_2_a_token_for_somebody_else_is_never_used_and_ends_the_session() {
    let (house, idp) = house_with("").await;
    let guest = ann_late(&house, &idp).await;
    idp.behave(Manner::SomebodyElse);
    let answer = guest.fetch("GET", "/drive/files", None).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "signed-out".into()));
    assert_eq!(who(&guest).await, "nobody");
    assert_eq!(house.echo.take().len(), 0);
    house.close().await;
}

#[tokio::test]
async fn an_id_token_that_is_no_good_costs_nobody_their_log_in() {
    for manner in
        [Manner::StrangersKey, Manner::Unsigned, Manner::WrongIssuer, Manner::WrongAudience, Manner::SwappedNonce]
    {
        let (house, idp) = house_with("").await;
        let guest = ann_late(&house, &idp).await;
        idp.behave(manner);
        let answer = guest.fetch("GET", "/drive/files", None).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_GATEWAY, "provider-refused".into()), "{manner:?}");
        assert_eq!(house.echo.take().len(), 0, "its access token is not used");
        // The refresh token that came along is the only one that is good.
        idp.behave(Manner::Honest);
        house.advance(5);
        token(&guest, &house).await;
        house.close().await;
    }
}

#[tokio::test]
async fn a_session_that_is_used_elsewhere_keeps_its_tokens_fresh() {
    let (house, idp) = house_with("").await;
    let guest = ann_in(&house, &idp).await;
    let old = token(&guest, &house).await;
    house.advance(271);
    guest.refresh().await;
    guest.fetch("GET", "/app/x", None).await;
    somebody_renews(&idp).await;
    house.echo.take();
    another_than(&old, &guest, &house).await;
    // Somebody was disabled there, and never uses what would need their token.
    idp.behave(Manner::Ended);
    house.advance(290);
    guest.refresh().await;
    assert_eq!(until_refused(&guest, "/app/x").await.code(), "signed-out");
    house.close().await;
}

#[tokio::test]
async fn a_session_that_was_opened_otherwise_has_no_such_token_and_is_told_what_to_do() {
    let (house, idp) = house_with("").await;
    let bob = house.signed_in("bob@example.com").await;
    let answer = bob.fetch("GET", "/drive/files", None).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "provider-token-needed".into()));
    assert!(answer.json()["account"].as_str().unwrap().ends_with("/auth/account"), "{}", answer.text());
    let page = bob.visit("/drive/files").await;
    assert_eq!(
        (page.status, heading(&page)),
        (StatusCode::FORBIDDEN, "This needs a log-in with the other site".into())
    );
    assert!(page.text().contains("/auth/account\">Your account"), "{}", page.text());
    assert_eq!(bob.fetch("GET", "/shared/x", None).await.code(), "provider-token-needed", "nor somebody as nobody");
    assert_eq!(house.echo.take().len(), 0);

    // Nor does a session of another provider.
    let mut house = house;
    let other = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&format!("{}{}{UPSTREAMS}", idp.config("example", ""), other.config("other", ""))).await;
    let eve = house.guest();
    let to = sent(&eve, "/auth/provider/other").await;
    eve.visit_from("cross-site", &other.log_in(&to, json!({ "sub": "e", "email": "eve@example.com" }))).await;
    assert_eq!(who(&eve).await, "eve@example.com");
    assert_eq!(eve.fetch("GET", "/drive/files", None).await.code(), "provider-token-needed");
    house.close().await;
}

#[tokio::test]
async fn roles_that_the_provider_takes_away_are_gone_with_the_next_token() {
    let (house, idp) = house_with("groups_claim = \"groups\"").await;
    let guest = house.guest();
    let mut person = ann();
    person["groups"] = json!(["staff", "finance"]);
    log_in(&guest, &idp, person.clone()).await;
    assert_eq!(token_of(&guest, &house).await["groups"], json!(["staff", "finance"]));
    person["groups"] = json!(["staff"]);
    let old = token(&guest, &house).await;
    idp.says_now(person);
    house.advance(271);
    another_than(&old, &guest, &house).await;
    guest.refresh().await;
    assert_eq!(token_of(&guest, &house).await["groups"], json!(["staff"]));
    house.close().await;
}

#[tokio::test]
async fn tokens_go_along_with_a_session_that_takes_the_place_of_another() {
    let (house, idp) = house_with("").await;
    let owner = house.signed_in("bob@example.com").await;
    let change = json!({ "act": "add-provider", "provider": "example" });
    let password = json!({ "password": cloakroom_testbed::PASSWORD });
    let approval = owner.approved_of(&change, &password).await;
    let link = json!({ "provider": "example", "step_up": approval });
    let begun = owner.fetch("POST", "/auth/providers/link", Some(link)).await;
    owner.visit_from("cross-site", &idp.log_in(begun.json()["continue_at"].as_str().unwrap(), ann())).await;
    let guest = ann_in(&house, &idp).await;
    let old = token(&guest, &house).await;

    // In the very moment in which the old session renews its token, the password is changed.
    house.advance(271);
    idp.hold();
    token(&guest, &house).await;
    somebody_renews(&idp).await;
    let changing = guest.copied();
    let body = json!({ "current": cloakroom_testbed::PASSWORD, "password": "walnut harbour violet cedar" });
    let change = async {
        let changed = changing.fetch("POST", "/auth/password/change", Some(body)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    };
    tokio::join!(change, async {
        tokio::task::yield_now().await;
        idp.go_on();
    });
    let new = token(&changing, &house).await;
    assert_ne!(new, old, "what the renewal has given");
    house.advance(271);
    another_than(&new, &changing, &house).await;
    assert_eq!(renewals(&idp), 1, "and its refresh token was good");
    house.close().await;
}

#[tokio::test]
async fn rfc_7009_a_log_out_forgets_the_tokens_and_gives_them_back() {
    let (mut house, idp) = house_with("log_out = false").await;
    let guest = ann_in(&house, &idp).await;
    token(&guest, &house).await;
    let kept = || {
        let database = rusqlite::Connection::open(house.database()).unwrap();
        let count = "SELECT count(*) FROM slip WHERE kind = 'provider-session'";
        database.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(kept(), 1);
    guest.fetch("POST", "/auth/logout", None).await;
    assert_eq!(kept(), 0);
    house.stop().await;
    assert!(idp.asked().contains(&"/revoke".to_owned()), "given back before the server stops");
    house.open_again().await;
    house.close().await;

    // Where the browser is led to a log-out there, that ends it; where another browser ends the session, nobody goes there.
    let (house, idp) = house_with("").await;
    let guest = ann_in(&house, &idp).await;
    assert_eq!(guest.fetch("POST", "/auth/logout", None).await.status, StatusCode::OK);
    let (one, other) = (ann_in(&house, &idp).await, ann_in(&house, &idp).await);
    let sessions = one.fetch("GET", "/auth/sessions", None).await.json();
    let listed = sessions["sessions"].as_array().unwrap();
    let theirs = listed.iter().find(|session| session["current"] != true).unwrap()["id"].as_str().unwrap();
    let ended = one.fetch("DELETE", &format!("/auth/sessions/{theirs}"), None).await;
    assert_eq!((ended.status, who(&other).await.as_str()), (StatusCode::NO_CONTENT, "nobody"));
    let stop = idp.clone();
    house.close().await;
    assert_eq!(stop.asked().iter().filter(|path| *path == "/revoke").count(), 1);
}
