//! Pages whose scripts are off, which Chromium alone can show.

use std::time::Duration;

use cloakroom_browser::{Browser, Engine};

use crate::site::serve;

#[tokio::test]
async fn chromium_shows_a_page_without_scripts() {
    let site = serve().await;
    let browser = Browser::launch(Engine::Chromium).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.set_javascript(false).await.unwrap();
    page.goto(&format!("{site}/form")).await.unwrap();
    assert_eq!(page.eval("typeof inputsTrusted").await.unwrap(), "undefined");
    page.fill("#name", "plain").await.unwrap();
    page.press("Enter").await.unwrap();
    page.wait_url("/two?name=plain").await.unwrap();
    let error = page.wait_for_within("window.never.there", Duration::from_millis(300)).await.unwrap_err().to_string();
    for part in ["window.never.there", "300ms", "/two?name=plain", "TypeError", "Second page"] {
        assert!(error.contains(part), "{part} is missing: {error}");
    }
    page.click("a").await.unwrap();
    page.wait_url("/form").await.unwrap();
    page.screenshot(&tempfile::tempdir().unwrap().path().join("page.png"), 320, 200, true).await.unwrap();
    page.set_javascript(true).await.unwrap();
    page.goto(&format!("{site}/form")).await.unwrap();
    assert_eq!(page.eval("typeof inputsTrusted").await.unwrap(), "boolean");
}
