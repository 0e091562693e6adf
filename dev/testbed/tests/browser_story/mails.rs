//! Mails and their links, in real browsers: a scanner that opens everything and clicks nothing comes first, then the person.
//! A token is in the fragment, from where a script of ours takes it out of the address; without scripts the code is typed.

use crate::bank::{Bank, Plan, approve_by_password, begin_change_of_address, enter, heading};
use crate::person::{log_in, sign_up};
use cloakroom_testbed::PASSWORD;
use cloakroom_testbed::browser::{Browser, Context, Engine, Page};

const EMAIL: &str = "hedy.lamarr@example.com";
const NEW_EMAIL: &str = "hedy@example.org";
const NEW_PASSWORD: &str = "violet harbour cactus drum";

/// An address is confirmed, and a password is reset.
pub(crate) async fn confirm_and_reset(engine: Engine) {
    let (bank, browser) = (confirming().await, Browser::launch(engine).await.unwrap());
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&bank.at("/auth/signup")).await.unwrap();
    sign_up(&page, EMAIL).await;
    let link = link(&bank, EMAIL, "Confirm your address").await;
    scan(&browser, &link).await;
    open(&page, &link).await;
    page.fill("#password", PASSWORD).await.unwrap();
    page.click("main form button").await.unwrap();
    heading(&page, "Your address is confirmed").await;
    used_up(&page, &link, |page| async move { page.fill("#password", PASSWORD).await.unwrap() }).await;

    page.goto(&bank.at("/auth/login")).await.unwrap();
    log_in(&page, EMAIL, &bank.at("/")).await;

    // In another browser, where they are not logged in.
    let elsewhere = browser.context().await.unwrap();
    let other = elsewhere.page().await.unwrap();
    other.goto(&bank.at("/auth/forgot")).await.unwrap();
    other.fill("#email", EMAIL).await.unwrap();
    other.click("main form button").await.unwrap();
    heading(&other, "Look into your mail").await;
    let link = self::link(&bank, EMAIL, "Set a new password").await;
    scan(&browser, &link).await;
    // Whoever is logged in stays so until it is done.
    page.goto(&bank.at("/auth/account")).await.unwrap();
    heading(&page, "Your account").await;
    // Somebody who has begun to look for a code sees that there is a link: no other document is loaded by that.
    other.click("main a[href$='/auth/reset']").await.unwrap();
    other.wait_url("/auth/reset").await.unwrap();
    open(&other, &link).await;
    // A password against the policy uses nothing up, and the link need not be opened again.
    other.fill("#new", "aaaaaaaaaaaaaaaaaaaa").await.unwrap();
    other.press("Enter").await.unwrap();
    other.wait_for("document.readyState === 'complete' && document.querySelector('#problem')").await.unwrap();
    assert_eq!(other.eval("document.querySelector('#code').checkVisibility()").await.unwrap(), false);
    other.fill("#new", NEW_PASSWORD).await.unwrap();
    other.press("Enter").await.unwrap();
    other.wait_url("/auth/login?notice=password-reset").await.unwrap();
    assert!(other.text("main").await.unwrap().contains("every session has ended"));
    assert!(!elsewhere.cookies().await.unwrap().iter().any(|cookie| cookie.name.ends_with("Http-cloakroom")));
    page.goto(&bank.at("/auth/account")).await.unwrap();
    page.wait_url("/auth/login").await.unwrap();
    used_up(&other, &link, |page| async move { page.fill("#new", NEW_PASSWORD).await.unwrap() }).await;
    // The old password is none any more, the new one is.
    page.fill("#email", EMAIL).await.unwrap();
    page.fill("#password", PASSWORD).await.unwrap();
    page.press("Enter").await.unwrap();
    page.wait_for("document.readyState === 'complete' && document.querySelector('#problem')").await.unwrap();
    page.fill("#password", NEW_PASSWORD).await.unwrap();
    page.press("Enter").await.unwrap();
    heading(&page, "Your account").await;
    bank.close().await;
    browser.close().await.unwrap();
}

