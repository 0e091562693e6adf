//! Every page of ours as it is seen: in light and in dark colours, on a screen of 360 px, by keyboard alone, by axe.
//!
//! With `CLOAKROOM_SHOTS` in the environment, pictures are put into that folder, for people to look at. What looks good is
//! deliberately not judged here.

use crate::bank::{Bank, Plan, approve_by_password, begin, begin_change_of_address, enter, heading, open_approval};
use cloakroom_testbed::PASSWORD;
use cloakroom_testbed::browser::{Authenticator, Browser, Engine, Page};
use std::path::PathBuf;
use std::sync::Mutex;

const EMAIL: &str = "katherine.johnson@example.com";

/// Name, width in CSS pixels, dark. Narrow comes last: what is in focus then stays visible for the picture.
const LOOKS: [(&str, u32, bool); 3] = [("light", 1024, false), ("dark", 1024, true), ("narrow", 360, false)];

/// What a person can go to by the tab key: one of a group of radio buttons, and nothing that is hidden.
const CONTROLS: &str = "[...document.querySelectorAll('a[href], button, input, select, textarea, summary')].filter(one =>
  one.type !== 'hidden' && !one.disabled && one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length > 0
  && (one.type !== 'radio' || one === document.querySelector(`input[name=\"${one.name}\"]`)))";

pub(crate) async fn entrance(engine: Engine) {
    let bank = Bank::start(Plan { apart: true, confirms: true, ..Plan::default() }).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    let eye = Eye::default();
    let visit = async |path: &str, name: &str| {
        page.goto(&bank.at(path)).await.unwrap();
        eye.looks_at(&page, name).await;
    };
    let submit = async |name: &str| {
        send(&page, "main form").await;
        eye.looks_at(&page, name).await;
    };

    visit("/auth/signup", "signup").await;
    page.fill("#email", EMAIL).await.unwrap();
    page.fill("#password", "katherine.johnson").await.unwrap();
    submit("signup-refused").await;
    page.fill("#password", PASSWORD).await.unwrap();
    submit("login-after-signup").await;
    visit("/auth/login", "login").await;
    for (name, times) in [("login-refused", 1), ("login-wait", 6)] {
        for _ in 0..times {
            page.fill("#email", "nobody@example.com").await.unwrap();
            page.fill("#password", "not the password at all").await.unwrap();
            send(&page, "main form").await;
        }
        eye.looks_at(&page, name).await;
    }

    visit("/auth/email/resend", "resend").await;
    visit("/auth/forgot", "forgot").await;
    page.fill("#email", EMAIL).await.unwrap();
    submit("on-its-way").await;
    visit("/auth/reset", "reset-by-code").await;
    page.fill("#code", "2345-6789-ABCD-EFGH-JKMN-PQRS").await.unwrap();
    page.fill("#new", PASSWORD).await.unwrap();
    submit("reset-refused").await;
    let link = link_of(&bank, "password").await;
    page.goto(&link).await.unwrap();
    eye.looks_at(&page, "reset-by-link").await;

    for (path, name) in [
        ("/auth/email/verify", "verify-by-code"),
        ("/auth/email/confirm", "new-address-by-code"),
        ("/auth/email/back", "back-by-code"),
        ("/auth/devices/revoke", "revoke-by-code"),
    ] {
        visit(path, name).await;
    }
    let link = link_of(&bank, "onfirm").await;
    page.goto(&link).await.unwrap();
    eye.looks_at(&page, "verify-by-link").await;
    page.fill("#password", PASSWORD).await.unwrap();
    submit("verified").await;
    page.goto(&bank.at("/auth/devices/revoke")).await.unwrap();
    page.fill("#code", "2345-6789-ABCD-EFGH-JKMN-PQRS").await.unwrap();
    submit("revoke-refused").await;
    visit("/auth/nothing", "error").await;
    visit("/auth/step-up/AAAAAAAAAAAAAAAAAAAAAA", "approval-elsewhere").await;
    eye.is_content();
    bank.close().await;
    browser.close().await.unwrap();
}

