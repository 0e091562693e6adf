//! What outlives a browser, and what a copy of it is worth to somebody else.

use cloakroom_browser::{Browser, Engine, Launch, Profile};

use crate::world::World;

async fn a_copied_profile_is_logged_in(engine: Engine) {
    let world = World::plain().await;
    let profile = Profile::new().unwrap();
    let browser = Browser::launch_on(engine, &profile).await.unwrap();
    let page = browser.kept_context().await.unwrap().page().await.unwrap();
    page.goto(&world.at("localhost", "/set")).await.unwrap();
    browser.close().await.unwrap();
    let copy = profile.copy().unwrap();
    assert_ne!(copy.path(), profile.path());
    // Both run at the same time.
    let thief = Launch { profile: Some(copy), ..Launch::default() };
    let (owner, thief) = tokio::join!(Browser::launch_on(engine, &profile), Browser::launch_with(engine, &thief));
    for browser in [owner.unwrap(), thief.unwrap()] {
        let context = browser.kept_context().await.unwrap();
        assert!(context.cookies().await.unwrap().iter().any(|cookie| cookie.name == "hidden" && cookie.http_only));
        let page = context.page().await.unwrap();
        page.goto(&world.at("localhost", "/echo")).await.unwrap();
        assert!(page.text("body").await.unwrap().contains("hidden=h1"));
        // Apart from it the jar is as ever.
        let stranger = browser.context().await.unwrap().page().await.unwrap();
        stranger.goto(&world.at("localhost", "/echo")).await.unwrap();
        assert_eq!(stranger.text("body").await.unwrap(), "");
    }
}

#[tokio::test]
async fn a_copied_profile_of_chromium_is_logged_in() {
    a_copied_profile_is_logged_in(Engine::Chromium).await;
}

#[tokio::test]
async fn a_copied_profile_of_firefox_is_logged_in() {
    a_copied_profile_is_logged_in(Engine::Firefox).await;
}
