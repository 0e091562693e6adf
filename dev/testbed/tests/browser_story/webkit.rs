//! Pages without passkeys in `WebKitGTK`, over TLS: it keeps `Secure` cookies nowhere else. Its driver runs scripts in every page,
//! so what needs none is shown elsewhere (`mails.rs`, `plain.rs`).

use crate::bank::{Bank, Plan, approve_by_password, begin, heading, open_approval, says, the_transfer};
use crate::person::{log_in, sign_up};
use cloakroom_testbed::browser::{Browser, Engine};
use cloakroom_testbed::{House, PASSWORD};

const EMAIL: &str = "margaret.hamilton@example.com";
const NEW_PASSWORD: &str = "violet harbour cactus drum";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webkit_signs_up_confirms_logs_in_approves_resets_and_sees_the_account() {
    let bank = Bank::start(Plan { encrypted: true, confirms: true, ..Plan::default() }).await;
    let browser = Browser::launch(Engine::WebKit).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&bank.at("/auth/login")).await.unwrap();
    assert_eq!(page.axe().await.unwrap(), []);
    page.click("a[href*='/auth/signup']").await.unwrap();
    sign_up(&page, EMAIL).await;
    // What it cannot do is not offered; the rest of the page is there.
    assert_eq!(page.eval("document.querySelector('form[data-passkey-login]').hidden").await.unwrap(), true);

    let link = bank.mail(EMAIL, "Confirm").await.text_links().into_iter().find(|link| link.contains('#')).unwrap();
    page.goto(&link).await.unwrap();
    page.wait_for("document.readyState === 'complete' && location.hash === ''").await.unwrap();
    page.fill("#password", PASSWORD).await.unwrap();
    page.press("Enter").await.unwrap();
    heading(&page, "Your address is confirmed").await;

    page.goto(&bank.at("/auth/login")).await.unwrap();
    log_in(&page, EMAIL, &bank.at("/")).await;
    page.wait_for("window.ready").await.unwrap();

    // A transfer, by going to its page and back.
    page.click("#pay-here").await.unwrap();
    heading(&page, "Approve this?").await;
    let text = page.text("main").await.unwrap();
    assert!(text.contains("bob") && text.contains("250"), "{text}");
    assert_eq!(page.axe().await.unwrap(), []);
    approve_by_password(&page).await;
    says(&page, "200 echo").await;
    assert_eq!(bank.transfers(), the_transfer());
    // One that is declined.
    let approval = open_approval(&page, "mallory", 9999).await;
    page.goto(&approval).await.unwrap();
    page.click(".decline button").await.unwrap();
    heading(&page, "Declined").await;

    // The account, and a change of it.
    page.goto(&bank.at("/auth/account")).await.unwrap();
    heading(&page, "Your account").await;
    assert!(page.text("main").await.unwrap().contains(EMAIL));
    assert_eq!(page.axe().await.unwrap(), []);
    begin(&page, "add-totp").await;
    approve_by_password(&page).await;
    page.wait_url("/auth/account/").await.unwrap();
    page.click("main form button").await.unwrap();
    page.wait_for("document.readyState === 'complete' && document.querySelector('.qr svg')").await.unwrap();
    page.goto(&bank.at("/auth/account")).await.unwrap();
    page.click("form[action='/auth/logout'] button").await.unwrap();
    page.wait_url("/auth/login?notice=logged-out").await.unwrap();

    // Forgotten, and reset by the code.
    page.click("a[href$='/auth/forgot']").await.unwrap();
    page.wait_url("/auth/forgot").await.unwrap();
    page.fill("#email", EMAIL).await.unwrap();
    page.press("Enter").await.unwrap();
    heading(&page, "Look into your mail").await;
    page.click("main a[href$='/auth/reset']").await.unwrap();
    page.wait_url("/auth/reset").await.unwrap();
    assert_eq!(page.axe().await.unwrap(), []);
    page.fill("#code", &bank.mail(EMAIL, "Set a new password").await.code().unwrap()).await.unwrap();
    page.fill("#new", NEW_PASSWORD).await.unwrap();
    page.press("Enter").await.unwrap();
    page.wait_url("/auth/login?notice=password-reset").await.unwrap();
    page.fill("#email", EMAIL).await.unwrap();
    page.fill("#password", NEW_PASSWORD).await.unwrap();
    page.press("Enter").await.unwrap();
    page.wait_for("window.ready").await.unwrap();
    bank.close().await;
    browser.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webkit_stays_logged_in_to_an_encrypted_house() {
    let house = House::encrypted("").await;
    let (origin, browser) = (house.origin(), Browser::launch(Engine::WebKit).await.unwrap());
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    for (path, arrival) in [("/auth/signup", "/auth/login"), ("/auth/login?return_to=/app/x", "/app/x")] {
        page.goto(&format!("{origin}{path}")).await.unwrap();
        page.fill("#email", "zoe@example.org").await.unwrap();
        page.fill("#password", PASSWORD).await.unwrap();
        page.click("main form button[type=submit]").await.unwrap();
        page.wait_for(&format!("location.pathname === '{arrival}'")).await.unwrap();
    }
    assert_eq!(page.text("body").await.unwrap(), "echo");
    assert!(context.cookies().await.unwrap().iter().any(|cookie| cookie.secure && cookie.http_only));
    page.goto(&format!("{origin}/auth/account")).await.unwrap();
    assert!(page.text("main").await.unwrap().contains("zoe@example.org"));
    browser.close().await.unwrap();
    house.close().await;
}
