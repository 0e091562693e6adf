//! The account page: where somebody is logged in, and the end of one of these sessions by keyboard.
//!
//! With `CLOAKROOM_SHOTS` in the environment, pictures of our pages are put into that folder, for people to look at.

use crate::person::log_in;
use crate::spa::Spa;
use cloakroom_testbed::browser::{Browser, Engine, Page};
use cloakroom_testbed::{Guest, House, PASSWORD};
use std::path::PathBuf;

const EMAIL: &str = "annie.easley@example.com";

const PHONE: &str = "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0";

/// How many steps with the tab key may lead to a button.
const STEPS: usize = 20;

pub(crate) async fn story(engine: Engine) {
    let app = Spa::start("strategy = \"memory\"\nacknowledge_weaker = true\noffered = [\"cookie\"]\nslots = 2").await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    let phone = phone(&app.house).await;
    page.goto(&app.at("/u/1/auth/login?return_to=%2F")).await.unwrap();
    picture(&page, "log-in").await;

    // A page of ours needs cookies: a log-in that asks for them, as a script of the site may.
    page.goto(&app.at("/")).await.unwrap();
    let body = serde_json::json!({ "email": EMAIL, "password": PASSWORD, "strategy": "cookie" });
    let log_in_by_script = format!(
        "fetch('/auth/login', {{ method: 'POST', headers: {{ 'content-type': 'application/json' }}, body: {:?} }}).then(answer => answer.status)",
        body.to_string()
    );
    assert_eq!(page.eval(&log_in_by_script).await.unwrap(), 200);
    app.house.advance(3 * 3600 + 60);
    page.goto(&app.at("/auth/account")).await.unwrap();
    page.wait_url("/auth/account").await.unwrap();
    picture(&page, "account").await;

    let listed = page.text("ul.sessions").await.unwrap();
    let here = if engine == Engine::Chromium { "Chrome on Linux" } else { "Firefox on Linux" };
    for expected in [here, "this one", "Firefox on Android"] {
        assert!(listed.contains(expected), "{listed}");
    }
    assert_eq!(page.eval("document.querySelectorAll('ul.sessions li').length").await.unwrap(), 2);

    // By the tab key to the button of the other session, and by Enter. Nothing else is touched, and no mouse.
    let focused = "document.activeElement.innerText";
    let mut steps = 0;
    while page.eval(focused).await.unwrap() != "End this session" {
        page.press("Tab").await.unwrap();
        steps += 1;
        assert!(steps <= STEPS, "no way to the button by keyboard");
    }
    let outline = page.eval("getComputedStyle(document.activeElement).outlineStyle").await.unwrap();
    assert_eq!(outline, "solid", "who goes there by keyboard sees where they are");
    let name = page.eval("document.activeElement.getAttribute('aria-label')").await.unwrap();
    assert!(name.as_str().unwrap().starts_with("End this session: Firefox on Android"), "{name}");
    page.press("Enter").await.unwrap();
    page.wait_for("document.readyState === 'complete' && document.querySelectorAll('ul.sessions li').length === 1")
        .await
        .unwrap();
    assert_eq!(phone.refresh().await.code(), "session-ended");
    let listed = page.text("ul.sessions").await.unwrap();
    assert!(listed.contains(here) && !listed.contains("End this session"), "{listed}");

    // With a token in the memory of the application's pages, the account page works all the same.
    page.click("form[action='/auth/logout'] button").await.unwrap();
    log_in(&page, EMAIL, &app.at("/")).await;
    page.goto(&app.at("/auth/account")).await.unwrap();
    assert!(page.text("ul.sessions").await.unwrap().contains("this one"));
    picture(&page, "account-memory").await;
    app.close().await;
    browser.close().await.unwrap();
}

/// The same person, logged in on a phone.
async fn phone(house: &House) -> Guest {
    let phone = house.guest();
    phone.sign_up(EMAIL).await;
    let origin = house.origin();
    let headers = [("origin", origin.as_str()), ("content-type", "application/json"), ("user-agent", PHONE)];
    let body = serde_json::json!({ "email": EMAIL, "password": PASSWORD, "strategy": "cookie" }).to_string();
    assert_eq!(phone.send("POST", "/auth/login", &headers, body).await.status, 200);
    phone
}

/// Light, dark where the engine can, and narrow, if anybody wants to look.
async fn picture(page: &Page, name: &str) {
    let Some(folder) = std::env::var_os("CLOAKROOM_SHOTS").map(PathBuf::from) else { return };
    let engine = page.engine().name();
    for (kind, width, height, dark) in
        [("light", 1024, 1000, false), ("dark", 1024, 1000, true), ("narrow", 360, 1200, false)]
    {
        if !(dark && page.engine() == Engine::Firefox) {
            let path = folder.join(format!("{name}-{kind}-{engine}.png"));
            page.screenshot(&path, width, height, dark).await.unwrap();
        }
    }
}
