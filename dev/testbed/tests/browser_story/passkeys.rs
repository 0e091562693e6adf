//! Passkeys in real browsers with authenticators made of software: added from the account page, used alone and as a second
//! factor; the authenticator app and the recovery codes by their pages; and what a browser shows of waiting times.

use crate::bank::{Bank, Plan, approve_by_password, begin, enter, heading};
use cloakroom_testbed::PASSWORD;
use cloakroom_testbed::browser::{Browser, Engine, Page};

const EMAIL: &str = "joan.clarke@example.com";

/// On the public origin and on that of approvals: the passkey is one for log-in, and knows the name of the public one alone.
pub(crate) async fn log_in_alone_and_as_second_factor(engine: Engine) {
    let bank = Bank::start(Plan { apart: true, ..Plan::default() }).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = enter(&bank, &context, EMAIL).await;
    let authenticator = page.add_authenticator().await.unwrap();

    page.goto(&bank.at("/auth/account")).await.unwrap();
    begin(&page, "add-passkey").await;
    assert!(page.url().await.unwrap().starts_with(&bank.approvals()), "approved on its own origin");
    approve_by_password(&page).await;
    page.wait_url("/auth/account/").await.unwrap();
    assert!(page.url().await.unwrap().starts_with(&bank.house.origin()));
    page.fill("#name", "My telephone").await.unwrap();
    page.click("form[data-passkey-create] button").await.unwrap();
    heading(&page, "Your recovery codes").await;
    let held = page.credentials(&authenticator).await.unwrap();
    assert_eq!(held.len(), 1);
    assert!(held[0].is_discoverable && held[0].rp_id == "localhost" && held[0].user_handle.is_some());
    page.click("main p.aside a").await.unwrap();
    heading(&page, "Your account").await;
    let text = page.text("main").await.unwrap();
    for expected in ["My telephone", "10 left", "a password and a passkey"] {
        assert!(text.contains(expected), "{expected} is missing: {text}");
    }

    // Alone: no address, no password.
    log_out(&page).await;
    page.goto(&bank.at("/auth/login?return_to=%2Fauth%2Faccount")).await.unwrap();
    page.click("form[data-passkey-login] button").await.unwrap();
    heading(&page, "Your account").await;
    let text = page.text("main").await.unwrap();
    assert!(text.contains(EMAIL) && text.contains("with a passkey"), "{text}");
    assert!(page.credentials(&authenticator).await.unwrap()[0].sign_count > held[0].sign_count, "it has signed");

    // After the password, which is half of it now.
    log_out(&page).await;
    let account = bank.at("/auth/account");
    page.goto(&bank.at("/auth/login?return_to=%2Fauth%2Faccount")).await.unwrap();
    page.fill("#email", EMAIL).await.unwrap();
    page.fill("#password", PASSWORD).await.unwrap();
    page.click("main form button[type=submit]").await.unwrap();
    heading(&page, "One more step").await;
    assert!(!context.cookies().await.unwrap().iter().any(|cookie| cookie.name.ends_with("Http-cloakroom")));
    // Somebody else's finger.
    page.set_user_verified(&authenticator, false).await.unwrap();
    page.click("form[data-passkey-get] button").await.unwrap();
    page.wait_for("document.querySelector('form[data-passkey-get] [role=alert]:not([hidden])')?.textContent.startsWith('That did not work')")
        .await
        .unwrap();
    page.set_user_verified(&authenticator, true).await.unwrap();
    page.click("form[data-passkey-get] button").await.unwrap();
    page.wait_for(&format!("document.readyState === 'complete' && location.href === {account:?}")).await.unwrap();
    assert!(page.text("main").await.unwrap().contains("with a password and a passkey"));
    bank.close().await;
    browser.close().await.unwrap();
}