/// A session that was somebody else's is ended, by a link that a mail tells of.
pub(crate) async fn revoke(engine: Engine) {
    let (bank, browser) = (Bank::start(Plan::default()).await, Browser::launch(engine).await.unwrap());
    let context = browser.context().await.unwrap();
    let page = enter(&bank, &context, EMAIL).await;
    // Everything since then is undone; what was before stays.
    bank.house.advance(60);
    let stranger = bank.house.guest();
    stranger.log_in(EMAIL).await;
    let link = link(&bank, EMAIL, "New log-in").await;
    scan(&browser, &link).await;
    assert_eq!(stranger.fetch("GET", "/auth/me", None).await.status, 200, "looking ends nothing");
    let tab = context.page().await.unwrap();
    open(&tab, &link).await;
    tab.click("main form button").await.unwrap();
    heading(&tab, "That session has ended").await;
    assert_eq!(stranger.fetch("GET", "/auth/me", None).await.status, 401);
    page.goto(&bank.at("/auth/account")).await.unwrap();
    heading(&page, "Your account").await;
    self::link(&bank, EMAIL, "Set a new password").await;
    used_up(&tab, &link, |_| async {}).await;
    bank.close().await;
    browser.close().await.unwrap();
}

/// The address is changed, and taken back.
pub(crate) async fn change_and_take_back(engine: Engine) {
    let (bank, browser) =
        (Bank::start(Plan { apart: true, ..Plan::default() }).await, Browser::launch(engine).await.unwrap());
    let context = browser.context().await.unwrap();
    let page = enter(&bank, &context, EMAIL).await;
    let tab = context.page().await.unwrap();
    page.goto(&bank.at("/auth/account")).await.unwrap();
    begin_change_of_address(&page, NEW_EMAIL).await;
    assert!(page.text(".what").await.unwrap().contains(NEW_EMAIL), "what is approved is shown");
    approve_by_password(&page).await;
    page.wait_url("/auth/account/").await.unwrap();
    page.click("main form button").await.unwrap();
    heading(&page, "Look into your mail").await;
    let link = link(&bank, NEW_EMAIL, "Confirm your new address").await;
    scan(&browser, &link).await;
    page.goto(&bank.at("/auth/account")).await.unwrap();
    assert!(page.text("main").await.unwrap().contains(EMAIL));
    open(&tab, &link).await;
    tab.fill("#password", PASSWORD).await.unwrap();
    tab.click("main form button").await.unwrap();
    heading(&tab, "Your address is changed").await;
    page.reload().await.unwrap();
    assert!(page.text("main").await.unwrap().contains(NEW_EMAIL));

    let link = self::link(&bank, EMAIL, "was changed").await;
    scan(&browser, &link).await;
    page.reload().await.unwrap();
    assert!(page.text("main").await.unwrap().contains(NEW_EMAIL));
    open(&tab, &link).await;
    tab.click("main form button").await.unwrap();
    heading(&tab, "It is taken back").await;
    page.goto(&bank.at("/auth/account")).await.unwrap();
    page.wait_url("/auth/login").await.unwrap();
    self::link(&bank, EMAIL, "Set a new password").await;
    bank.close().await;
    browser.close().await.unwrap();
}

