//! Another address for an account: approved, confirmed from the new one, told to the old one with a way back.

use crate::asking::{OTHER, confirm_change, forgot, log_in, reset, said, seen, show, sign_up};
use crate::mail::scan;
use cloakroom_app::Clock as _;
use cloakroom_testbed::{Answer, AuthenticatorApp, Guest, House, Mail, PASSWORD};
use http::StatusCode;
use serde_json::json;

const ANN: &str = "ann@example.com";
const NEW: &str = "ann.new@example.net";
const CONFIRM: &str = "/auth/email/confirm";
const BACK: &str = "/auth/email/back";

/// Asks for a change with a good approval.
async fn ask(guest: &Guest, next: &str) -> Answer {
    let approval =
        guest.approved_of(&json!({ "act": "change-email", "email": next }), &json!({ "password": PASSWORD })).await;
    guest.fetch("POST", "/auth/email/change", Some(json!({ "email": next, "step_up": approval }))).await
}

async fn last(house: &House, address: &str) -> Mail {
    house.mails_to(address).await.pop().unwrap()
}

/// Changes the address, and gives the mail to the old one.
async fn change(house: &House, guest: &Guest, from: &str, to: &str) -> Mail {
    assert_eq!(ask(guest, to).await.status, StatusCode::ACCEPTED);
    let mail = last(house, to).await;
    assert_eq!(confirm_change(&house.guest(), &mail.token(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    last(house, from).await
}

async fn address_of(guest: &Guest) -> String {
    guest.fetch("GET", "/auth/me", None).await.json()["account"]["email"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn asvs_7_5_1_another_address_takes_an_approval_and_nothing_changes_before_it_is_confirmed() {
    let house = House::with_mail("").await;
    let ann = house.confirmed(ANN).await;
    let waiting = ann.ask_approval_of(&json!({ "act": "change-email", "email": NEW })).await;
    for approval in ["", "AAAAAAAAAAAAAAAAAAAAAA", &waiting] {
        let body = json!({ "email": NEW, "step_up": approval });
        let refused = ann.fetch("POST", "/auth/email/change", Some(body)).await;
        assert_eq!(said(&refused), (401, "step-up-needed".into()));
        assert_eq!(refused.json()["step_up"], json!({ "open": "/auth/step-up", "act": "change-email" }));
    }
    assert_eq!(ask(&ann, NEW).await.status, StatusCode::ACCEPTED);
    let mail = house.last_mail_to(NEW, 1).await;
    assert_eq!(mail.page(), format!("{}{CONFIRM}", house.origin()));
    assert_eq!(house.mails_to(ANN).await.len(), 1, "the old address hears of what has happened");
    scan(&house, &mail).await;
    assert_eq!(address_of(&ann).await, ANN);
    assert_eq!(log_in(&house.guest(), NEW, PASSWORD).await.code(), "wrong-credentials");
    house.guest().log_in(ANN).await;
    // Of two letters that wait, either may be sent first.
    house.letters_are_sent().await;

    assert_eq!(confirm_change(&house.guest(), &mail.token(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    assert_eq!(address_of(&ann).await, NEW);
    house.guest().log_in(NEW).await;
    assert_eq!(log_in(&house.guest(), ANN, PASSWORD).await.code(), "wrong-credentials");
    for used in [mail.token(), mail.typed()] {
        assert_eq!(said(&confirm_change(&ann, &used, PASSWORD).await), (422, "code-invalid".into()));
    }
    let told = last(&house, ANN).await;
    assert!(
        told.subject.contains("address") && told.text.contains("was changed to a\u{2026}w@example.net"),
        "{}",
        told.text
    );
    assert!(!String::from_utf8_lossy(&told.raw).contains(NEW), "only partly: it may be somebody else's");
    assert!(told.text.contains("within 7 days") && told.page().ends_with(BACK), "{}", told.text);
    house.close().await;
}

#[tokio::test]
async fn asvs_6_3_7_the_way_back_restores_the_address_ends_sessions_and_makes_the_password_worthless() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let thief = house.confirmed(ANN).await;
    let told = change(&house, &thief, ANN, "thief@example.net").await;
    scan(&house, &told).await;
    assert_eq!((address_of(&thief).await.as_str(), thief.status_of_app().await), ("thief@example.net", StatusCode::OK));

    let before = house.mails_to(ANN).await.len();
    assert_eq!(show(&house.guest(), BACK, &told.token()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(said(&thief.fetch("GET", "/app/x", None).await), (401, "signed-out".into()));
    assert_eq!(thief.refresh().await.code(), "session-ended");
    for address in [ANN, "thief@example.net"] {
        assert_eq!(
            said(&log_in(&house.guest(), address, PASSWORD).await),
            (401, "wrong-credentials".into()),
            "{address}"
        );
    }
    let mail = house.last_mail_to(ANN, before + 1).await;
    assert_eq!(mail.page(), format!("{}/auth/reset", house.origin()));
    assert_eq!(reset(&house.guest(), &mail.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    let entered = log_in(&house.guest(), ANN, OTHER).await;
    assert_eq!(entered.json()["account"]["email"], ANN, "{}", entered.text());
    assert_eq!(said(&show(&house.guest(), BACK, &told.typed()).await), (422, "code-invalid".into()), "twice is once");
    house.close().await;
}

#[tokio::test]
async fn what_was_mailed_to_the_address_that_is_gone_is_worthless() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let thief = house.confirmed(ANN).await;
    forgot(&house.guest(), ANN).await;
    let to_old = last(&house, ANN).await;
    let told = change(&house, &thief, ANN, "thief@example.net").await;
    assert_eq!(said(&reset(&house.guest(), &to_old.token(), OTHER).await), (422, "code-invalid".into()));
    forgot(&house.guest(), "thief@example.net").await;
    let to_thief = last(&house, "thief@example.net").await;
    show(&house.guest(), BACK, &told.token()).await;
    assert_eq!(said(&reset(&house.guest(), &to_thief.token(), OTHER).await), (422, "code-invalid".into()));
    house.close().await;
}

#[tokio::test]
async fn asvs_6_3_8_a_change_to_an_address_that_is_taken_is_answered_as_any_other() {
    let house = House::with_mail("").await;
    let (ann, _bob) = (house.confirmed(ANN).await, house.confirmed("bob@example.com").await);
    let taken = ask(&ann, "Bob@example.com").await;
    let free = ask(&ann, NEW).await;
    assert_eq!(seen(&taken), seen(&free));
    let told = house.last_mail_to("Bob@example.com", 1).await;
    assert!(told.subject.contains("You have an account") && told.code().is_none() && !told.text.contains('#'));
    assert!(house.last_mail_to(NEW, 1).await.subject.contains("Confirm your new address"));
    assert_eq!(address_of(&ann).await, ANN);
    house.close().await;
}

#[tokio::test]
async fn an_address_that_is_taken_before_it_was_confirmed_stays_with_who_took_it() {
    let house = House::with_mail("").await;
    let ann = house.confirmed(ANN).await;
    ask(&ann, NEW).await;
    let mail = house.last_mail_to(NEW, 1).await;
    assert_eq!(sign_up(&house.guest(), NEW, OTHER).await.status, StatusCode::ACCEPTED);
    assert_eq!(said(&confirm_change(&house.guest(), &mail.token(), PASSWORD).await), (422, "code-invalid".into()));
    assert_eq!(address_of(&ann).await, ANN);
    house.close().await;
}

#[tokio::test]
async fn the_latest_wish_is_the_one_that_counts_and_for_an_hour() {
    let house = House::with_mail("").await;
    let ann = house.confirmed(ANN).await;
    ask(&ann, "first@example.net").await;
    ask(&ann, "second@example.net").await;
    let (first, second) = (last(&house, "first@example.net").await, last(&house, "second@example.net").await);
    assert_eq!(said(&confirm_change(&ann, &first.token(), PASSWORD).await), (422, "code-invalid".into()));
    house.advance(3600);
    assert_eq!(said(&confirm_change(&ann, &second.token(), PASSWORD).await), (422, "code-invalid".into()));
    // The access token of the session has grown old meanwhile.
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    ask(&ann, "third@example.net").await;
    house.advance(3599);
    let third = last(&house, "third@example.net").await;
    assert_eq!(confirm_change(&ann, &third.token(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    house.close().await;
}

#[tokio::test]
async fn of_two_changes_in_a_row_the_first_owner_can_take_both_back_for_good() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let thief = house.confirmed(ANN).await;
    let to_ann = change(&house, &thief, ANN, "b@thief.example").await;
    house.advance(60);
    let to_b = change(&house, &thief, "b@thief.example", "c@thief.example").await;
    assert_eq!(address_of(&thief).await, "c@thief.example");
    // The thief has a way back as well: it must not lead away from the owner again.
    assert_eq!(show(&house.guest(), BACK, &to_ann.token()).await.status, StatusCode::NO_CONTENT);
    let mail = last(&house, ANN).await;
    let stolen = show(&house.guest(), BACK, &to_b.token()).await;
    assert_eq!(said(&stolen), (422, "code-invalid".into()), "the thief has taken the account back");
    assert_eq!(reset(&house.guest(), &mail.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    assert_eq!(log_in(&house.guest(), ANN, OTHER).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn whoever_takes_a_later_change_back_first_does_not_take_the_way_from_who_had_the_address_before() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let thief = house.confirmed(ANN).await;
    let to_ann = change(&house, &thief, ANN, "b@thief.example").await;
    house.advance(60);
    let to_b = change(&house, &thief, "b@thief.example", "c@thief.example").await;
    assert_eq!(show(&house.guest(), BACK, &to_b.token()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(show(&house.guest(), BACK, &to_ann.token()).await.status, StatusCode::NO_CONTENT);
    let mail = last(&house, ANN).await;
    assert_eq!(reset(&house.guest(), &mail.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    assert_eq!(log_in(&house.guest(), ANN, OTHER).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn the_pages_change_an_address_without_any_script() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let ann = house.confirmed(ANN).await;
    let account = ann.visit("/auth/account").await;
    let asked = ann.fill(&account, "/auth/step-up", &[("act", "change-email"), ("email", NEW)]).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    let place = asked.header("location").strip_prefix(&house.origin()).unwrap().to_owned();
    let approval = ann.visit(&place).await;
    let wrong = ann.fill(&approval, &place, &[("password", OTHER)]).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text().contains("role=\"alert\""));
    let approved = ann.fill(&wrong, &place, &[("password", PASSWORD)]).await;
    assert_eq!(approved.status, StatusCode::SEE_OTHER, "{}", approved.text());
    let form = ann.visit(approved.header("location").strip_prefix(&house.origin()).unwrap()).await;
    assert!(form.text().contains(ANN) && form.text().contains(NEW), "{}", form.text());
    let sent = ann.fill(&form, "/auth/email/change", &[]).await;
    assert!(sent.text().contains("Until then nothing changes") && sent.links_to(CONFIRM), "{}", sent.text());

    let page = ann.visit(CONFIRM).await;
    let done =
        ann.fill(&page, CONFIRM, &[("token", &house.last_mail_to(NEW, 1).await.typed()), ("password", PASSWORD)]).await;
    assert!(done.text().contains("Your address is changed"), "{}", done.text());
    assert_eq!(address_of(&ann).await, NEW);

    let owner = house.guest();
    let page = owner.visit(BACK).await;
    let back = owner.fill(&page, BACK, &[("token", &last(&house, ANN).await.typed())]).await;
    assert!(back.text().contains("It is taken back"), "{}", back.text());
    let page = owner.visit("/auth/reset").await;
    let typed = [("token", last(&house, ANN).await.typed()), ("password", OTHER.to_owned())];
    let typed = typed.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(owner.fill(&page, "/auth/password/reset", &typed).await.status, StatusCode::SEE_OTHER);
    assert_eq!(log_in(&owner, ANN, OTHER).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn a_way_back_is_used_once_also_by_many_at_once_and_ends_after_a_week() {
    let house = House::with_mail("").await;
    let (ann, bob) = (house.confirmed(ANN).await, house.confirmed("bob@example.com").await);
    let to_ann = change(&house, &ann, ANN, NEW).await;
    let to_bob = change(&house, &bob, "bob@example.com", "bob.new@example.net").await;
    let all = (0..8).map(|_| {
        let (guest, token) = (house.guest(), to_ann.token());
        async move { show(&guest, BACK, &token).await.status }
    });
    let statuses = futures_util::future::join_all(all).await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::NO_CONTENT).count(), 1, "{statuses:?}");
    house.advance(7 * 86_400);
    assert_eq!(said(&show(&house.guest(), BACK, &to_bob.token()).await), (422, "code-invalid".into()));
    house.close().await;
}

/// Adds an authenticator app to an account that has none.
async fn add_app(house: &House, guest: &Guest) -> AuthenticatorApp {
    let approval = guest.approved("add-totp", &json!({ "password": PASSWORD })).await;
    let begun = guest.fetch("POST", "/auth/totp/begin", Some(json!({ "step_up": approval }))).await.json();
    let app = AuthenticatorApp::scan(begun["uri"].as_str().unwrap());
    let code = app.code(house.clock.now(), 0);
    let done = guest.fetch("POST", "/auth/totp/finish", Some(json!({ "id": begun["id"], "code": code }))).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    app
}

#[tokio::test]
async fn a_thiefs_app_goes_with_the_change_that_is_taken_back() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let thief = house.confirmed(ANN).await;
    let to_ann = change(&house, &thief, ANN, "thief@example.net").await;
    house.advance(60);
    add_app(&house, &thief).await;
    assert_eq!(show(&house.guest(), BACK, &to_ann.token()).await.status, StatusCode::NO_CONTENT);
    assert_eq!((house.slips("totp"), house.slips("recovery")), (0, 0));
    assert_eq!(reset(&house.guest(), &last(&house, ANN).await.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    assert_eq!(log_in(&house.guest(), ANN, OTHER).await.status, StatusCode::OK, "nobody asks for the thief's code");
    house.close().await;
}

#[tokio::test]
async fn the_owners_own_app_stays_when_a_change_is_taken_back() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let ann = house.confirmed(ANN).await;
    let app = add_app(&house, &ann).await;
    // What was added shortly before the change may be a thief's as well.
    house.advance(8 * 86_400);
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    let change = json!({ "act": "change-email", "email": NEW });
    let approval = ann.approved_of(&change, &json!({ "totp": app.code(house.clock.now(), 0) })).await;
    ann.fetch("POST", "/auth/email/change", Some(json!({ "email": NEW, "step_up": approval }))).await;
    let mail = last(&house, NEW).await;
    assert_eq!(confirm_change(&house.guest(), &mail.token(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    let told = last(&house, ANN).await;
    assert_eq!(show(&house.guest(), BACK, &told.token()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(reset(&house.guest(), &last(&house, ANN).await.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    assert_eq!(said(&log_in(&house.guest(), ANN, OTHER).await), (401, "second-factor-asked".into()));
    house.close().await;
}
