//! One call that needs an approval of its own, in real browsers: asked for by a window or by going there, proven by password or
//! passkey; and what a script in the application's page can do about it, on an origin of its own and without.

use crate::bank::{Bank, Plan, approve_by_password, begin, enter, heading, open_approval, says, the_transfer};
use cloakroom_testbed::PASSWORD;
use cloakroom_testbed::browser::{Authenticator, Browser, Context, Engine, Page};

const EMAIL: &str = "mavis.batey@example.com";

/// By a window, first with the password, then with a passkey that works on the origin of approvals alone.
pub(crate) async fn by_window(engine: Engine) {
    let bank = Bank::start(Plan { apart: true, ..Plan::default() }).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = enter(&bank, &context, EMAIL).await;

    page.click("#pay").await.unwrap();
    let window = context.opened("/auth/step-up/").await.unwrap();
    heading(&window, "Approve this?").await;
    let address = window.url().await.unwrap();
    assert!(address.starts_with(&bank.approvals()), "{address}");
    assert_shows(&window, &["bob", "250", "POST /api/transfer?from=giro", "m…y@example.com"]).await;
    assert_eq!(bank.transfers(), [], "nothing happens before it is approved");
    window.fill("#password", "not the password at all").await.unwrap();
    window.press("Enter").await.unwrap();
    window.wait_for("document.querySelector('#problem')?.textContent.includes('That was not right')").await.unwrap();
    assert_shows(&window, &["bob", "250", "4 tries are left"]).await;
    approve_by_password(&window).await;
    says(&page, "200 echo").await;
    assert_eq!(bank.transfers(), the_transfer());
    context.closed("/auth/step-up/").await.unwrap();

    // The grant was for once.
    page.click("#pay").await.unwrap();
    let window = context.opened("/auth/step-up/").await.unwrap();
    heading(&window, "Approve this?").await;
    assert_eq!(bank.transfers(), []);
    window.click(".decline button").await.unwrap();
    says(&page, "401 ").await;
    assert_eq!(bank.transfers(), [], "what was declined does not happen");
    context.closed("/auth/step-up/").await.unwrap();

    let authenticator = add_approving_passkey(&bank, &page).await;
    page.goto(&bank.at("/")).await.unwrap();
    page.wait_for("window.ready").await.unwrap();
    page.click("#pay").await.unwrap();
    let window = context.opened("/auth/step-up/").await.unwrap();
    heading(&window, "Approve this?").await;
    bring_along(&page, &authenticator, &window).await;
    assert_shows(&window, &["bob", "250"]).await;
    window.click("form[data-passkey-get] button").await.unwrap();
    says(&page, "200 echo").await;
    assert_eq!(bank.transfers(), the_transfer());
    context.closed("/auth/step-up/").await.unwrap();
    bank.close().await;
    browser.close().await.unwrap();
}

/// By going there and coming back: where the page asks for it, and where no window may be opened.
pub(crate) async fn by_redirect(engine: Engine) {
    for blocks_windows in [false, true] {
        let bank = Bank::start(Plan { apart: true, blocks_windows, ..Plan::default() }).await;
        let browser = Browser::launch(engine).await.unwrap();
        let context = browser.context().await.unwrap();
        let page = enter(&bank, &context, EMAIL).await;
        if blocks_windows {
            let opened = page.eval("(() => { try { return open('/x') } catch { return null } })()").await.unwrap();
            assert_eq!(opened, serde_json::Value::Null, "the browser says no");
        }
        page.click(if blocks_windows { "#pay" } else { "#pay-here" }).await.unwrap();
        heading(&page, "Approve this?").await;
        assert_shows(&page, &["bob", "250"]).await;
        assert_eq!(bank.transfers(), []);
        approve_by_password(&page).await;
        page.wait_for("window.ready").await.unwrap();
        assert_eq!(page.url().await.unwrap(), bank.at("/"));
        says(&page, "200 echo").await;
        assert_eq!(bank.transfers(), the_transfer());
        assert_eq!(page.eval("sessionStorage.length").await.unwrap(), 0, "the call does not stay there");
        // Loaded again, the page repeats nothing.
        page.reload().await.unwrap();
        page.wait_for("window.ready").await.unwrap();
        assert_eq!(bank.transfers(), []);

        // The person says no: one is back, and nothing was done.
        page.click("#pay-here").await.unwrap();
        heading(&page, "Approve this?").await;
        page.click(".decline button").await.unwrap();
        page.wait_for("window.ready").await.unwrap();
        assert_eq!(page.url().await.unwrap(), bank.at("/"));
        assert_eq!(page.text("#said").await.unwrap(), "nothing yet");
        assert_eq!(bank.transfers(), []);
        bank.close().await;
        browser.close().await.unwrap();
    }
}

