//! The pages in a browser that runs no script.

use crate::person::{log_in, sign_up};
use cloakroom_testbed::House;
use cloakroom_testbed::browser::{Browser, Engine};

const EMAIL: &str = "plain@example.com";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_and_the_refresh_of_a_navigation_need_no_script() {
    let house = House::start().await;
    let (origin, app) = (house.origin(), format!("{}/app/x", house.origin()));
    let browser = Browser::launch(Engine::Chromium).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    page.set_javascript(false).await.unwrap();

    // Led to the log-in, from there to the sign-up, and back to where it began.
    page.goto(&app).await.unwrap();
    page.wait_url("/auth/login?return_to=%2Fapp%2Fx").await.unwrap();
    page.click("p.aside a").await.unwrap();
    sign_up(&page, EMAIL).await;
    log_in(&page, EMAIL, &app).await;
    assert_eq!(page.text("body").await.unwrap(), "echo");
    assert!(house.echo.take().iter().any(|seen| seen.target == "/app/x"));

    // Past the end of the access token: over GET /auth/refresh, to the same page.
    house.advance(6 * 60);
    page.goto(&app).await.unwrap();
    page.wait_for(&format!("location.href === {app:?}")).await.unwrap();
    assert_eq!(page.text("body").await.unwrap(), "echo");
    let seen = house.echo.take();
    let one = seen.iter().find(|seen| seen.target == "/app/x").unwrap();
    assert!(one.header("authorization").unwrap().starts_with("Bearer "));
    let responses = page.responses().await.unwrap();
    assert!(responses.iter().any(|seen| seen.status == 303 && seen.url.contains("/auth/refresh?return_to=%2Fapp%2Fx")));

    // The account page, also past the end, and out.
    house.advance(6 * 60);
    page.goto(&format!("{origin}/auth/account")).await.unwrap();
    page.wait_url("/auth/account").await.unwrap();
    assert!(page.text("main").await.unwrap().contains(EMAIL));
    page.click("form[action='/auth/logout'] button").await.unwrap();
    page.wait_url("/auth/login?notice=logged-out").await.unwrap();
    assert!(
        context
            .cookies()
            .await
            .unwrap()
            .iter()
            .all(|cookie| ["device", "logged-out"].iter().any(|kind| cookie.name.ends_with(kind)))
    );
    page.back().await.unwrap();
    let text = page.text("body").await.unwrap();
    assert!(!text.contains(EMAIL), "{text}");
    page.goto(&app).await.unwrap();
    page.wait_url("/auth/login").await.unwrap();
    assert!(house.echo.take().iter().all(|seen| seen.target != "/app/x"));
    house.close().await;
    browser.close().await.unwrap();
}
