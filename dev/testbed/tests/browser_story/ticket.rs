//! `ticket`: pages without any script, and one small cookie that stays as it is.

use crate::elsewhere::Elsewhere;
use crate::person::{log_in, sign_up};
use crate::secrets::{ACCESS, REFRESH, value};
use crate::spa::Spa;
use cloakroom_testbed::browser::{Browser, Engine, Page};

const EMAIL: &str = "grace.hopper@example.com";
const SECRET: &str = "the harbour has a nanosecond of wire";

pub(crate) async fn story(engine: Engine) {
    let app = Spa::start("strategy = \"ticket\"").await;
    let chapter = |other: &str| format!("<p>{SECRET}</p><a id=on href='/private/{other}'>on</a>");
    app.pages.show("/private/one", &chapter("two"));
    app.pages.show("/private/two", &chapter("one"));
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    // Only Chromium can be told to; the pages have no script in either case.
    if engine == Engine::Chromium {
        page.set_javascript(false).await.unwrap();
    }

    page.goto(&app.at("/private/one")).await.unwrap();
    page.wait_url("/auth/login?return_to=%2Fprivate%2Fone").await.unwrap();
    page.click("p.aside a").await.unwrap();
    sign_up(&page, EMAIL).await;
    log_in(&page, EMAIL, &app.at("/private/one")).await;
    let ticket = value(&context, ACCESS).await.unwrap();
    assert!(ticket.starts_with("t.") && value(&context, REFRESH).await.is_none());

    // Page after page, past the end of one access token after another: nothing is renewed, nothing leads anywhere else.
    for to in ["two", "one", "two"] {
        app.expire();
        page.click("#on").await.unwrap();
        page.wait_url(&format!("/private/{to}")).await.unwrap();
        assert!(page.text("body").await.unwrap().contains(SECRET));
        assert_eq!(value(&context, ACCESS).await.as_ref(), Some(&ticket));
    }
    let seen = page.responses().await.unwrap();
    assert!(!seen.iter().any(|seen| seen.url.contains("/auth/refresh")), "{seen:?}");

    // The control: pages that may be kept, of an application that takes its cookie away and thinks that this is it.
    let naive = Elsewhere::start().await;
    let tab = context.page().await.unwrap();
    naive.show("/naive/private", SECRET);
    tab.goto(&naive.same_host("/naive/private")).await.unwrap();
    naive.show("/naive/private", "log in, please");
    naive.show("/naive/logged-out", "bye");
    tab.goto(&naive.same_host("/naive/logged-out")).await.unwrap();
    tab.back().await.unwrap();
    assert_eq!(tab.text("body").await.unwrap(), SECRET, "a page that may be kept is kept");

    page.goto(&app.at("/auth/account")).await.unwrap();
    page.click("form[action='/auth/logout'] button").await.unwrap();
    page.wait_url("/auth/login?notice=logged-out").await.unwrap();
    assert_eq!(value(&context, ACCESS).await, None);
    for _ in 0..3 {
        page.back().await.unwrap();
        assert_impersonal(&page).await;
    }
    // A copy of the cookie is worth nothing either.
    let thief = app.house.guest();
    thief.plant(ACCESS, "/", &ticket);
    assert_eq!(thief.fetch("GET", "/api/x", None).await.code(), "signed-out");
    app.close().await;
    browser.close().await.unwrap();
}

async fn assert_impersonal(page: &Page) {
    page.wait_for("document.readyState === 'complete' && document.body.innerText").await.unwrap();
    let (url, text) = (page.url().await.unwrap(), page.text("body").await.unwrap());
    assert!(!text.contains(EMAIL) && !text.contains(SECRET), "{url}: {text}");
}
