//! What somebody who has a password, a session or nothing tried to take an account over for good, or to keep its owner out.
//! Each of these once worked.

use crate::asking::{OTHER, confirm, confirm_change, forgot, log_in, reset, said, show, sign_up};
use cloakroom_app::Clock as _;
use cloakroom_testbed::{AuthenticatorApp, Guest, House, Idp, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";
const THIEFS: &str = "thief@example.net";
const BACK: &str = "/auth/email/back";

async fn house() -> House {
    let house = House::with_mail("server.trusted_proxies = [\"127.0.0.1\"]").await;
    house.watch.secret(OTHER);
    house
}

/// A stranger from a network of their own.
fn stranger(house: &House, number: usize) -> Guest {
    house.guest().from_address(&format!("10.{}.{}.7", number / 250, number % 250))
}

async fn ask_change(guest: &Guest, next: &str) {
    let approval =
        guest.approved_of(&json!({ "act": "change-email", "email": next }), &json!({ "password": PASSWORD })).await;
    let asked = guest.fetch("POST", "/auth/email/change", Some(json!({ "email": next, "step_up": approval }))).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{}", asked.text());
}

async fn last_token(house: &House, address: &str) -> String {
    house.mails_to(address).await.pop().unwrap().token()
}

/// Adds an app, and waits until its code is another.
async fn arm(house: &House, guest: &Guest) -> AuthenticatorApp {
    let approval = guest.approved("add-totp", &json!({ "password": PASSWORD })).await;
    let begun = guest.fetch("POST", "/auth/totp/begin", Some(json!({ "step_up": approval }))).await.json();
    let app = AuthenticatorApp::scan(begun["uri"].as_str().unwrap());
    let body = json!({ "id": begun["id"], "code": app.code(house.clock.now(), 0) });
    assert_eq!(guest.fetch("POST", "/auth/totp/finish", Some(body)).await.status, StatusCode::OK);
    house.advance(30);
    app
}

async fn question(guest: &Guest) -> Value {
    let asked = log_in(guest, ANN, PASSWORD).await;
    assert_eq!(said(&asked), (401, "second-factor-asked".into()), "{}", asked.text());
    asked.json()["second_factor"]["id"].clone()
}

async fn answer(guest: &Guest, id: &Value, code: &str) -> (u16, String) {
    said(&guest.fetch("POST", "/auth/login/factor", Some(json!({ "id": id, "totp": code }))).await)
}

#[tokio::test]
async fn the_way_back_is_not_blocked_by_who_signs_up_with_the_old_address() {
    let house = house().await;
    let thief = house.confirmed(ANN).await;
    ask_change(&thief, THIEFS).await;
    let token = last_token(&house, THIEFS).await;
    assert_eq!(confirm_change(&thief, &token, PASSWORD).await.status, StatusCode::NO_CONTENT);
    let way_back = last_token(&house, ANN).await;
    let squatter = stranger(&house, 1);
    assert_eq!(sign_up(&squatter, ANN, "glacier pepper window saddle").await.status, StatusCode::ACCEPTED);
    let squatters = last_token(&house, ANN).await;

    let back = show(&house.guest(), BACK, &way_back).await;
    assert_eq!(back.status, StatusCode::NO_CONTENT, "{}", back.text());
    let again = last_token(&house, ANN).await;
    assert_eq!(reset(&house.guest(), &again, OTHER).await.status, StatusCode::NO_CONTENT);
    assert_eq!(log_in(&house.guest(), ANN, OTHER).await.json()["account"]["email"], ANN);
    assert_eq!(
        said(&confirm(&squatter, &squatters, "glacier pepper window saddle").await),
        (422, "code-invalid".into())
    );
    assert_eq!(log_in(&squatter, ANN, "glacier pepper window saddle").await.code(), "wrong-credentials");
    house.close().await;
}

#[tokio::test]
async fn an_identity_that_a_thief_added_goes_with_the_change_of_address_that_is_taken_back() {
    let mut house = house().await;
    let thief = house.confirmed(ANN).await;
    let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&format!("server.trusted_proxies = [\"127.0.0.1\"]\n{}", idp.config("example", ""))).await;
    house.advance(1);
    ask_change(&thief, THIEFS).await;
    let token = last_token(&house, THIEFS).await;
    assert_eq!(confirm_change(&house.guest(), &token, PASSWORD).await.status, StatusCode::NO_CONTENT);
    let way_back = last_token(&house, ANN).await;
    let thief = house.guest();
    assert_eq!(log_in(&thief, THIEFS, PASSWORD).await.status, StatusCode::OK);
    let add = json!({ "act": "add-provider", "provider": "example" });
    let approval = thief.approved_of(&add, &json!({ "password": PASSWORD })).await;
    let link = json!({ "provider": "example", "step_up": approval });
    let begun = thief.fetch("POST", "/auth/providers/link", Some(link)).await.json();
    let his = json!({ "sub": "thief", "email": "eve@example.com" });
    let back = idp.log_in(begun["continue_at"].as_str().unwrap(), his.clone());
    assert_eq!(thief.visit_from("cross-site", &back).await.header("location"), "/auth/account?notice=provider-added");

    let answer = show(&house.guest(), BACK, &way_back).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    let again = house.guest();
    let to = again.visit("/auth/provider/example").await.header("location").to_owned();
    assert_eq!(again.visit_from("cross-site", &idp.log_in(&to, his)).await.status, StatusCode::SEE_OTHER);
    let me = again.fetch("GET", "/auth/me", None).await.json();
    assert_eq!(me["account"]["email"], "eve@example.com", "an account of his own");
    house.close().await;
}