/// Typed codes do the same in a browser that runs no script, where the link alone does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_the_code_of_a_mail_is_typed() {
    let (bank, browser) = (confirming().await, Browser::launch(Engine::Chromium).await.unwrap());
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.set_javascript(false).await.unwrap();
    page.goto(&bank.at("/auth/signup")).await.unwrap();
    sign_up(&page, EMAIL).await;
    page.goto(&link(&bank, EMAIL, "Confirm your address").await).await.unwrap();
    assert_eq!(page.eval("document.querySelector('#code').value").await.unwrap(), "");
    let code = bank.mail(EMAIL, "Confirm your address").await.code().unwrap();
    // As people type it.
    page.fill("#code", &code.to_lowercase()).await.unwrap();
    page.fill("#password", PASSWORD).await.unwrap();
    page.press("Enter").await.unwrap();
    heading(&page, "Your address is confirmed").await;

    page.goto(&bank.at("/auth/login")).await.unwrap();
    page.click("a[href$='/auth/forgot']").await.unwrap();
    page.wait_url("/auth/forgot").await.unwrap();
    page.fill("#email", EMAIL).await.unwrap();
    page.press("Enter").await.unwrap();
    heading(&page, "Look into your mail").await;
    page.click("main a[href$='/auth/reset']").await.unwrap();
    page.wait_url("/auth/reset").await.unwrap();
    let code = bank.mail(EMAIL, "Set a new password").await.code().unwrap();
    page.fill("#code", &code).await.unwrap();
    page.fill("#new", NEW_PASSWORD).await.unwrap();
    page.press("Enter").await.unwrap();
    page.wait_url("/auth/login?notice=password-reset").await.unwrap();
    page.fill("#email", EMAIL).await.unwrap();
    page.fill("#password", NEW_PASSWORD).await.unwrap();
    page.press("Enter").await.unwrap();
    heading(&page, "Bank").await;
    bank.close().await;
    browser.close().await.unwrap();
}

async fn confirming() -> Bank {
    Bank::start(Plan { confirms: true, ..Plan::default() }).await
}

/// The link in a mail that holds a token.
async fn link(bank: &Bank, to: &str, about: &str) -> String {
    let mail = bank.mail(to, about).await;
    let links: Vec<_> = mail.links().into_iter().filter(|link| link.contains('#')).collect();
    assert_eq!(links.len(), 1, "text and HTML have the same link: {links:?}");
    let (page, token) = links[0].split_once('#').unwrap();
    assert!(page.starts_with(&bank.house.origin()) && token.len() > 60);
    bank.house.watch.secret(token);
    links[0].clone()
}

/// A mail scanner: a browser of its own opens the link, runs all scripts, waits until everything has loaded, clicks nothing.
async fn scan(browser: &Browser, link: &str) {
    let context: Context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    for _ in 0..2 {
        page.goto("about:blank").await.unwrap();
        page.goto(link).await.unwrap();
        page.wait_for("document.readyState === 'complete' && location.hash === ''").await.unwrap();
    }
    context.close().await.unwrap();
}

/// The person opens the link: the token is in the form, and nowhere where somebody could find it afterwards.
async fn open(page: &Page, link: &str) {
    let (address, token) = link.split_once('#').unwrap();
    page.goto(link).await.unwrap();
    page.wait_for("document.readyState === 'complete' && location.hash === ''").await.unwrap();
    assert_eq!(page.url().await.unwrap(), address);
    let held = format!("document.querySelector('input[name=token]').value === {token:?}");
    assert_eq!(page.eval(&held).await.unwrap(), true);
    assert_eq!(page.eval("document.querySelector('input[name=token]').checkVisibility()").await.unwrap(), false);
    let asked = page.responses().await.unwrap();
    // Firefox says of a document what was asked for, with the fragment that it did not send.
    let sent = |url: &str| url.split('#').next().unwrap_or_default().contains(token);
    assert!(!asked.iter().any(|seen| sent(&seen.url)), "a request has the token in its address");
    let census = page.census().await.unwrap();
    for place in ["localStorage", "sessionStorage", "history", "location", "cookie", "name"] {
        assert!(!census[place].to_string().contains(token), "{place} has the token");
    }
}

/// Opened once more, it is good for nothing.
async fn used_up<'a, F: Future<Output = ()>>(page: &'a Page, link: &str, fill: impl FnOnce(&'a Page) -> F) {
    page.goto("about:blank").await.unwrap();
    page.goto(link).await.unwrap();
    page.wait_for("document.readyState === 'complete' && location.hash === ''").await.unwrap();
    fill(page).await;
    page.click("main form button").await.unwrap();
    page.wait_for("document.querySelector('#problem')?.textContent.includes('That link or code is not good')")
        .await
        .unwrap();
}