/// Two origins: a script in the application's page neither reads the approval nor drives it.
pub(crate) async fn a_script_beside_it(engine: Engine) {
    let bank = Bank::start(Plan { apart: true, ..Plan::default() }).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = enter(&bank, &context, EMAIL).await;
    let approval = open_approval(&page, "mallory", 9999).await;
    assert!(approval.starts_with(&bank.approvals()));

    // It opens the page as it could at any time, in a click of the person's.
    bank_on_click(&page, &format!("window.victim = open({approval:?}, '_blank', 'popup')")).await;
    let window = context.opened("/auth/step-up/").await.unwrap();
    heading(&window, "Approve this?").await;
    // Chromium throws; Firefox leaves the script with the blank page that was there before the two were cut apart.
    for attack in [
        "victim.document.documentElement.outerHTML + victim.document.title + victim.location.href",
        "victim.document.querySelector('#password').value = 'x'",
        "victim.document.forms[0].submit()",
        "victim.eval('document.body.innerText')",
        "victim.postMessage('approve', '*')",
        "victim.location = '/x'",
        "victim.close()",
    ] {
        let outcome =
            format!("(() => {{ try {{ return String({attack}) }} catch (error) {{ return error.name }} }})()");
        let outcome = page.eval(&outcome).await.unwrap().to_string();
        assert!(
            !["mallory", "9999", "step-up", "Approve"].iter().any(|part| outcome.contains(part)),
            "{attack}: {outcome}"
        );
    }
    assert_eq!(window.url().await.unwrap(), approval);
    let state = window
        .eval("[window.opener, document.querySelector('#password').value, document.querySelector('h1').textContent]");
    assert_eq!(state.await.unwrap(), serde_json::json!([null, "", "Approve this?"]));

    // It reads nothing of it, with whatever credentials, and posts nothing to it.
    let fetches = format!(
        r#"Promise.all([
          fetch({approval:?}, {{ credentials: "include" }}),
          fetch({approval:?}, {{ mode: "no-cors", credentials: "include" }}).then(async answer => {{ if (answer.type === "opaque") throw Error("opaque"); return answer }}),
          fetch({approval:?}, {{ method: "POST", headers: {{ "content-type": "application/json" }}, body: '{{"password":"x"}}' }}),
        ].map(one => one.then(answer => answer.status, () => "refused")))"#
    );
    assert_eq!(page.eval(&fetches).await.unwrap(), serde_json::json!(["refused", "refused", "refused"]));
    let guesses = format!(
        r#"Promise.all(["application/x-www-form-urlencoded", "text/plain"].map(type => fetch({approval:?}, {{
          method: "POST", mode: "no-cors", credentials: "include", headers: {{ "content-type": type }}, body: "password=x",
        }}).catch(() => 0))).then(() => true)"#
    );
    for _ in 0..5 {
        page.eval(&guesses).await.unwrap();
    }
    // Nor by a form, nor in a frame.
    form_into_a_window(&page, &approval).await;
    assert_eq!(framed(&page, &approval).await, "nothing to be read");

    // All of that has cost no try and changed nothing: the person sees it as it was, and says no.
    window.reload().await.unwrap();
    let text = window.text("main").await.unwrap();
    assert!(text.contains("mallory") && text.contains("9999") && !text.contains("left"), "{text}");
    window.click(".decline button").await.unwrap();
    heading(&window, "Declined").await;
    assert_eq!(bank.transfers(), []);

    // The honest one, in the same browser.
    page.goto(&bank.at("/")).await.unwrap();
    page.wait_for("window.ready").await.unwrap();
    page.click("#pay-here").await.unwrap();
    heading(&page, "Approve this?").await;
    approve_by_password(&page).await;
    says(&page, "200 echo").await;
    assert_eq!(bank.transfers(), the_transfer());
    bank.close().await;
    browser.close().await.unwrap();
}