#[tokio::test]
async fn a_change_that_a_thief_has_asked_for_does_not_outlive_the_password() {
    for owner_does in ["a reset", "a change", "that was not me"] {
        let house = house().await;
        let ann = house.confirmed(ANN).await;
        house.advance(60);
        let thief = stranger(&house, 1);
        thief.log_in(ANN).await;
        let noticed = last_token(&house, ANN).await;
        ask_change(&thief, THIEFS).await;
        let token = last_token(&house, THIEFS).await;
        let done = match owner_does {
            "a reset" => {
                forgot(&house.guest(), ANN).await;
                reset(&house.guest(), &last_token(&house, ANN).await, OTHER).await
            }
            "a change" => {
                let body = json!({ "current": PASSWORD, "password": OTHER });
                ann.fetch("POST", "/auth/password/change", Some(body)).await
            }
            _ => show(&house.guest(), "/auth/devices/revoke", &noticed).await,
        };
        assert!(done.status.is_success(), "{}", done.text());
        for password in [PASSWORD, OTHER] {
            let late = said(&confirm_change(&thief, &token, password).await);
            assert!(late.0 == 422 || late.0 == 401, "after {owner_does}: {late:?}");
        }
        let addresses = "SELECT count(*) FROM account WHERE canonical_email = ?1";
        let count: u32 = house.look(|database| database.query_one(addresses, [ANN], |row| row.get(0)));
        assert_eq!(count, 1, "after {owner_does}");
        house.close().await;
    }
}

#[tokio::test]
async fn log_ins_that_wait_for_their_second_factor_are_few_and_keep_nobody_from_approving() {
    let house = house().await;
    let ann = house.confirmed(ANN).await;
    let app = arm(&house, &ann).await;
    for number in 0..40 {
        question(&stranger(&house, number)).await;
    }
    assert!(house.slips("challenge") <= 8, "{} of them", house.slips("challenge"));
    let approval = ann.ask_approval("new-recovery-codes").await;
    let code = app.code(house.clock.now(), 0);
    assert_eq!(ann.prove(&approval, &json!({ "totp": code })).await.status, StatusCode::NO_CONTENT);
    house.advance(30);
    // The latest question is always there.
    let phone = house.guest();
    let id = question(&phone).await;
    assert_eq!(answer(&phone, &id, &app.code(house.clock.now(), 0)).await, (200, String::new()));
    house.close().await;
}

#[tokio::test]
async fn who_knows_the_password_alone_keeps_nobody_from_their_own_second_factor_and_is_told_of() {
    let house = house().await;
    let ann = house.confirmed(ANN).await;
    let app = arm(&house, &ann).await;
    ann.fetch("POST", "/auth/logout", None).await;
    let mails = house.mails_to(ANN).await.len();
    let mut delay = 0;
    for failure in 1..=100_u32 {
        house.advance(delay);
        let thief = stranger(&house, failure as usize);
        let id = question(&thief).await;
        let wrong = app.wrong_code(house.clock.now());
        assert_eq!(answer(&thief, &id, &wrong).await, (422, "proof-wrong".into()), "{failure}");
        delay = failure.checked_sub(5).map_or(0, |doublings| (1_u64 << doublings.min(20)).min(900));
        if failure == 20 {
            let thief = stranger(&house, 500);
            let id = question(&thief).await;
            assert_eq!(answer(&thief, &id, &app.code(house.clock.now(), 0)).await.1, "too-many-attempts");
            // The device of the owner has a row of its own, and so has a session.
            let id = question(&ann).await;
            assert_eq!(answer(&ann, &id, &app.code(house.clock.now(), 0)).await.0, 200);
            house.advance(30);
            let approval = ann.ask_approval("new-recovery-codes").await;
            let code = app.code(house.clock.now(), 0);
            assert_eq!(ann.prove(&approval, &json!({ "totp": code })).await.status, StatusCode::NO_CONTENT);
            let told: Vec<_> = house.mails_to(ANN).await.split_off(mails);
            // Not for each of twenty: once in the beginning, and once more after an hour.
            assert_eq!(told.len(), 2, "{:?}", told.iter().map(|mail| &mail.subject).collect::<Vec<_>>());
            assert!(told.iter().all(|mail| mail.subject.contains("Somebody knows your password")));
            house.advance(30);
        }
        house.letters_are_sent().await;
    }
    let thief = stranger(&house, 501);
    let id = question(&thief).await;
    assert_eq!(answer(&thief, &id, &app.code(house.clock.now(), 0)).await.1, "password-locked");
    let id = question(&ann).await;
    assert_eq!(answer(&ann, &id, &app.code(house.clock.now(), 0)).await.0, 200);
    house.close().await;
}

