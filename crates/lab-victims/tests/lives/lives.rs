//! An honest life at every bank: in, profile, transfer, reload, another tab, out.

use cloakroom_browser::{Context, Engine};
use cloakroom_lab_victims::{Bank, Kind, What};

use crate::door::{CANARY, Door, PASSWORD, ready};
use crate::{in_every_engine, world};

in_every_engine! {
    every_bank_serves_an_honest_customer
    a_device_bound_session_is_bound_where_the_browser_can
}

/// Forgotten by a reload; S4, because a browser without a window has nobody to press "save".
const FORGETS: &[&str] = &["S4", "S6", "S7a", "S7b"];
/// Every tab for itself.
const ONE_TAB: &[&str] = &["S2"];

/// The strategies that are told apart by their pages; `behind` needs Cloakroom in front.
fn strategies() -> impl Iterator<Item = &'static str> {
    Bank::strategies().iter().filter(|info| info.kind != Kind::Behind).map(|info| info.id)
}

async fn every_bank_serves_an_honest_customer(engine: Engine) {
    let (door, browser) = world(engine).await;
    for strategy in strategies() {
        let context = browser.context().await.unwrap();
        if strategy == "S4" && engine != Engine::Chromium {
            unsupported(&door, &context).await;
        } else {
            life(&door, &context, strategy).await;
        }
        context.close().await.unwrap();
    }
    browser.close().await.unwrap();
}

async fn unsupported(door: &Door, context: &Context) {
    door.open_account("S4");
    let page = door.page(context, "S4", "/").await;
    let said =
        page.eval("[window.unsupported, await bank.login('a', 'b').catch((error) => error.status)]").await.unwrap();
    assert_eq!(said, serde_json::json!(["this browser has no PasswordCredential", 0]));
}

async fn life(door: &Door, context: &Context, strategy: &str) {
    let email = door.open_account(strategy);
    let page = door.page(context, strategy, "/").await;
    let shown = async |page: &cloakroom_browser::Page| page.text("#iban").await.unwrap();
    let state = async |page: &cloakroom_browser::Page| page.eval("document.body.dataset.state").await.unwrap();
    assert_eq!(state(&page).await, "out", "{strategy}");
    let wrong = format!("await bank.login('{email}', 'wrong').then(() => 0, (error) => error.status)");
    assert_eq!(page.eval(&wrong).await.unwrap(), 401, "{strategy}");

    // By the form, as a person does.
    page.fill("#login [name=email]", &email).await.unwrap();
    page.fill("#login [name=password]", PASSWORD).await.unwrap();
    page.click("#login button").await.unwrap();
    page.wait_for("document.body?.dataset.state === 'in'")
        .await
        .unwrap_or_else(|error| panic!("{strategy}: {error:#}"));
    assert_eq!(shown(&page).await, CANARY, "{strategy}");
    assert_eq!(page.eval("(await bank.profile()).email").await.unwrap(), email.as_str());
    page.eval("await bank.transfer('bob@bank.test', 700)").await.unwrap();
    door.deed(&email, |what| *what == What::Transferred { to: "bob@bank.test".into(), amount: 700 }).await;

    // A post, shown without leaving the page: its script runs.
    let id = door.bank.write_post(strategy, &email, "<script>window.hole = 7</script>");
    page.eval(&format!("await bank.preview('{id}')")).await.unwrap();
    assert_eq!(page.eval("window.hole").await.unwrap(), 7, "{strategy}");

    page.reload().await.unwrap();
    ready(&page, strategy).await;
    let kept = if FORGETS.contains(&strategy) { "out" } else { "in" };
    assert_eq!(state(&page).await, kept, "{strategy} after a reload");
    let tab = door.page(context, strategy, "/").await;
    let there = if ONE_TAB.contains(&strategy) { "out" } else { kept };
    assert_eq!(state(&tab).await, there, "{strategy} in another tab");
    if kept == "out" {
        page.eval(&format!("await bank.login('{email}', '{PASSWORD}')")).await.unwrap();
    }
    let before = door.bank.deeds().len();
    page.eval("await bank.logout()").await.unwrap();
    assert_eq!(state(&page).await, "out", "{strategy}");
    assert!(door.bank.deeds()[before..].iter().any(|deed| deed.what == What::LoggedOut), "{strategy}");
    let refused = page.eval("await bank.transfer('x', 1).then(() => 0, (error) => error.status)").await.unwrap();
    assert_eq!(refused, 401, "{strategy}");
}

async fn a_device_bound_session_is_bound_where_the_browser_can(engine: Engine) {
    let (door, browser) = world(engine).await;
    let context = browser.context().await.unwrap();
    let email = door.open_account("S18");
    let page = door.page(&context, "S18", "/").await;
    page.eval(&format!("await bank.login('{email}', '{PASSWORD}')")).await.unwrap();
    let bound = engine == Engine::Chromium;
    if bound {
        door.deed(&email, |what| *what == What::KeyBound).await;
    }
    page.eval("await bank.profile()").await.unwrap();
    assert_eq!(page.eval("window.bound").await.unwrap(), bound);
    page.reload().await.unwrap();
    ready(&page, "S18").await;
    assert_eq!(
        page.eval("[window.bound, document.body.dataset.state]").await.unwrap(),
        serde_json::json!([bound, "in"])
    );
    let names: Vec<String> = context.cookies().await.unwrap().into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names.contains(&"__Host-Http-bound".to_owned()), bound, "{names:?}");
    browser.close().await.unwrap();
}

/// In Chromium alone: Firefox has no command that switches scripts off.
#[tokio::test]
async fn pages_of_cookies_work_without_a_script() {
    let (door, browser) = world(Engine::Chromium).await;
    let context = browser.context().await.unwrap();
    for strategy in ["S10", "S12", "control-none"] {
        let email = door.open_account(strategy);
        let page = context.page().await.unwrap();
        page.set_javascript(false).await.unwrap();
        page.goto(&door.at(strategy, "/")).await.unwrap();
        page.fill("#login [name=email]", &email).await.unwrap();
        page.fill("#login [name=password]", PASSWORD).await.unwrap();
        page.click("#login button").await.unwrap();
        door.deed(&email, |what| *what == What::ProfileRead).await;
        // The bank has answered; the page is there a little later.
        page.wait_for(&format!("document.querySelector('#iban')?.textContent === '{CANARY}'")).await.unwrap();
        page.fill("#transfer [name=to]", "bob").await.unwrap();
        page.fill("#transfer [name=amount]", "5").await.unwrap();
        page.click("#transfer button").await.unwrap();
        door.deed(&email, |what| matches!(what, What::Transferred { amount: 5, .. })).await;
    }
    browser.close().await.unwrap();
}
