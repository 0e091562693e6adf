//! The package in a page while nobody answers, and after a machine has slept: in front of a house, which can be stopped and
//! whose clock is the test's alone. The API has no part in it.

use crate::deadline::until;
use crate::example::{ask, free_ports, root};
use crate::pages::signed_in;
use crate::person::{log_in, sign_up};
use cloakroom_testbed::House;
use cloakroom_testbed::browser::{Browser, Engine, Page};
use std::process::Stdio;
use tokio::process::Command;

const EMAIL: &str = "ada.lovelace@example.com";
/// Past the life of an access token, in seconds.
const EXPIRED: u64 = 301;
/// Past the life of a session, in seconds.
const OVER: u64 = 31 * 24 * 3600;
/// What a browser says when there is a network again; headless ones have none to lose.
const ONLINE: &str = "dispatchEvent(new Event('online'))";

pub(crate) async fn story(engine: Engine) {
    let [port] = free_ports();
    let mut house = House::start().await;
    let mut server = Command::new(env!("CARGO_BIN_EXE_axum-of-examples"));
    server.env("PORT", port.to_string()).env("ISSUER", house.origin());
    server.env("PAGE", root().join("examples/react-axum/dist")).stdout(Stdio::null()).kill_on_drop(true);
    let _server = server.spawn().unwrap();
    until("the page is served", async || ask(port, "/", None).await).await;
    house
        .restart_with(&format!("[[upstream]]\npath = \"/page\"\nto = \"http://127.0.0.1:{port}\"\naccess = \"public\"\nstrip_prefix = true\n[[upstream]]\npath = \"/assets\"\nto = \"http://127.0.0.1:{port}\"\naccess = \"public\"\n"))
        .await;
    let home = format!("{}/page/", house.origin());
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&format!("{}/auth/signup", house.origin())).await.unwrap();
    sign_up(&page, EMAIL).await;
    page.goto(&home).await.unwrap();
    page.click("#login").await.unwrap();
    log_in(&page, EMAIL, &home).await;
    signed_in(&page).await;

    // Nobody answers, and the access token ends meanwhile: the page says so, and shows who was there.
    house.stop().await;
    house.advance(EXPIRED);
    page.eval(ONLINE).await.unwrap();
    says(&page, "Nobody answers. You are not signed out; this page tries again.").await;
    signed_in(&page).await;
    // It comes back by itself, without an event of the browser.
    house.open_again().await;
    says(&page, "").await;
    signed_in(&page).await;

    // A night with the lid closed, and a network that takes a moment: still signed in.
    house.stop().await;
    house.advance(8 * 3600);
    page.eval(ONLINE).await.unwrap();
    says(&page, "Nobody answers. You are not signed out; this page tries again.").await;
    house.open_again().await;
    page.eval(ONLINE).await.unwrap();
    says(&page, "").await;
    signed_in(&page).await;

    // And a month: now it is over, and the server says so.
    house.advance(OVER);
    page.eval(ONLINE).await.unwrap();
    page.wait_for("document.querySelector('#login')?.checkVisibility() && !document.querySelector('#who')")
        .await
        .unwrap();
    browser.close().await.unwrap();
    house.close().await;
}

async fn says(page: &Page, message: &str) {
    page.wait_for(&format!("document.querySelector('#message')?.textContent === {message:?}")).await.unwrap();
}