pub(crate) async fn inside(engine: Engine) {
    let bank = Bank::start(Plan { apart: true, ..Plan::default() }).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let (page, eye) = (enter(&bank, &context, EMAIL).await, Eye::default());
    let authenticator = page.add_authenticator().await.unwrap();
    // Somewhere else, so that there is a list.
    for _ in 0..2 {
        bank.house.guest().log_in(EMAIL).await;
    }
    bank.house.advance(50);
    let account = bank.at("/auth/account");
    page.goto(&account).await.unwrap();
    eye.looks_at(&page, "account-plain").await;

    approvals_by_password(&bank, &page, &eye).await;
    let (key, code) = app(&bank, &page, &eye).await;
    passkeys(&bank, &page, &eye, &authenticator, &key).await;

    page.goto(&account).await.unwrap();
    page.eval("document.querySelectorAll('details').forEach(one => { one.open = false })").await.unwrap();
    eye.looks_at(&page, "account").await;
    page.eval("document.querySelectorAll('details').forEach(one => { one.open = true })").await.unwrap();
    eye.looks_at(&page, "account-open").await;
    acts(&bank, &page, &eye).await;
    transfers(&bank, &page, &eye).await;
    factor(&bank, &page, &eye, &code).await;
    hop(&bank, &page, &eye).await;
    eye.is_content();
    bank.close().await;
    browser.close().await.unwrap();
}

/// Approvals of somebody who has a password and mail.
async fn approvals_by_password(bank: &Bank, page: &Page, eye: &Eye) {
    page.goto(&bank.at("/auth/account")).await.unwrap();
    begin_change_of_address(page, "katherine@example.org").await;
    eye.looks_at(page, "approval-act").await;
    page.fill("#password", "not the password at all").await.unwrap();
    send(page, "form:has(#password)").await;
    eye.looks_at(page, "approval-refused").await;
    approve_by_password(page).await;
    page.wait_url("/auth/account/").await.unwrap();
    eye.looks_at(page, "act-change-email").await;
    page.click("main form button").await.unwrap();
    heading(page, "Look into your mail").await;
    eye.looks_at(page, "new-address-on-its-way").await;
}

/// The authenticator app. Its key, and a recovery code.
async fn app(bank: &Bank, page: &Page, eye: &Eye) -> (String, String) {
    page.goto(&bank.at("/auth/account")).await.unwrap();
    begin(page, "add-totp").await;
    approve_by_password(page).await;
    page.wait_url("/auth/account/").await.unwrap();
    eye.looks_at(page, "act-add-totp").await;
    page.click("main form button").await.unwrap();
    page.wait_for("document.readyState === 'complete' && document.querySelector('.qr svg')").await.unwrap();
    eye.looks_at(page, "totp").await;
    page.fill("#code", "000000").await.unwrap();
    send(page, "main form").await;
    eye.looks_at(page, "totp-refused").await;
    let key = page.text(".key code").await.unwrap();
    let code = bank.code_of(&key);
    page.fill("#code", &code).await.unwrap();
    page.click("main form button").await.unwrap();
    page.wait_for("document.readyState === 'complete' && document.querySelector('.codes')").await.unwrap();
    eye.looks_at(page, "recovery-codes").await;
    (key, page.text(".codes code").await.unwrap())
}

/// A passkey of each kind.
async fn passkeys(bank: &Bank, page: &Page, eye: &Eye, authenticator: &Authenticator, key: &str) {
    page.goto(&bank.at("/auth/account")).await.unwrap();
    begin(page, "add-approval-passkey").await;
    approve_by_app(bank, page, key).await;
    page.wait_for("document.readyState === 'complete' && document.querySelector('form:not([hidden]) #name')")
        .await
        .unwrap();
    eye.looks_at(page, "enrol").await;
    page.fill("#name", "The approving one").await.unwrap();
    page.click("main form button").await.unwrap();
    page.wait_url("/auth/account?notice=factor-added").await.unwrap();
    eye.looks_at(page, "account-notice").await;

    begin(page, "add-passkey").await;
    eye.looks_at(page, "approval-act-with-everything").await;
    page.click("form[data-passkey-get] button").await.unwrap();
    page.wait_for("document.readyState === 'complete' && document.querySelector('form:not([hidden]) #name')")
        .await
        .unwrap();
    eye.looks_at(page, "act-add-passkey").await;
    page.fill("#name", "Katherine's telephone with a rather long name indeed").await.unwrap();
    page.click("main form button").await.unwrap();
    page.wait_url("/auth/account?notice=factor-added").await.unwrap();
    assert_eq!(page.credentials(authenticator).await.unwrap().len(), 2);
}