/// An authenticator app by the pages alone, and a recovery code in its place.
pub(crate) async fn app_and_recovery_codes(engine: Engine) {
    let bank = Bank::start(Plan { apart: true, ..Plan::default() }).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = enter(&bank, &context, EMAIL).await;
    page.goto(&bank.at("/auth/account")).await.unwrap();
    begin(&page, "add-totp").await;
    approve_by_password(&page).await;
    page.wait_url("/auth/account/").await.unwrap();
    page.click("main form button").await.unwrap();
    page.wait_for("document.readyState === 'complete' && document.querySelector('.qr svg')").await.unwrap();
    // A camera sees black on white, large enough, and square.
    let size = page
        .eval("(({ width, height }) => [width, height])(document.querySelector('.qr svg').getBoundingClientRect())");
    let size = size.await.unwrap();
    assert!(size[0].as_f64().unwrap() > 150.0 && size[0] == size[1], "{size}");
    let key = page.text(".key code").await.unwrap();
    let uri = page.eval("document.querySelector('a[href^=\"otpauth:\"]').href").await.unwrap();
    let plain: String = key.chars().filter(|letter| !letter.is_whitespace()).collect();
    assert!(uri.as_str().unwrap().contains(&format!("secret={plain}")), "the link is for the same key");
    let code = bank.code_of(&key);
    page.fill("#code", &code).await.unwrap();
    page.press("Enter").await.unwrap();
    heading(&page, "Your recovery codes").await;
    let codes = page.eval("[...document.querySelectorAll('.codes code')].map(code => code.textContent)").await.unwrap();
    let codes: Vec<_> = codes.as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(codes.len(), 10);
    for secret in codes.iter().chain([&plain]) {
        bank.house.watch.secret(secret);
    }
    // Shown once. Firefox asks whether it should send the form again, and waits for an answer.
    page.click("main p.aside a").await.unwrap();
    heading(&page, "Your account").await;
    if engine == Engine::Chromium {
        page.back().await.unwrap();
        assert!(!page.text("body").await.unwrap().contains(&codes[0]), "a page that was left shows recovery codes");
    }

    page.goto(&bank.at("/auth/account")).await.unwrap();
    log_out(&page).await;
    for (field, wrong) in [("#totp", code.clone()), ("#recovery", "AAAA-AAAA-AAAA-AAAA".to_owned())] {
        let right = if field == "#totp" {
            bank.house.advance(30);
            bank.code_of(&key)
        } else {
            codes[3].clone()
        };
        page.goto(&bank.at("/auth/login")).await.unwrap();
        page.fill("#email", EMAIL).await.unwrap();
        page.fill("#password", PASSWORD).await.unwrap();
        page.click("main form button[type=submit]").await.unwrap();
        heading(&page, "One more step").await;
        // The code of the enrolment was used; the other one never was any.
        show(&page, field).await;
        page.fill(field, &wrong).await.unwrap();
        page.press("Enter").await.unwrap();
        page.wait_for("document.readyState === 'complete' && document.querySelector('#problem')").await.unwrap();
        show(&page, field).await;
        page.fill(field, &right).await.unwrap();
        page.press("Enter").await.unwrap();
        if field == "#recovery" {
            heading(&page, "You are logged in").await;
            assert!(page.text("main").await.unwrap().contains("9 recovery codes are left"));
            page.click("main p:last-of-type a").await.unwrap();
        }
        page.wait_for("window.ready").await.unwrap();
        page.goto(&bank.at("/auth/account")).await.unwrap();
        if field == "#totp" {
            assert!(page.text("main").await.unwrap().contains("with a password and an authenticator app"));
            log_out(&page).await;
        }
    }
    let text = page.text("main").await.unwrap();
    assert!(text.contains("9 left") && text.contains("with a password and a recovery code"), "{text}");
    bank.close().await;
    browser.close().await.unwrap();
}

/// Who guesses waits, and sees how long.
pub(crate) async fn waiting(engine: Engine) {
    let bank = Bank::start(Plan::default()).await;
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    let seconds = guess_until_it_waits(&bank, &page).await;
    assert_eq!(seconds, 1);
    // The page's own seconds go by, and the button comes back by itself.
    page.wait_for("document.querySelector('#problem').textContent.includes('You can try again now.')").await.unwrap();
    assert_eq!(page.eval("document.querySelector('main form button').disabled").await.unwrap(), false);

    // A longer wait counts down while one looks at it.
    for wait in [1, 2, 4, 8] {
        bank.house.advance(wait);
        guess(&bank, &page).await;
    }
    guess(&bank, &page).await;
    let text = "document.querySelector('#problem span').textContent";
    let first = page.eval(text).await.unwrap();
    let first = first.as_str().unwrap().to_owned();
    assert!(first.starts_with("Try again in "), "{first}");
    assert_eq!(page.eval("document.querySelector('main form button').disabled").await.unwrap(), true);
    // Wrong passwords say nothing about a passkey: who is under attack can use theirs.
    assert_eq!(page.eval("document.querySelector('form[data-passkey-login] button').disabled").await.unwrap(), false);
    page.wait_for(&format!("{text} !== {first:?} && {text}.startsWith('Try again in ')")).await.unwrap();
    bank.close().await;
    browser.close().await.unwrap();
}

/// The same page says the seconds to a browser that runs no script, and lets it try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_scripts_the_page_says_how_many_seconds_to_wait() {
    let bank = Bank::start(Plan::default()).await;
    let browser = Browser::launch(Engine::Chromium).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.set_javascript(false).await.unwrap();
    let seconds = guess_until_it_waits(&bank, &page).await;
    assert_eq!(seconds, 1);
    let text = page.text("#problem").await.unwrap();
    assert!(text.contains("Try again in 1 second."), "{text}");
    assert_eq!(page.eval("document.querySelector('main form button').disabled").await.unwrap(), false);
    assert_eq!(page.eval("document.querySelector('form.scripted').checkVisibility()").await.unwrap(), false);
    bank.close().await;
    browser.close().await.unwrap();
}

/// Guesses at an address until the answer is 429; what its `Retry-After` says.
async fn guess_until_it_waits(bank: &Bank, page: &Page) -> u64 {
    for _ in 0..8 {
        guess(bank, page).await;
        let all = page.responses().await.unwrap();
        let answer = all.into_iter().rfind(|seen| seen.url.ends_with("/auth/login") && seen.status != 200).unwrap();
        if answer.status == 429 {
            let wait = answer.headers.iter().find(|(name, _)| name == "retry-after").unwrap();
            return wait.1.parse().unwrap();
        }
        assert_eq!(answer.status, 401);
    }
    panic!("eight guesses, and no wait");
}

async fn guess(bank: &Bank, page: &Page) {
    page.goto(&bank.at("/auth/login")).await.unwrap();
    page.fill("#email", EMAIL).await.unwrap();
    page.fill("#password", "not the password at all").await.unwrap();
    page.press("Enter").await.unwrap();
    page.wait_for("document.readyState === 'complete' && document.querySelector('#problem')").await.unwrap();
}

/// Opens what a field is folded away in.
async fn show(page: &Page, field: &str) {
    let folded = page.eval(&format!("document.querySelector({field:?}).closest('details:not([open])') !== null")).await;
    if folded.unwrap() == true {
        page.click(&format!("details:has({field}) summary")).await.unwrap();
    }
}

async fn log_out(page: &Page) {
    page.click("form[action='/auth/logout'] button").await.unwrap();
    page.wait_url("/auth/login?notice=logged-out").await.unwrap();
}
