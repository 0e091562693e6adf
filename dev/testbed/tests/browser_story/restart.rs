//! "Keep me logged in", and what is left when the browser was closed: a process that ended, another one on its profile.

use crate::person::{log_in_and_stay, sign_up};
use crate::secrets::{ACCESS, value};
use crate::spa::{Spa, shows};
use cloakroom_testbed::browser::{Browser, Context, Engine, Profile};
use std::path::Path;

const STAYS: &str = "stays@example.com";
const GOES: &str = "goes@example.com";
const ACCESS_1: &str = "__Host-Http-cloakroom1";

pub(crate) async fn cookie(engine: Engine) {
    let profile = Profile::new().unwrap();
    let app = Spa::start("strategy = \"cookie\"\nslots = 2").await;
    close_and_open_again(&app, engine, &profile).await;
    app.close().await;
}

pub(crate) async fn ticket(engine: Engine) {
    let profile = Profile::new().unwrap();
    let app = Spa::start("strategy = \"ticket\"\nslots = 2").await;
    close_and_open_again(&app, engine, &profile).await;
    app.close().await;
}

/// Two accounts in one browser: the first one ticks the box.
async fn close_and_open_again(app: &Spa, engine: Engine, profile: &Profile) {
    let browser = Browser::launch_on(engine, profile).await.unwrap();
    let context = browser.kept_context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&app.at("/auth/signup")).await.unwrap();
    sign_up(&page, STAYS).await;
    log_in_and_stay(&page, STAYS, &app.at("/")).await;
    shows(&page, STAYS).await;
    app.enter(&page, "/u/1", GOES).await;
    for (name, kept) in [(ACCESS, true), (ACCESS_1, false)] {
        let cookies = context.cookies().await.unwrap();
        let cookie = cookies.iter().find(|cookie| cookie.name == name).unwrap();
        assert_eq!(cookie.expiry.is_some(), kept, "{name}");
    }
    page.reload().await.unwrap();
    shows(&page, GOES).await;
    let process = browser.process_id();
    browser.close().await.unwrap();
    assert!(!Path::new(&format!("/proc/{process}")).exists(), "it has really ended");

    // Closed for longer than an access token lives.
    app.expire();
    let browser = Browser::launch_on(engine, profile).await.unwrap();
    assert_ne!(browser.process_id(), process);
    let context = browser.kept_context().await.unwrap();
    assert_eq!(session_cookies(&context).await.iter().filter(|name| name.ends_with('1')).count(), 0);
    assert!(value(&context, ACCESS).await.is_some());
    let page = context.page().await.unwrap();
    page.goto(&app.at("/")).await.unwrap();
    shows(&page, STAYS).await;
    page.goto(&app.at("/u/1/")).await.unwrap();
    shows(&page, "signed out").await;
    page.goto(&app.at("/u/1/api/x")).await.unwrap();
    page.wait_url("/u/1/auth/login").await.unwrap();
    page.goto(&app.at("/api/x")).await.unwrap();
    assert_eq!(page.text("body").await.unwrap(), "echo");
    browser.close().await.unwrap();
}

/// The names of ours, but for the one of the device, which is no session and stays.
async fn session_cookies(context: &Context) -> Vec<String> {
    let names = context.cookies().await.unwrap().into_iter().map(|cookie| cookie.name);
    names.filter(|name| name.contains("cloakroom") && !name.contains("device")).collect()
}
