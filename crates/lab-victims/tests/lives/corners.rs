//! The careless corners, in browsers: they must work, or the attacks that go through them prove nothing.

use cloakroom_browser::{Context, Engine, Page};
use cloakroom_lab_victims::What;

use crate::door::{Door, PASSWORD, ready};
use crate::{in_every_engine, world};

in_every_engine! {
    a_link_that_likes_an_item_reaches_what_a_post_reaches
    the_big_button_is_where_it_is_said_to_be
    the_banks_own_workers_take_over_the_page
    the_script_that_echoes_becomes_a_worker
    an_analytics_script_runs_before_the_page
}

async fn inside(door: &Door, context: &Context, strategy: &str) -> (Page, String) {
    let email = door.open_account(strategy);
    let page = door.page(context, strategy, "/").await;
    page.eval(&format!("await bank.login('{email}', '{PASSWORD}')")).await.unwrap();
    (page, email)
}

async fn a_link_that_likes_an_item_reaches_what_a_post_reaches(engine: Engine) {
    let (door, browser) = world(engine).await;
    for strategy in ["S1", "S10", "S15"] {
        let context = browser.context().await.unwrap();
        let (page, email) = inside(&door, &context, strategy).await;
        door.go(&page, strategy, "/?like=../delete?x=").await;
        door.deed(&email, |what| *what == What::AccountDeleted).await;
    }
    let context = browser.context().await.unwrap();
    let (page, email) = inside(&door, &context, "control-get").await;
    door.go(&page, "control-get", "/?item=../transfer?to=mallory%26amount=9").await;
    door.deed(&email, |what| *what == What::Transferred { to: "mallory".into(), amount: 9 }).await;
    page.goto(&door.at("control-get", "/go?to=/api/transfer?to=eve%26amount=3")).await.unwrap();
    door.deed(&email, |what| *what == What::Transferred { to: "eve".into(), amount: 3 }).await;
    browser.close().await.unwrap();
}

async fn the_big_button_is_where_it_is_said_to_be(engine: Engine) {
    let (door, browser) = world(engine).await;
    let context = browser.context().await.unwrap();
    let (page, email) = inside(&door, &context, "S10").await;
    door.go(&page, "S10", "/?to=mallory&amount=7&compact=1").await;
    page.click_at(290.0, 110.0).await.unwrap();
    door.deed(&email, |what| *what == What::Transferred { to: "mallory".into(), amount: 7 }).await;
    browser.close().await.unwrap();
}

async fn the_banks_own_workers_take_over_the_page(engine: Engine) {
    let (door, browser) = world(engine).await;
    for variant in ["empty", "pass", "clone", "newreq", "byurl"] {
        let context = browser.context().await.unwrap();
        let (page, email) = inside(&door, &context, "S10").await;
        page.eval(&format!("await bank.worker('{variant}')")).await.unwrap();
        page.eval("await bank.transfer('bob', 11)").await.unwrap_or_else(|error| panic!("{variant}: {error:#}"));
        door.deed(&email, |what| matches!(what, What::Transferred { amount: 11, .. })).await;
        page.reload().await.unwrap_or_else(|error| panic!("{variant}: {error:#}"));
        ready(&page, variant).await;
        assert_eq!(page.eval("document.body.dataset.state").await.unwrap(), "in", "{variant}");
    }
    browser.close().await.unwrap();
}

async fn the_script_that_echoes_becomes_a_worker(engine: Engine) {
    let (door, browser) = world(engine).await;
    let context = browser.context().await.unwrap();
    let page = door.page(&context, "S10", "/").await;
    let code = "self.onactivate=(e)=>e.waitUntil(clients.claim());\
                self.onfetch=(e)=>new URL(e.request.url).pathname==='/who'%26%26e.respondWith(new Response('mallory'))//";
    let register = format!("navigator.serviceWorker.register(\"/echo.js?cb={code}\").then(() => 1)");
    assert_eq!(page.eval(&format!("await {register}")).await.unwrap(), 1);
    page.wait_for("navigator.serviceWorker.controller !== null").await.unwrap();
    assert_eq!(page.eval("await (await fetch('/who')).text()").await.unwrap(), "mallory");
    browser.close().await.unwrap();
}

async fn an_analytics_script_runs_before_the_page(engine: Engine) {
    let (door, browser) = world(engine).await;
    let context = browser.context().await.unwrap();
    door.bank.set_analytics(Some(door.at("S2", "/echo.js?cb=window.first=document.body===null%3B(()=>{})")));
    let page = door.page(&context, "S10", "/").await;
    assert_eq!(page.eval("window.first").await.unwrap(), true);
    browser.close().await.unwrap();
}
