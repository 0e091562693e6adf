//! Pages about providers as they are seen: the log-in with their buttons, the account with what was added, an approval by one, and the
//! page that leads there.

use crate::bank::{begin, heading};
use crate::elsewhere::Elsewhere;
use crate::look::Eye;
use cloakroom_testbed::browser::{Browser, Engine, Page};
use cloakroom_testbed::{Guest, House, Idp};
use serde_json::json;
use std::sync::Arc;

pub(crate) async fn story(engine: Engine) {
    let pages = Elsewhere::start().await;
    pages.show("/", "<html lang=en><h1>Application</h1>");
    let mut house = House::start().await;
    let (one, other) = (Idp::start(Arc::clone(&house.clock)).await, Idp::start(Arc::clone(&house.clock)).await);
    let front = format!("[[upstream]]\npath = \"/\"\nto = \"{}\"\naccess = \"public\"\n", pages.other_site(""));
    house.restart_with(&format!("{front}{}{}", one.config("one", ""), other.config("other", ""))).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let (page, eye) = (context.page().await.unwrap(), Eye::default());
    let at = |path: &str| format!("{}{path}", house.origin());

    page.goto(&at("/auth/login")).await.unwrap();
    assert_eq!(page.eval("document.querySelectorAll('a[href^=\"/auth/provider/\"]').length").await.unwrap(), 2);
    eye.looks_at(&page, "login-with-providers").await;
    // What the other site says of somebody who has taken too long.
    page.goto(&at("/auth/callback/one?code=x&state=y")).await.unwrap();
    heading(&page, "This log-in is over").await;
    eye.looks_at(&page, "login-over").await;

    log_in(&page, &house, &one).await;
    page.goto(&at("/auth/account")).await.unwrap();
    assert!(page.text("main").await.unwrap().contains("Example ID"));
    eye.looks_at(&page, "account-with-providers").await;
    begin(&page, "add-totp").await;
    heading(&page, "Is this you?").await;
    assert!(page.text("main").await.unwrap().contains("Approve by logging in again at Example ID"));
    eye.looks_at(&page, "approval-by-provider").await;

    // The page that leads on, without what makes it go on at once.
    let leave = leave(&house, &one).await;
    assert!(leave.contains("http-equiv=\"refresh\""), "{leave}");
    pages.show("/leave", &leave.replace("http-equiv=\"refresh\"", "name=\"refresh\""));
    page.goto(&at("/leave")).await.unwrap();
    heading(&page, "One more step").await;
    eye.looks_at(&page, "leave").await;
    eye.is_content();
    house.close().await;
    browser.close().await.unwrap();
}

/// Goes to the provider by the button, and comes back.
async fn log_in(page: &Page, house: &House, idp: &Idp) {
    page.goto(&format!("{}/auth/login", house.origin())).await.unwrap();
    page.click("a[href^=\"/auth/provider/one\"]").await.unwrap();
    let there = page.wait_url("/authorize").await.unwrap();
    let person = json!({ "sub": "248289761001", "sid": "s-1", "email": "katherine.johnson@example.com" });
    page.goto(&format!("{}{}", house.origin(), idp.log_in(&there, person))).await.unwrap();
    heading(page, "Application").await;
}

/// What somebody is shown who goes to the provider to approve something.
async fn leave(house: &House, idp: &Idp) -> String {
    let guest: Guest = house.guest();
    let begun = guest.visit("/auth/provider/one").await;
    let person = json!({ "sub": "another", "email": "another@example.com" });
    guest.visit_from("cross-site", &idp.log_in(begun.header("location"), person)).await;
    let path = format!("/auth/step-up/{}", guest.ask_approval("add-totp").await);
    let page = guest.visit(&path).await;
    guest.fill(&page, &path, &[("provider", "one")]).await.text()
}
