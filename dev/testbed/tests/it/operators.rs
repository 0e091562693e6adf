//! What operators do for people, over the admin listener, as the people see it: an invitation, a lost second factor, the end.

use crate::asking::{OTHER, confirm, forgot, log_in, reset, said, seen, show};
use cloakroom_app::Clock as _;
use cloakroom_testbed::{Answer, AuthenticatorApp, Guest, House, Idp, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};

const ANN: &str = "ann@example.com";
const CREDENTIAL: &str = "operators-secret-of-more-than-32-characters";

async fn house() -> House {
    let house = House::with_mail(&format!("server.admin_token = {CREDENTIAL:?}")).await;
    house.watch.secret(CREDENTIAL);
    house.watch.secret(OTHER);
    house
}

async fn operate(house: &House, method: &str, path: &str, body: Option<Value>) -> Answer {
    let credential = format!("Bearer {CREDENTIAL}");
    let mut headers = vec![("authorization", credential.as_str())];
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    house.operator().send(method, path, &headers, body).await
}

/// How many lines the audit trail has.
fn trail(house: &House) -> u32 {
    house.look(|database| database.query_one("SELECT count(*) FROM event", [], |row| row.get(0)))
}

async fn id_of(guest: &Guest) -> String {
    guest.fetch("GET", "/auth/me", None).await.json()["account"]["id"].as_str().unwrap().to_owned()
}

/// Adds an authenticator app to an account that has its password alone.
async fn add_app(house: &House, ann: &Guest) -> AuthenticatorApp {
    let approval = ann.approved("add-totp", &json!({ "password": PASSWORD })).await;
    let begun = ann.fetch("POST", "/auth/totp/begin", Some(json!({ "step_up": approval }))).await.json();
    let app = AuthenticatorApp::scan(begun["uri"].as_str().unwrap());
    let code = app.code(house.clock.now(), 0);
    let finished = ann.fetch("POST", "/auth/totp/finish", Some(json!({ "id": begun["id"], "code": code }))).await;
    assert_eq!(finished.status, StatusCode::OK);
    app
}

#[tokio::test]
async fn a_log_in_that_waits_for_its_second_factor_does_not_outlive_a_disabled_account() {
    let house = house().await;
    let ann = house.confirmed(ANN).await;
    let (id, app) = (id_of(&ann).await, add_app(&house, &ann).await);
    house.advance(30);
    let thief = house.guest();
    let asked = log_in(&thief, ANN, PASSWORD).await.json()["second_factor"]["id"].clone();
    house.advance(1);
    for what in ["disable", "enable"] {
        let done = operate(&house, "POST", &format!("/admin/accounts/{id}/{what}"), None).await;
        assert_eq!(done.status, StatusCode::NO_CONTENT);
    }
    let answer = json!({ "id": asked, "totp": app.code(house.clock.now(), 0) });
    let late = thief.fetch("POST", "/auth/login/factor", Some(answer)).await;
    assert_eq!(said(&late), (410, "challenge-over".into()));
    house.close().await;
}

