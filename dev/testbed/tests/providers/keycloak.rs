//! The real Keycloak, on another site than the application.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_providers::{Authentication, Client, Keycloak, Lifespans, LiveRealm, Realm, User};
use cloakroom_testbed::browser::{Browser, Engine, Page};
use cloakroom_testbed::{House, PASSWORD};
use http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

const SECRET: &str = "a secret of this test alone 0123456789";
/// A Keycloak that has just started compiles as it goes, and a machine may be busy with other tests.
const COLD: Duration = Duration::from_secs(90);
const ADA: &str = "ada@example.com";

fn ada() -> User {
    User {
        name: "ada".to_owned(),
        email: Some(ADA.to_owned()),
        email_verified: true,
        password: PASSWORD.to_owned(),
        roles: vec!["auditor".to_owned()],
        groups: vec!["staff".to_owned()],
    }
}

/// A house that lets people log in with a realm of its own.
async fn house_at(keycloak: &Keycloak, name: &str) -> (House, LiveRealm) {
    house_with(keycloak, name, Lifespans::default(), "").await
}

/// The same with more configuration.
pub(crate) async fn house_with(
    keycloak: &Keycloak,
    name: &str,
    lifespans: Lifespans,
    more: &str,
) -> (House, LiveRealm) {
    let mut house = House::at_present().await;
    let realm = Realm {
        name: name.to_owned(),
        clients: vec![Client {
            id: "cloakroom".to_owned(),
            authentication: Authentication::Secret(SECRET.to_owned()),
            redirect_uris: vec![format!("{}/auth/callback/keycloak", house.origin())],
            post_logout_redirect_uris: vec![format!("{}/auth/logged-out", house.origin())],
            backchannel_logout_url: Some(format!("http://127.0.0.1:{}/auth/backchannel/keycloak", house.port())),
        }],
        users: vec![ada()],
        groups_claim: Some("groups".to_owned()),
        roles_claim: Some("roles".to_owned()),
        lifespans,
    };
    let realm = keycloak.realm(&realm).await.unwrap();
    let config = format!(
        "[session]\naccess_for = \"30s\"\n[[provider]]\nid = \"keycloak\"\nname = \"Keycloak\"\nissuer = {:?}\nclient_id = \"cloakroom\"\nclient_secret = {SECRET:?}\nroles_claim = \"roles\"\ngroups_claim = \"groups\"\n{more}",
        realm.issuer()
    );
    house.restart_with(&config).await;
    (house, realm)
}

/// From our log-in page through that of Keycloak, back to where it began.
async fn log_in(page: &Page, app: &str) {
    page.goto(app).await.unwrap();
    page.wait_url("/auth/login").await.unwrap();
    page.click("a[href*='/auth/provider/keycloak']").await.unwrap();
    let form = "document.readyState === 'complete' && document.querySelector('#username') && document.querySelector('#kc-login') && true";
    page.wait_for_within(form, COLD).await.unwrap();
    page.fill("#username", "ada").await.unwrap();
    page.fill("#password", PASSWORD).await.unwrap();
    page.click("#kc-login").await.unwrap();
    let there = format!("location.href === {app:?} && document.body.innerText === 'echo'");
    page.wait_for_within(&there, COLD).await.unwrap();
}

/// What a token says, unverified.
fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

async fn status_of_me(page: &Page) -> Value {
    page.eval("fetch('/auth/me').then((answer) => answer.status)").await.unwrap()
}

pub(crate) async fn story(engine: Engine) {
    let keycloak = Keycloak::shared().await.unwrap();
    let (house, realm) = house_at(keycloak, "story").await;
    let app = format!("{}/app/x", house.origin());
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();

    log_in(&page, &app).await;
    let seen = house.echo.take();
    let arrived = seen.iter().find(|seen| seen.target == "/app/x").unwrap();
    let token = arrived.header("authorization").unwrap().strip_prefix("Bearer ").unwrap();
    let claims = claims(token);
    assert_eq!(claims["groups"], json!(["staff"]));
    assert!(claims["roles"].as_array().unwrap().contains(&json!("auditor")), "{claims}");
    let me =
        page.eval("fetch('/auth/me').then((answer) => answer.json()).then((me) => me.account.email)").await.unwrap();
    assert_eq!(me, ADA);
    // Past the end of the access token, and not of what Keycloak signs by the machine's clock.
    house.advance(31);
    page.goto(&app).await.unwrap();
    page.wait_for(&format!("location.href === {app:?} && document.body.innerText === 'echo'")).await.unwrap();
    assert_eq!(status_of_me(&page).await, 200);

    // At Keycloak's own page, in another tab: it tells us before it says so itself.
    let there = context.page().await.unwrap();
    there.goto_within(&format!("{}/protocol/openid-connect/logout", realm.issuer()), COLD).await.unwrap();
    there.click("#kc-logout").await.unwrap();
    let gone = "document.readyState === 'complete' && !document.querySelector('#kc-logout')";
    there.wait_for_within(gone, COLD).await.unwrap();
    assert_eq!(status_of_me(&page).await, 401);

    // Ours leads on to theirs, and back: who comes again is asked for the password.
    log_in(&page, &app).await;
    page.goto(&format!("{}/auth/account", house.origin())).await.unwrap();
    page.click("form[action='/auth/logout'] button").await.unwrap();
    page.wait_url("/auth/login?notice=logged-out-there").await.unwrap();
    assert!(page.text("main").await.unwrap().contains("You are logged out, here and there."));
    let user = realm.user("ada").await.unwrap();
    assert_eq!(user.sessions().await.unwrap(), Vec::<String>::new());
    log_in(&page, &app).await;
    browser.close().await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_keycloak_ends_nobodys_session_and_is_told_to_who_comes_anew() {
    // One of its own, since it is stopped.
    let keycloak = Keycloak::start().await.unwrap();
    let (house, _realm) = house_at(&keycloak, "outage").await;
    let app = format!("{}/app/x", house.origin());
    let browser = Browser::launch(Engine::Chromium).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    log_in(&page, &app).await;

    keycloak.stop().await;
    house.advance(31);
    page.goto(&app).await.unwrap();
    page.wait_for(&format!("location.href === {app:?} && document.body.innerText === 'echo'")).await.unwrap();
    // What is known of it is a day good: people are sent there, and find nobody.
    let guest = house.guest();
    assert_eq!(guest.visit("/auth/provider/keycloak").await.status, StatusCode::SEE_OTHER);
    // A log-out here does not wait for it.
    let out = page.eval("fetch('/auth/logout', { method: 'POST' }).then((answer) => answer.status)").await.unwrap();
    assert_eq!(out, 200);
    assert_eq!(status_of_me(&page).await, 401);

    keycloak.start_again().await.unwrap();
    let again = browser.context().await.unwrap().page().await.unwrap();
    log_in(&again, &app).await;
    browser.close().await.unwrap();
    house.close().await;
}
