//! A forgotten password: reset by mail, which ends every session, tells the owner and logs nobody in.

use crate::asking::{OTHER, confirm, confirm_change, forgot, log_in, reset, said, seen, show};
use crate::mail::scan;
use cloakroom_app::Clock as _;
use cloakroom_testbed::{AuthenticatorApp, House, PASSWORD};
use http::StatusCode;
use serde_json::json;

const ANN: &str = "ann@example.com";
const RESET: &str = "/auth/password/reset";

#[tokio::test]
async fn asvs_6_4_3_a_reset_ends_every_session_tells_the_owner_and_logs_nobody_in() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let (ann, phone) = (house.confirmed(ANN).await, house.guest());
    phone.log_in(ANN).await;
    let before = house.mails_to(ANN).await.len();
    let lost = house.guest();
    assert_eq!(forgot(&lost, "Ann@example.com").await.status, StatusCode::ACCEPTED);
    let mail = house.last_mail_to(ANN, before + 1).await;
    assert_eq!(mail.page(), format!("{}/auth/reset", house.origin()));
    assert!(mail.text.contains("within 30 minutes"), "{}", mail.text);
    scan(&house, &mail).await;
    assert_eq!((ann.status_of_app().await, phone.status_of_app().await), (StatusCode::OK, StatusCode::OK));

    let done = reset(&lost, &mail.token(), OTHER).await;
    assert_eq!((done.status, done.cookies()), (StatusCode::NO_CONTENT, vec![]));
    for over in [&ann, &phone] {
        assert_eq!(said(&over.fetch("GET", "/app/x", None).await), (401, "signed-out".into()));
        assert_eq!(over.refresh().await.code(), "session-ended");
    }
    let told = house.last_mail_to(ANN, before + 2).await;
    assert!(told.subject.contains("was changed") && told.code().is_none(), "{}", told.subject);
    assert_eq!(said(&log_in(&house.guest(), ANN, PASSWORD).await), (401, "wrong-credentials".into()));
    assert_eq!(log_in(&lost, ANN, OTHER).await.status, StatusCode::OK);
    for used in [mail.token(), mail.typed()] {
        assert_eq!(said(&reset(&house.guest(), &used, PASSWORD).await), (422, "code-invalid".into()));
    }
    house.close().await;
}

#[tokio::test]
async fn asvs_6_3_8_asking_for_a_reset_tells_nobody_whether_there_is_an_account() {
    let house = House::with_mail("").await;
    house.confirmed(ANN).await;
    let (known, unknown) = (forgot(&house.guest(), ANN).await, forgot(&house.guest(), "nobody@example.com").await);
    assert_eq!(known.status, StatusCode::ACCEPTED);
    assert_eq!(seen(&known), seen(&unknown));
    let mut pages = Vec::new();
    for email in [ANN, "nobody@example.com"] {
        let guest = house.guest();
        let page = guest.visit("/auth/forgot").await;
        let answer = guest.fill(&page, "/auth/password/forgot", &[("email", email)]).await;
        let (status, mut headers, body) = seen(&answer);
        headers.retain(|(name, _)| name != "content-length");
        pages.push((status, headers, body.replace(email, "EMAIL")));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(house.mails_to("nobody@example.com").await, []);
    assert_eq!(house.mails_to(ANN).await.len(), 3);
    house.close().await;
}

#[tokio::test]
async fn the_pages_reset_by_a_typed_code_without_any_script() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    house.confirmed(ANN).await;
    let lost = house.guest();
    let login = lost.visit("/auth/login").await;
    assert!(login.links_to("/auth/forgot"));
    let page = lost.visit("/auth/forgot").await;
    let sent = lost.fill(&page, "/auth/password/forgot", &[("email", ANN)]).await;
    assert!(sent.text().contains("Look into your mail") && sent.links_to("/auth/reset"));
    let mail = house.last_mail_to(ANN, 2).await;
    let page = lost.visit("/auth/reset").await;
    // A password against the policy uses nothing up, and what was typed beside it stays.
    let weak = lost.fill(&page, RESET, &[("token", &mail.typed()), ("password", "short")]).await;
    assert!(weak.status == StatusCode::UNPROCESSABLE_ENTITY && weak.text().contains("At least 15 characters"));
    assert_eq!(weak.form(RESET, &["token"]).value("token"), Some(mail.typed().as_str()));
    let done = lost.fill(&weak, RESET, &[("password", OTHER)]).await;
    assert_eq!((done.status, done.header("location")), (StatusCode::SEE_OTHER, "/auth/login?notice=password-reset"));
    assert!(done.cookies().is_empty());
    let login = lost.visit(done.header("location")).await;
    assert!(login.text().contains("Your new password is set"));
    let entered = lost.fill(&login, "/auth/login", &[("email", ANN), ("password", OTHER)]).await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER);
    house.close().await;
}