/// The other changes, each up to its form.
async fn acts(bank: &Bank, page: &Page, eye: &Eye) {
    for act in ["change-password", "remove-totp", "new-recovery-codes", "remove-passkey"] {
        page.goto(&bank.at("/auth/account")).await.unwrap();
        begin(page, act).await;
        page.click("form[data-passkey-get] button").await.unwrap();
        page.wait_url("/auth/account/").await.unwrap();
        eye.looks_at(page, &format!("act-{act}")).await;
    }
    // The form was sent too late.
    bank.house.advance(121);
    send(page, "main form").await;
    eye.looks_at(page, "account-problem").await;
}

/// Calls of the application.
async fn transfers(bank: &Bank, page: &Page, eye: &Eye) {
    page.goto(&bank.at("/")).await.unwrap();
    page.wait_for("window.ready").await.unwrap();
    let long = "DE89 3704 0044 0532 0130 00, Society for the Preservation of Rather Long Names and Windmills";
    let approval = open_approval(page, long, 1250).await;
    page.goto(&approval).await.unwrap();
    page.wait_for("document.querySelector('form[data-passkey-get]:not([hidden])')").await.unwrap();
    eye.looks_at(page, "approval-call").await;
    page.eval("document.querySelectorAll('details').forEach(one => { one.open = true })").await.unwrap();
    eye.looks_at(page, "approval-call-open").await;
    page.click("form[data-passkey-get] button").await.unwrap();
    heading(page, "Approved").await;
    eye.looks_at(page, "approved").await;

    page.goto(&bank.at("/")).await.unwrap();
    page.wait_for("window.ready").await.unwrap();
    let approval = open_approval(page, "bob", 5).await;
    page.goto(&approval).await.unwrap();
    page.click(".decline button").await.unwrap();
    heading(page, "Declined").await;
    eye.looks_at(page, "declined").await;
    page.goto(&approval).await.unwrap();
    eye.looks_at(page, "approval-over").await;
}

/// The second half of a log-in.
async fn factor(bank: &Bank, page: &Page, eye: &Eye, code: &str) {
    page.goto(&bank.at("/auth/account")).await.unwrap();
    page.click("form[action='/auth/logout'] button").await.unwrap();
    page.wait_url("/auth/login?notice=logged-out").await.unwrap();
    eye.looks_at(page, "login-after-logout").await;
    page.goto(&bank.at("/auth/login")).await.unwrap();
    page.fill("#email", EMAIL).await.unwrap();
    page.fill("#password", PASSWORD).await.unwrap();
    page.click("main form button[type=submit]").await.unwrap();
    heading(page, "One more step").await;
    eye.looks_at(page, "factor").await;
    page.fill("#totp", "000000").await.unwrap();
    send(page, "form:has(#totp)").await;
    eye.looks_at(page, "factor-refused").await;
    // Its field is behind a word that unfolds.
    page.eval("document.querySelectorAll('details').forEach(one => { one.open = true })").await.unwrap();
    page.fill("#recovery", code).await.unwrap();
    send(page, "form:has(#recovery)").await;
    eye.looks_at(page, "recovered").await;
}