/// One origin: it cannot be framed either, but a script of the application's can do what the docs and `check` say. It opens the
/// window, reads it, and writes into it another payee than the one that is approved. Whoever changes this for the better
/// changes what `docs/` says with it.
pub(crate) async fn what_one_origin_allows(engine: Engine) {
    let bank = Bank::start(Plan::default()).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = enter(&bank, &context, EMAIL).await;
    let approval = open_approval(&page, "mallory", 9999).await;
    assert!(approval.starts_with(&bank.house.origin()));
    assert_eq!(framed(&page, &approval).await, "nothing to be read");
    assert_eq!(framed(&page, &bank.at("/auth/assets/style.css")).await, "a document of this origin", "the control");

    bank_on_click(&page, &format!("window.victim = open({approval:?}, '_blank', 'popup')")).await;
    let window = context.opened("/auth/step-up/").await.unwrap();
    heading(&window, "Approve this?").await;
    let read = page.eval("victim.document.querySelector('main').innerText").await.unwrap();
    assert!(read.as_str().unwrap().contains("mallory"));
    let lie = "(() => { for (const one of victim.document.querySelectorAll('.what dd')) {
      if (one.textContent === 'mallory') one.textContent = 'bob';
      if (one.textContent === '9999') one.textContent = '5';
    } return 1 })()";
    page.eval(lie).await.unwrap();
    assert_shows(&window, &["bob"]).await;
    assert!(!window.text("main").await.unwrap().contains("mallory"), "the person cannot know");
    // Even so it takes the person's own proof.
    let collect = "fetch('/auth/step-up/collect', { method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: approval.split('/').pop() }) }).then(async answer => [answer.status, (await answer.json()).grant ?? ''])";
    let collect = collect.replace("approval", &format!("{approval:?}"));
    assert_eq!(page.eval(&collect).await.unwrap()[0], 202);
    approve_by_password(&window).await;
    heading(&window, "Approved").await;
    let granted = page.eval(&collect).await.unwrap();
    assert_eq!(granted[0], 200);
    let pay = format!(
        r#"fetch("/api/transfer?from=giro", {{ method: "POST", headers: {{ "content-type": "application/json", "cloakroom-grant": {} }},
          body: '{{"to":"mallory","amount":9999}}' }}).then(answer => answer.status)"#,
        granted[1]
    );
    assert_eq!(page.eval(&pay).await.unwrap(), 200);
    assert_eq!(bank.transfers()[0].1, r#"{"to":"mallory","amount":9999}"#);
    bank.close().await;
    browser.close().await.unwrap();
}

/// A browser that runs no script at all cannot make such a call, but it can approve one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_approval_page_works_without_scripts_for_password_and_mailed_code() {
    let bank = Bank::start(Plan { apart: true, confirms: true, ..Plan::default() }).await;
    let browser = Browser::launch(Engine::Chromium).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.goto(&bank.at("/auth/signup")).await.unwrap();
    crate::person::sign_up(&page, EMAIL).await;
    let mail = bank.mail(EMAIL, "Confirm").await;
    page.goto(mail.text_links().iter().find(|link| link.contains('#')).unwrap()).await.unwrap();
    page.fill("#password", PASSWORD).await.unwrap();
    page.click("main form button").await.unwrap();
    heading(&page, "Your address is confirmed").await;
    page.goto(&bank.at("/auth/login")).await.unwrap();
    crate::person::log_in(&page, EMAIL, &bank.at("/")).await;
    page.wait_for("window.ready").await.unwrap();
    let other = without_scripts(&context).await;
    for way in ["password", "mail"] {
        let approval = open_approval(&page, "bob", 250).await;
        other.goto(&approval).await.unwrap();
        assert_shows(&other, &["bob", "250"]).await;
        if way == "password" {
            approve_by_password(&other).await;
        } else {
            other.click("details summary").await.unwrap();
            other.click("form:has(input[name=send]) button").await.unwrap();
            other.wait_for("document.readyState === 'complete' && document.querySelector('#mail')").await.unwrap();
            let code = bank.mail(EMAIL, "ode").await.code().unwrap();
            other.fill("#mail", &code).await.unwrap();
            other.press("Enter").await.unwrap();
        }
        heading(&other, "Approved").await;
    }
    bank.close().await;
    browser.close().await.unwrap();
}