#[tokio::test]
async fn links_are_built_from_the_public_url_whatever_a_request_says_of_the_host() {
    let house = House::with_mail("server.trusted_proxies = [\"127.0.0.1\"]").await;
    house.confirmed(ANN).await;
    let body = json!({ "email": ANN }).to_string();
    let origin = house.origin();
    let common = [("content-type", "application/json"), ("origin", origin.as_str())];
    let mut expected = 1;
    for claim in [
        vec![("x-forwarded-host", "evil.example"), ("x-forwarded-for", "203.0.113.7")],
        vec![("forwarded", "for=203.0.113.7;host=evil.example;proto=https")],
        vec![("x-original-host", "evil.example"), ("x-host", "evil.example"), ("x-forwarded-server", "evil.example")],
    ] {
        // So that every one of them may send a mail.
        house.advance(6 * 3600);
        let headers = [&common[..], &claim].concat();
        let answer = house.guest().send("POST", "/auth/password/forgot", &headers, body.clone()).await;
        // Refused or taken: there is no third, and no link elsewhere.
        expected += usize::from(answer.status == StatusCode::ACCEPTED);
        assert!([202, 421].contains(&answer.status.as_u16()), "{claim:?}: {}", answer.text());
    }
    let elsewhere = house.guest().at_origin("http://evil.example");
    let headers = [("content-type", "application/json"), ("sec-fetch-site", "same-origin")];
    let answer = elsewhere.send("POST", "/auth/password/forgot", &headers, body).await;
    assert_eq!(said(&answer), (421, "misdirected".into()));
    let mails = house.mails_to(ANN).await;
    assert_eq!(mails.len(), expected);
    assert!(expected > 1, "one of them was taken");
    for mail in mails {
        assert!(!String::from_utf8_lossy(&mail.raw).contains("evil"));
        assert!(mail.links().iter().all(|link| link.starts_with(&house.origin())), "{:?}", mail.links());
    }
    house.close().await;
}

#[tokio::test]
async fn asvs_6_4_3_a_second_factor_stays_asked_for_after_a_reset() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let ann = house.confirmed(ANN).await;
    let approval = ann.approved("add-totp", &json!({ "password": PASSWORD })).await;
    let begun = ann.fetch("POST", "/auth/totp/begin", Some(json!({ "step_up": approval }))).await.json();
    let app = AuthenticatorApp::scan(begun["uri"].as_str().unwrap());
    let code = app.code(house.clock.now(), 0);
    let finished = ann.fetch("POST", "/auth/totp/finish", Some(json!({ "id": begun["id"], "code": code }))).await;
    assert_eq!(finished.status, StatusCode::OK, "{}", finished.text());
    house.advance(30);
    let lost = house.guest();
    let before = house.mails_to(ANN).await.len();
    forgot(&lost, ANN).await;
    let mail = house.last_mail_to(ANN, before + 1).await;
    assert_eq!(reset(&lost, &mail.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    let asked = log_in(&lost, ANN, OTHER).await;
    assert_eq!(said(&asked), (401, "second-factor-asked".into()));
    assert!(asked.cookies().is_empty());
    let code = app.code(house.clock.now(), 0);
    let answer = json!({ "id": asked.json()["second_factor"]["id"], "totp": code });
    assert_eq!(lost.fetch("POST", "/auth/login/factor", Some(answer)).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn asvs_6_5_1_a_reset_is_the_latest_once_and_for_half_an_hour() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    house.confirmed(ANN).await;
    let lost = house.guest();
    forgot(&lost, ANN).await;
    let first = house.last_mail_to(ANN, 2).await;
    forgot(&lost, ANN).await;
    let second = house.last_mail_to(ANN, 3).await;
    for old in [first.token(), first.typed()] {
        assert_eq!(said(&reset(&lost, &old, OTHER).await), (422, "code-invalid".into()));
    }
    // For nothing else than what it was mailed for, also when it says so of itself.
    assert_eq!(said(&confirm(&lost, &second.token(), PASSWORD).await), (422, "code-invalid".into()));
    assert_eq!(said(&confirm_change(&lost, &second.token(), PASSWORD).await), (422, "code-invalid".into()));
    for route in ["/auth/email/back", "/auth/devices/revoke"] {
        assert_eq!(said(&show(&lost, route, &second.token()).await), (422, "code-invalid".into()), "{route}");
        assert_eq!(said(&show(&lost, route, &second.typed()).await), (422, "code-invalid".into()), "{route}");
    }
    let all = (0..8).map(|number| {
        let (guest, token) = (house.guest(), if number % 2 == 0 { second.token() } else { second.typed() });
        async move { reset(&guest, &token, OTHER).await.status }
    });
    let statuses = futures_util::future::join_all(all).await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::NO_CONTENT).count(), 1, "{statuses:?}");
    assert_eq!(house.slips("code"), 0);

    house.letters_are_sent().await;
    house.advance(6 * 3600);
    forgot(&lost, ANN).await;
    let third = house.mails_to(ANN).await.pop().unwrap();
    house.advance(30 * 60);
    assert_eq!(said(&reset(&lost, &third.token(), PASSWORD).await), (422, "code-invalid".into()));
    forgot(&lost, ANN).await;
    let fourth = house.mails_to(ANN).await.pop().unwrap();
    house.advance(30 * 60 - 1);
    assert_eq!(reset(&lost, &fourth.token(), PASSWORD).await.status, StatusCode::NO_CONTENT);
    house.close().await;
}