/// The page that brings somebody back who comes from another site, without what makes it go on at once.
async fn hop(bank: &Bank, page: &Page, eye: &Eye) {
    let headers = [
        ("accept", "text/html"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-dest", "document"),
    ];
    let guest = bank.house.signed_in("another@example.com").await;
    // It is `Strict`: a link of another site leaves it behind.
    guest.lose("__Secure-cloakroom-refresh");
    let hop = guest.send("GET", "/auth/refresh?return_to=%2Fapp", &headers, "").await.text();
    assert!(hop.contains("http-equiv=\"refresh\""), "{hop}");
    bank.pages.show("/hop", &hop.replace("http-equiv=\"refresh\"", "name=\"refresh\""));
    page.goto(&bank.at("/hop")).await.unwrap();
    heading(page, "One moment").await;
    eye.looks_at(page, "hop").await;
}

/// Approves with the next code of the app: each is good once.
async fn approve_by_app(bank: &Bank, page: &Page, key: &str) {
    bank.house.advance(30);
    let code = bank.code_of(key);
    page.fill("#totp", &code).await.unwrap();
    page.click("form:has(#totp) button").await.unwrap();
}

async fn link_of(bank: &Bank, about: &str) -> String {
    let mail = bank.mail(EMAIL, about).await;
    mail.text_links().into_iter().find(|link| link.contains('#')).unwrap()
}

/// Sends a form by its first button, and waits for the page that comes of it.
async fn send(page: &Page, form: &str) {
    page.eval("(window.was = 'before', 1)").await.unwrap();
    page.click(&format!("{form} button")).await.unwrap();
    page.wait_for("document.readyState === 'complete' && window.was !== 'before'").await.unwrap();
}

/// Collects what is wrong, so that one round over all pages tells everything.
#[derive(Default)]
pub(crate) struct Eye {
    faults: Mutex<Vec<String>>,
}

impl Eye {
    fn complain(&self, fault: String) {
        self.faults.lock().unwrap().push(fault);
    }

    pub(crate) fn is_content(&self) {
        let faults = self.faults.lock().unwrap();
        assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    }

    /// No rule of axe is broken, nothing is wider than a phone, the keyboard reaches everything.
    pub(crate) async fn looks_at(&self, page: &Page, name: &str) {
        let waits = page.eval("document.querySelector('[data-wait]') !== null").await.unwrap() == true;
        for (kind, width, dark) in LOOKS {
            page.set_viewport(width, 900).await.unwrap();
            if dark {
                page.emulate_dark().await.unwrap();
            } else {
                page.emulate_light().await.unwrap();
            }
            for violation in page.axe().await.unwrap() {
                let places: Vec<_> =
                    violation.places.iter().map(|place| format!("{} {}", place.selector, place.advice)).collect();
                self.complain(format!("{name}, {kind}: {}: {}: {places:?}", violation.rule, violation.help));
            }
            let wide = page.eval("document.documentElement.scrollWidth").await.unwrap().as_u64().unwrap();
            if wide > u64::from(width) {
                self.complain(format!("{name}, {kind}: it is {wide} px wide"));
            }
            picture(page, &format!("{name}-{kind}"), width, dark).await;
        }
        page.emulate_light().await.unwrap();
        page.set_viewport(1024, 900).await.unwrap();
        // What is disabled for a few seconds can be reached afterwards.
        if !waits {
            self.goes_by_keyboard(page, name).await;
        }
    }

    /// From the top of the page, the tab key comes by every control once, and each shows where one is.
    async fn goes_by_keyboard(&self, page: &Page, name: &str) {
        let controls = page.eval(&format!("{CONTROLS}.length")).await.unwrap().as_u64().unwrap();
        // From the very top, where somebody begins who has just arrived.
        let begin = format!(
            "({CONTROLS}.forEach((one, number) => {{ one.dataset.number = number }}), window.reached = new Set(),
             document.body.tabIndex = -1, document.body.focus(), document.body.removeAttribute('tabindex'), 1)"
        );
        page.eval(&begin).await.unwrap();
        let seen = "(() => { const { activeElement: one } = document;
          if (one.dataset.number === undefined || window.reached.has(one.dataset.number)) return 'nothing new';
          window.reached.add(one.dataset.number);
          return getComputedStyle(one).outlineStyle === 'none' ? one.outerHTML : 'shown' })()";
        // No step too many: after the last one the focus leaves the page, and the page would not be in use any more.
        for _ in 0..controls {
            page.press("Tab").await.unwrap();
            let focus = page.eval(seen).await.unwrap();
            if focus != "shown" {
                self.complain(format!("{name}: a step of the tab key leads to {focus}"));
            }
        }
        let left =
            format!("{CONTROLS}.filter(one => !window.reached.has(one.dataset.number)).map(one => one.outerHTML)");
        let left = page.eval(&left).await.unwrap();
        if left != serde_json::json!([]) {
            self.complain(format!("{name}: not reached by keyboard: {left}"));
        }
    }
}

async fn picture(page: &Page, name: &str, width: u32, dark: bool) {
    let Some(folder) = std::env::var_os("CLOAKROOM_SHOTS").map(PathBuf::from) else { return };
    let height = page.eval("document.documentElement.scrollHeight").await.unwrap().as_u64().unwrap();
    let path = folder.join(format!("{name}-{}.png", page.engine().name()));
    page.screenshot(&path, width, u32::try_from(height).unwrap().max(700), dark).await.unwrap();
}