async fn without_scripts(context: &Context) -> Page {
    let page = context.page().await.unwrap();
    page.set_javascript(false).await.unwrap();
    page
}

/// Adds a passkey for approvals from the account page.
async fn add_approving_passkey(bank: &Bank, page: &Page) -> Authenticator {
    let authenticator = page.add_authenticator().await.unwrap();
    page.goto(&bank.at("/auth/account")).await.unwrap();
    begin(page, "add-approval-passkey").await;
    approve_by_password(page).await;
    heading(page, "A passkey for approving").await;
    assert!(page.url().await.unwrap().starts_with(&bank.approvals()));
    page.fill("#name", "The approving one").await.unwrap();
    page.click("form[data-passkey-create] button").await.unwrap();
    // The first factor of an account brings its recovery codes.
    heading(page, "Your recovery codes").await;
    page.click("main p.aside a").await.unwrap();
    heading(page, "Your account").await;
    assert!(page.text("main").await.unwrap().contains("The approving one"));
    let held = page.credentials(&authenticator).await.unwrap();
    assert_eq!(held.iter().map(|one| one.rp_id.as_str()).collect::<Vec<_>>(), ["approve.localhost"]);
    authenticator
}

/// In Chromium an authenticator belongs to one tab: the other one gets a twin, as synchronised passkeys have.
async fn bring_along(page: &Page, authenticator: &Authenticator, window: &Page) {
    if page.engine() == Engine::Chromium {
        let twin = window.add_authenticator().await.unwrap();
        for credential in page.credentials(authenticator).await.unwrap() {
            window.add_credential(&twin, &credential).await.unwrap();
        }
    }
}

async fn assert_shows(page: &Page, parts: &[&str]) {
    let text = page.text("main").await.unwrap();
    for part in parts {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}

/// Runs this in a click of the person's: browsers open windows for nothing less.
async fn bank_on_click(page: &Page, script: &str) {
    page.eval(&format!("(document.body.insertAdjacentHTML('beforeend', '<button id=bait>Win a prize</button>'), bait.onclick = () => {{ {script} }}, 1)"))
        .await
        .unwrap();
    page.click("#bait").await.unwrap();
}

/// A form of the page that guesses a password, into a window of its own.
async fn form_into_a_window(page: &Page, approval: &str) {
    let form = format!(
        "(document.body.insertAdjacentHTML('beforeend', `<form id=guess target=_blank method=post action={approval:?}><input name=password value=x><button id=go>Go</button></form>`), 1)"
    );
    page.eval(&form).await.unwrap();
    page.click("#go").await.unwrap();
}

/// What a script can see of an address in a frame, once that has loaded or was refused.
async fn framed(page: &Page, address: &str) -> String {
    let script = format!(
        r#"new Promise(done => {{
          const frame = document.createElement("iframe");
          const look = () => {{
            let seen;
            try {{ seen = frame.contentDocument?.location.href }} catch {{ }}
            if (seen === {address:?}) done("a document of this origin");
            else if (seen !== "about:blank") done("nothing to be read");
          }};
          frame.onload = look;
          frame.src = {address:?};
          document.body.append(frame);
        }})"#
    );
    page.eval(&script).await.unwrap().as_str().unwrap().to_owned()
}
