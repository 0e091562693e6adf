//! The two pages, used by a person: log in, leave things, stay past the end of tokens, log out.

use crate::example::Example;
use crate::person::{log_in, sign_up};
use cloakroom_testbed::browser::{Browser, Engine, Page};

const EMAIL: &str = "ada.lovelace@example.com";
const LEAVE: &str = "#add button";

pub(crate) async fn react(engine: Engine) {
    story("react-axum", engine).await;
}

pub(crate) async fn plain(engine: Engine) {
    story("plain", engine).await;
}

pub(crate) async fn with_api(name: &str) {
    story(name, Engine::Chromium).await;
}

async fn story(name: &str, engine: Engine) {
    let example = Example::start(name).await;
    let home = format!("{}/", example.origin());
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let (one, two) = (context.page().await.unwrap(), context.page().await.unwrap());
    one.goto(&format!("{home}auth/signup")).await.unwrap();
    sign_up(&one, EMAIL).await;
    one.goto(&home).await.unwrap();
    accessible(&one).await;
    one.click("#login").await.unwrap();
    log_in(&one, EMAIL, &home).await;
    signed_in(&one).await;
    two.goto(&home).await.unwrap();
    signed_in(&two).await;
    leave(&one, "an umbrella").await;
    lists(&one, &["an umbrella"]).await;
    accessible(&one).await;

    // The access token has ended; what was typed arrives all the same.
    assert_eq!(refreshes(&one).await, 0);
    example.expire().await;
    leave(&one, "<b>a hat</b>").await;
    lists(&one, &["an umbrella", "<b>a hat</b>"]).await;
    assert_eq!(refreshes(&one).await, 1);
    let seen = one.census().await.unwrap().to_string();
    assert!(seen.contains("<b>a hat</b>") || seen.contains("&lt;b&gt;a hat"), "it looks into the document");
    assert!(!seen.contains("eyJ"), "a script finds something like a token: {seen}");

    // A log-out in one tab is one in both, and leaves nothing of the person.
    two.click("#logout").await.unwrap();
    for page in [&one, &two] {
        page.wait_for("document.querySelector('#login')?.checkVisibility()").await.unwrap();
        let text = page.eval("document.body.innerText").await.unwrap().to_string();
        assert!(!text.contains(EMAIL) && !text.contains("umbrella"), "{text}");
    }
    let status = one.eval("fetch('/api/things').then(answer => answer.status)").await.unwrap();
    assert_eq!(status, 401);
    browser.close().await.unwrap();
}

/// How often the page has asked for new cookies.
async fn refreshes(page: &Page) -> usize {
    let seen = page.responses().await.unwrap();
    seen.iter().filter(|seen| seen.url.ends_with("/auth/refresh")).count()
}

async fn leave(page: &Page, thing: &str) {
    page.fill("#name", thing).await.unwrap();
    page.click(LEAVE).await.unwrap();
}

async fn lists(page: &Page, things: &[&str]) {
    let shown = "JSON.stringify([...document.querySelectorAll('#things li')].map(item => item.textContent))";
    let wanted = serde_json::to_string(things).unwrap();
    page.wait_for(&format!("{shown} === {wanted:?}")).await.unwrap();
}

/// Waits until the page says who is there.
pub(crate) async fn signed_in(page: &Page) {
    page.wait_for(&format!("document.querySelector('#who')?.textContent === {EMAIL:?}")).await.unwrap();
}

async fn accessible(page: &Page) {
    page.wait_for("[...document.querySelectorAll('h1')].some(title => title.checkVisibility())").await.unwrap();
    assert_eq!(page.axe().await.unwrap(), []);
}
