//! What `WebKitGTK` can do, and what it says that it cannot.

use std::time::Duration;

use cloakroom_browser::{Browser, Engine};

use crate::processes::members;
use crate::site::serve;

#[tokio::test]
async fn webkit_types_clicks_sends_and_reads() {
    let site = serve().await;
    let browser = Browser::launch(Engine::WebKit).await.unwrap();
    assert!(browser.version().contains('/'), "{}", browser.version());
    let (ours, theirs) = (browser.context().await.unwrap(), browser.context().await.unwrap());
    let page = ours.page().await.unwrap();
    assert_eq!(page.goto(&format!("{site}/redirect")).await.unwrap(), format!("{site}/two"));
    assert_eq!(page.text("h1").await.unwrap(), "Two");
    page.goto(&format!("{site}/form")).await.unwrap();
    page.fill("#name", "first").await.unwrap();
    page.fill("#name", "Zoë's 1 \"coat\"").await.unwrap();
    assert_eq!(page.eval("document.querySelector('#name').value").await.unwrap(), "Zoë's 1 \"coat\"");
    assert_eq!(page.eval("inputsTrusted").await.unwrap(), true);
    page.click("#far").await.unwrap();
    assert_eq!(page.wait_for("window.clicked").await.unwrap(), "trusted");
    page.fill("#name", "ticket").await.unwrap();
    page.press("Enter").await.unwrap();
    assert_eq!(page.wait_url("/two").await.unwrap(), format!("{site}/two?name=ticket"));
    page.click("a").await.unwrap();
    page.wait_url("/form").await.unwrap();
    page.back().await.unwrap();
    page.wait_url("/two").await.unwrap();
    page.reload().await.unwrap();
    assert_eq!(page.text("h1").await.unwrap(), "Two");
    let error = page.wait_for_within("window.never.there", Duration::from_millis(300)).await.unwrap_err().to_string();
    assert!(error.contains("TypeError") && error.contains("Second page"), "{error}");
    for (expression, text) in [("noSuchName", "noSuchName"), ("Promise.reject(new Error('the reason'))", "the reason")]
    {
        let error = page.eval(expression).await.unwrap_err().to_string();
        assert!(error.contains(text), "{expression}: {error}");
    }

    // One jar for each context. A `Secure` cookie is not kept without TLS, on loopback neither.
    page.goto(&format!("{site}/set")).await.unwrap();
    let other = ours.page().await.unwrap();
    other.goto(&format!("{site}/echo")).await.unwrap();
    let sent = other.text("body").await.unwrap();
    assert!(sent.contains("open=o1") && sent.contains("hidden=h2") && !sent.contains("sess"), "{sent}");
    let stranger = theirs.page().await.unwrap();
    stranger.goto(&format!("{site}/echo")).await.unwrap();
    assert_eq!(stranger.text("body").await.unwrap(), "cookies: ");
    let jar = ours.cookies().await.unwrap();
    assert!(jar.iter().any(|cookie| cookie.name == "hidden" && cookie.http_only), "{jar:?}");

    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("page.png");
    page.screenshot(&picture, 700, 500, false).await.unwrap();
    assert_eq!(std::fs::read(&picture).unwrap()[16..24], [0, 0, 2, 188, 0, 0, 1, 244]);
    page.goto(&format!("{site}/strict?broken")).await.unwrap();
    assert_eq!(page.axe().await.unwrap().len(), 3);

    // What it cannot do, it says.
    assert!(page.emulate_dark().await.is_err());
    assert!(page.add_authenticator().await.is_err());
    assert!(page.responses().await.is_err());
    assert!(page.set_javascript(false).await.is_err());

    theirs.close().await.unwrap();
    assert!(stranger.url().await.is_err());
    let group = browser.process_id();
    assert!(!members(group).is_empty());
    drop(browser);
    tokio::time::timeout(Duration::from_secs(20), async {
        while !members(group).is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert!(page.eval("1").await.is_err());
}

#[tokio::test]
async fn webkit_opens_a_page_after_another_one_was_closed() {
    let site = serve().await;
    let browser = Browser::launch(Engine::WebKit).await.unwrap();
    let context = browser.context().await.unwrap();
    let first = context.page().await.unwrap();
    for _ in 0..2 {
        let further = context.page().await.unwrap();
        further.goto(&format!("{site}/two")).await.unwrap();
        assert_eq!(further.text("h1").await.unwrap(), "Two");
        further.close().await.unwrap();
    }
    first.goto(&format!("{site}/two")).await.unwrap();
    assert_eq!(first.text("h1").await.unwrap(), "Two");
}
