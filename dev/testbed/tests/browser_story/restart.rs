//! "Keep me logged in", and what is left when the browser was closed: a process that ended, another one on its profile.

use crate::person::{log_in_and_stay, sign_up};
use crate::secrets::ACCESS;
use crate::spa::{Spa, shows};
use cloakroom_testbed::PASSWORD;
use cloakroom_testbed::browser::{Browser, Context, Engine, Page, Profile};
use serde_json::json;
use std::path::Path;

const STAYS: &str = "stays@example.com";
const GOES: &str = "goes@example.com";

/// Four sessions in one browser, by the names of their cookies: each strategy with the box ticked and without.
const KEPT: [&str; 2] = [ACCESS, "__Host-Http-cloakroom2"];
const GONE: [&str; 2] = ["__Host-Http-cloakroom1", "__Host-Http-cloakroom3"];

pub(crate) async fn story(engine: Engine) {
    let app = Spa::start("slots = 4\noffered = [\"ticket\"]").await;
    let profile = Profile::new().unwrap();
    let browser = Browser::launch_on(engine, &profile).await.unwrap();
    let context = browser.kept_context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&app.at("/auth/signup")).await.unwrap();
    sign_up(&page, STAYS).await;
    log_in_and_stay(&page, STAYS, &app.at("/")).await;
    shows(&page, STAYS).await;
    app.enter(&page, "/u/1", GOES).await;
    take_ticket(&page, "/u/2", STAYS, true).await;
    take_ticket(&page, "/u/3", GOES, false).await;
    for (prefix, who) in [("/u/1/", GOES), ("/u/2/", STAYS), ("/u/3/", GOES)] {
        page.goto(&app.at(prefix)).await.unwrap();
        shows(&page, who).await;
    }
    let cookies = context.cookies().await.unwrap();
    for (name, kept) in KEPT.map(|name| (name, true)).into_iter().chain(GONE.map(|name| (name, false))) {
        let cookie = cookies.iter().find(|cookie| cookie.name == name).unwrap();
        assert_eq!(cookie.expiry.is_some(), kept, "{name}");
    }
    let process = browser.process_id();
    browser.close().await.unwrap();
    assert!(!Path::new(&format!("/proc/{process}")).exists(), "it has really ended");

    // Closed for longer than an access token lives.
    app.expire();
    let browser = Browser::launch_on(engine, &profile).await.unwrap();
    assert_ne!(browser.process_id(), process);
    let context = browser.kept_context().await.unwrap();
    assert_eq!(sessions(&context).await, KEPT);
    let page = context.page().await.unwrap();
    for (prefix, who) in [("/", STAYS), ("/u/1/", "signed out"), ("/u/2/", STAYS), ("/u/3/", "signed out")] {
        page.goto(&app.at(prefix)).await.unwrap();
        shows(&page, who).await;
        // Also for who types an address, without any script.
        page.goto(&app.at(&format!("{prefix}api/x"))).await.unwrap();
        let arrived = page.url().await.unwrap();
        assert_eq!(arrived.contains("/auth/login"), who == "signed out", "{arrived}");
    }
    browser.close().await.unwrap();
    app.close().await;
}

/// Logs in as a script of the site may, for a strategy that the form does not offer.
async fn take_ticket(page: &Page, prefix: &str, email: &str, remember: bool) {
    let body = json!({ "email": email, "password": PASSWORD, "strategy": "ticket", "remember": remember }).to_string();
    let log_in = format!(
        "fetch('{prefix}/auth/login', {{ method: 'POST', headers: {{ 'content-type': 'application/json' }}, body: {body:?} }})
           .then(answer => answer.status)"
    );
    assert_eq!(page.eval(&log_in).await.unwrap(), 200);
}

/// The names of the cookies that sessions are shown by, in order.
async fn sessions(context: &Context) -> Vec<String> {
    let names = context.cookies().await.unwrap().into_iter().map(|cookie| cookie.name);
    let mut names: Vec<_> = names.filter(|name| name.starts_with(ACCESS)).collect();
    names.sort();
    names
}