#[tokio::test]
async fn no_token_is_guessed_from_another() {
    let house = House::with_mail("").await;
    house.confirmed(ANN).await;
    house.confirmed("eve@example.com").await;
    forgot(&house.guest(), ANN).await;
    forgot(&house.guest(), "eve@example.com").await;
    let (anns, eves) = (house.last_mail_to(ANN, 2).await, house.last_mail_to("eve@example.com", 2).await);
    let (anns, eves) = (anns.token(), eves.token());
    assert_eq!((anns.len(), eves.len()), (87, 87));
    // Whose it is, from the one; the secret, from the other.
    let mixed = format!("{}{}", &anns[..44], &eves[44..]);
    let last = if anns.ends_with('A') { 'E' } else { 'A' };
    for forged in [
        mixed,
        format!("{}{last}", &anns[..86]),
        format!("{anns}A"),
        anns[..86].to_owned(),
        String::new(),
        "A".repeat(87),
        "A".repeat(9000),
        anns.to_lowercase(),
    ] {
        let answer = reset(&house.guest(), &forged, OTHER).await;
        assert_eq!(said(&answer), (422, "code-invalid".into()), "{forged}");
    }
    assert_eq!(reset(&house.guest(), &anns, OTHER).await.status, StatusCode::NO_CONTENT);
    assert_eq!(log_in(&house.guest(), "eve@example.com", PASSWORD).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn who_asks_again_and_again_fills_no_mailbox_and_spoils_no_mail_that_is_there() {
    let house = House::with_mail("").await;
    house.confirmed(ANN).await;
    house.watch.secret(OTHER);
    let mut answers = Vec::new();
    for _ in 0..20 {
        answers.push(seen(&forgot(&house.guest(), ANN).await));
        house.letters_are_sent().await;
    }
    assert_eq!(answers[0].0, 202);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let mails = house.mails_to(ANN).await;
    // The sign-up's counts as well.
    assert_eq!(mails.len(), 3, "{:?}", mails.iter().map(|mail| &mail.subject).collect::<Vec<_>>());
    // Somebody who keeps asking must not keep the owner from using the last mail that came.
    let last = mails.last().unwrap();
    let done = reset(&house.guest(), &last.token(), OTHER).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "the mail that came is worthless: {}", done.text());
    // After a while there is another one.
    house.advance(3600);
    forgot(&house.guest(), ANN).await;
    assert_eq!(house.mails_to(ANN).await.len(), mails.len() + 2, "one of the change, one of the request");
    house.close().await;
}

#[tokio::test]
async fn who_signs_up_again_and_again_with_an_address_fills_no_mailbox_and_spoils_no_mail_that_is_there() {
    let house = House::with_mail("").await;
    let ann = house.guest();
    for _ in 0..12 {
        ann.sign_up(ANN).await;
        house.letters_are_sent().await;
    }
    let mails = house.mails_to(ANN).await;
    assert_eq!(mails.len(), 3);
    let answer = confirm(&ann, &mails.last().unwrap().token(), PASSWORD).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text());
    house.guest().log_in(ANN).await;
    house.close().await;
}

#[tokio::test]
async fn a_reset_proves_the_address_as_a_confirmation_does() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let ann = house.guest();
    ann.sign_up(ANN).await;
    // Of two that wait, either may be sent first.
    house.letters_are_sent().await;
    forgot(&ann, ANN).await;
    let mail = house.last_mail_to(ANN, 2).await;
    assert_eq!(reset(&ann, &mail.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    let entered = log_in(&ann, ANN, OTHER).await;
    assert_eq!(entered.json()["account"]["email_verified"], true, "{}", entered.text());
    house.close().await;
}

#[tokio::test]
async fn a_reset_that_waits_is_good_after_a_restart_and_so_are_letters_that_wait() {
    let mut house = House::with_mail("").await;
    house.watch.secret(OTHER);
    house.confirmed(ANN).await;
    forgot(&house.guest(), ANN).await;
    house.restart().await;
    let mail = house.last_mail_to(ANN, 2).await;
    assert_eq!(reset(&house.guest(), &mail.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    house.close().await;
}

#[tokio::test]
async fn asvs_6_3_7_a_change_of_the_password_is_told_to_its_owner() {
    let house = House::with_mail("").await;
    house.watch.secret(OTHER);
    let ann = house.confirmed(ANN).await;
    let wrong = ann.fetch("POST", "/auth/password/change", Some(json!({ "current": OTHER, "password": OTHER }))).await;
    assert_eq!(said(&wrong), (401, "wrong-credentials".into()));
    assert_eq!(house.mails_to(ANN).await.len(), 1);
    let page = ann.visit("/auth/account").await;
    let typed = [("current", PASSWORD), ("password", OTHER)];
    let changed = ann.fill(&page, "/auth/password/change", &typed).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER);
    let told = house.last_mail_to(ANN, 2).await;
    assert!(told.subject.contains("was changed"), "{}", told.subject);
    assert!(told.text.contains("From: 127.0.0.1") && told.text.contains("/auth/forgot"), "{}", told.text);
    house.close().await;
}