#[tokio::test]
async fn a_log_in_that_waits_for_its_second_factor_ends_with_everything_else() {
    let house = house().await;
    let ann = house.confirmed(ANN).await;
    let app = arm(&house, &ann).await;
    let thief = stranger(&house, 1);
    let id = question(&thief).await;
    house.advance(1);
    assert_eq!(ann.fetch("POST", "/auth/logout/all", None).await.status, StatusCode::NO_CONTENT);
    let code = app.code(house.clock.now(), 0);
    assert_eq!(answer(&thief, &id, &code).await, (410, "challenge-over".into()));
    // One that was asked for afterwards does not, and the code is good for that one.
    let id = question(&ann).await;
    assert_eq!(answer(&ann, &id, &code).await, (200, String::new()));
    house.close().await;
}

#[tokio::test]
async fn wrong_proofs_in_one_session_make_no_other_wait() {
    let house = house().await;
    let ann = house.confirmed(ANN).await;
    let copied = stranger(&house, 1);
    copied.log_in(ANN).await;
    let wrong = json!({ "current": OTHER, "password": OTHER });
    for _ in 0..5 {
        let answer = copied.fetch("POST", "/auth/password/change", Some(wrong.clone())).await;
        assert_eq!(said(&answer), (401, "wrong-credentials".into()));
    }
    let waits = copied.fetch("POST", "/auth/password/change", Some(wrong)).await;
    assert_eq!((said(&waits), waits.header("retry-after")), ((429, "too-many-attempts".into()), "1"));
    let approval = copied.ask_approval("add-totp").await;
    assert_eq!(copied.prove(&approval, &json!({ "password": PASSWORD })).await.code(), "too-many-attempts");
    ann.approved("add-totp", &json!({ "password": PASSWORD })).await;
    house.close().await;
}

#[tokio::test]
async fn whoever_asks_for_resets_all_day_the_owner_always_has_one_that_is_good() {
    let house = house().await;
    house.confirmed(ANN).await;
    let (mut mails, mut since) = (1, 0);
    for minute in 0..180 {
        assert_eq!(forgot(&stranger(&house, minute), ANN).await.status, StatusCode::ACCEPTED);
        let now = house.mails_to(ANN).await.len();
        since = if now > mails { 0 } else { since + 1 };
        mails = now;
        assert!(since < 29, "minute {minute}: the last one has come {since} minutes ago, and is good for 30");
        house.advance(60);
    }
    assert!(mails <= 20, "{mails} mails in three hours");
    assert_eq!(reset(&house.guest(), &last_token(&house, ANN).await, OTHER).await.status, StatusCode::NO_CONTENT);
    house.close().await;
}

#[tokio::test]
async fn forgetting_every_device_makes_no_log_in_silent() {
    let house = house().await;
    let copied = house.confirmed(ANN).await;
    // On the very first day nobody is there yet who could be told.
    house.advance(2 * 86_400);
    assert_eq!(copied.refresh().await.status, StatusCode::OK);
    let devices = copied.fetch("GET", "/auth/devices", None).await.json()["devices"].clone();
    for device in devices.as_array().unwrap() {
        copied.fetch("POST", "/auth/devices/forget", Some(json!({ "device": device["id"] }))).await;
    }
    let mails = house.mails_to(ANN).await.len();
    stranger(&house, 7).log_in(ANN).await;
    assert!(house.mails_to(ANN).await.len() > mails, "nobody was told");
    house.close().await;
}