#[tokio::test]
async fn somebody_who_was_invited_sets_a_password_by_mail_and_is_confirmed_by_that() {
    let house = house().await;
    let made = operate(&house, "POST", "/admin/accounts", Some(json!({ "email": ANN }))).await;
    assert_eq!((made.status, &made.json()["mailed"]), (StatusCode::CREATED, &json!(true)), "{}", made.text());
    assert!(!made.text().contains('#'), "the link goes to nobody but the owner");
    // An account without a password is answered as any other.
    let refused = log_in(&house.guest(), ANN, PASSWORD).await;
    assert_eq!(seen(&refused), seen(&log_in(&house.guest(), "nobody@example.com", PASSWORD).await));
    let mail = house.last_mail_to(ANN, 1).await;
    assert!(mail.subject.contains("Your account at"), "{}", mail.subject);
    let ann = house.guest();
    assert_eq!(reset(&ann, &mail.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    assert_eq!(log_in(&ann, ANN, OTHER).await.json()["account"]["email_verified"], true);
    let again = operate(&house, "POST", "/admin/accounts", Some(json!({ "email": "Ann@example.com" }))).await;
    assert_eq!(said(&again), (409, "address-taken".into()));
    house.close().await;
}

#[tokio::test]
async fn asvs_6_4_4_who_has_lost_every_factor_is_let_in_again_by_an_operator_and_told() {
    let house = house().await;
    let ann = house.confirmed(ANN).await;
    let id = id_of(&ann).await;
    let app = add_app(&house, &ann).await;
    let waiting = house.guest();
    let asked = log_in(&waiting, ANN, PASSWORD).await;
    assert_eq!(said(&asked), (401, "second-factor-asked".into()));

    // Not by a stranger, nor by a page of somebody's browser.
    let path = format!("/admin/accounts/{id}/remove-factors");
    let credential = format!("Bearer {CREDENTIAL}");
    for headers in [
        vec![],
        vec![("authorization", "Bearer another-secret-of-more-than-32-characters")],
        vec![("authorization", credential.as_str()), ("origin", "http://evil.example")],
        vec![("authorization", credential.as_str()), ("sec-fetch-site", "cross-site")],
    ] {
        let refused = house.operator().send("POST", &path, &headers, "").await;
        assert!(refused.status.is_client_error(), "{headers:?}: {}", refused.status);
    }
    assert_eq!(ann.status_of_app().await, StatusCode::OK);

    let mails = house.mails_to(ANN).await.len();
    let removed = operate(&house, "POST", &path, None).await;
    assert_eq!((removed.status, removed.json()), (StatusCode::OK, json!({ "removed": true })));
    assert_eq!(said(&ann.fetch("GET", "/app/x", None).await), (401, "signed-out".into()));
    assert_eq!((house.slips("totp"), house.slips("recovery")), (0, 0));
    let told = house.last_mail_to(ANN, mails + 1).await;
    assert!(told.subject.contains("second factors") && told.text.contains("The people who run"), "{}", told.text);
    let again = house.guest();
    assert_eq!(log_in(&again, ANN, PASSWORD).await.status, StatusCode::OK);
    // Where there is none, nothing is done and nobody is told.
    let (mails, lines) = (house.mails_to(ANN).await.len(), trail(&house));
    let none = operate(&house, "POST", &path, None).await;
    assert_eq!((none.status, none.json()), (StatusCode::OK, json!({ "removed": false })));
    assert_eq!((again.status_of_app().await, trail(&house)), (StatusCode::OK, lines));
    assert_eq!(house.mails_to(ANN).await.len(), mails);
    // The log-in that was waiting for the factor does not get in by the code of an app that is gone.
    house.advance(30);
    let answer = json!({ "id": asked.json()["second_factor"]["id"], "totp": app.code(house.clock.now(), 0) });
    let late = waiting.fetch("POST", "/auth/login/factor", Some(answer)).await;
    assert_eq!(said(&late), (422, "proof-wrong".into()));
    house.close().await;
}

#[tokio::test]
async fn a_reset_that_an_operator_sends_says_so() {
    let house = house().await;
    let ann = house.confirmed(ANN).await;
    let path = format!("/admin/accounts/{}/reset", id_of(&ann).await);
    assert_eq!(operate(&house, "POST", &path, None).await.json(), json!({ "mailed": true }));
    let mail = house.last_mail_to(ANN, 2).await;
    assert!(mail.text.contains("The people who run") && !mail.text.contains("most likely you"), "{}", mail.text);
    assert_eq!(reset(&house.guest(), &mail.token(), OTHER).await.status, StatusCode::NO_CONTENT);
    house.close().await;
}

#[tokio::test]
async fn an_account_that_is_disabled_gets_no_mail_and_nothing_mailed_before_is_good() {
    let house = house().await;
    let ann = house.confirmed(ANN).await;
    let id = id_of(&ann).await;
    forgot(&house.guest(), ANN).await;
    let token = house.last_mail_to(ANN, 2).await.token();
    assert_eq!(
        operate(&house, "POST", &format!("/admin/accounts/{id}/disable"), None).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(ann.status_of_app().await, StatusCode::UNAUTHORIZED);
    assert_eq!(said(&reset(&house.guest(), &token, OTHER).await), (422, "code-invalid".into()));
    let (known, unknown) = (forgot(&house.guest(), ANN).await, forgot(&house.guest(), "nobody@example.com").await);
    assert_eq!(seen(&known), seen(&unknown));
    house.last_mail_to(ANN, 2).await;
    assert_eq!(
        operate(&house, "POST", &format!("/admin/accounts/{id}/enable"), None).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(log_in(&house.guest(), ANN, PASSWORD).await.status, StatusCode::OK);
    house.close().await;
}

#[tokio::test]
async fn of_an_account_that_is_deleted_nothing_is_left_but_a_trail_that_can_be_counted() {
    let house = house().await;
    let ann = house.confirmed("somebody.to.forget@example.com").await;
    house.guest().log_in("somebody.to.forget@example.com").await;
    let id = id_of(&ann).await;
    let told = house.last_mail_to("somebody.to.forget@example.com", 2).await;
    let before = trail(&house);
    assert_eq!(operate(&house, "DELETE", &format!("/admin/accounts/{id}"), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(said(&ann.fetch("GET", "/app/x", None).await), (401, "signed-out".into()));
    assert!(house.last_mail_to("somebody.to.forget@example.com", 3).await.subject.contains("was deleted"));
    assert_eq!(said(&show(&house.guest(), "/auth/devices/revoke", &told.token()).await), (422, "code-invalid".into()));
    assert_eq!(log_in(&house.guest(), "somebody.to.forget@example.com", PASSWORD).await.code(), "wrong-credentials");
    assert!(trail(&house) > before, "the trail stays");
    for kind in ["code", "device", "challenge", "letter"] {
        assert_eq!(house.slips(kind), 0, "{kind}");
    }
    let rows = |table: &str| {
        let count = format!("SELECT count(*) FROM {table}");
        house.look(|database| database.query_one(&count, [], |row| row.get::<_, u32>(0)))
    };
    assert_eq!((rows("account"), rows("session")), (0, 0));
    // The address can be used again, by whoever has it.
    let next = house.guest();
    next.sign_up("somebody.to.forget@example.com").await;
    let token = house.last_mail_to("somebody.to.forget@example.com", 4).await.token();
    assert_eq!(confirm(&next, &token, PASSWORD).await.status, StatusCode::NO_CONTENT);
    next.log_in("somebody.to.forget@example.com").await;
    assert_ne!(id_of(&next).await, id);
    house.close().await;
}

#[tokio::test]
async fn gdpr_15_what_is_kept_of_somebody_names_who_they_are_at_other_sites() {
    let mut house = House::start().await;
    let idp = Idp::start(std::sync::Arc::clone(&house.clock)).await;
    house.restart_with(&format!("server.admin_token = {CREDENTIAL:?}\n{}", idp.config("example", ""))).await;
    house.watch.secret(CREDENTIAL);
    let ann = house.guest();
    let begun = ann.visit("/auth/provider/example").await;
    let person = json!({ "sub": "248289761001", "email": ANN });
    let back = idp.log_in(begun.header("location"), person);
    assert_eq!(ann.visit_from("cross-site", &back).await.status, StatusCode::SEE_OTHER);
    let now = house.clock.now().unix_seconds();

    let id = id_of(&ann).await;
    for path in ["", "/export"] {
        let kept = operate(&house, "GET", &format!("/admin/accounts/{id}{path}"), None).await.json();
        let [identity] = kept["identities"].as_array().unwrap().as_slice() else { panic!("{kept}") };
        assert_eq!((&identity["provider"], &identity["name"]), (&json!("example"), &json!("Example ID")));
        assert_eq!(identity["issuer"], json!(format!("http://{}", idp.address)));
        assert_eq!((&identity["subject"], &identity["email"]), (&json!("248289761001"), &json!(ANN)));
        assert_eq!(identity["added_at"], json!(now));
    }
    // Of a provider that is no longer configured it is still kept, so it is still said.
    house.restart_with(&format!("server.admin_token = {CREDENTIAL:?}")).await;
    let kept = operate(&house, "GET", &format!("/admin/accounts/{id}/export"), None).await.json();
    let identity = &kept["identities"][0];
    assert_eq!((&identity["issuer"], &identity["subject"]), (&Value::Null, &json!("248289761001")));
    house.close().await;
}
