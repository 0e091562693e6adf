//! What a page can do, in all three engines.

use std::time::Duration;

use cloakroom_browser::{Browser, Cookie, Engine, Page, SameSite};
use serde_json::json;

use crate::world::World;

/// One module per engine with the same tests in it.
macro_rules! in_every_engine {
    ($($name:ident)+) => {
        mod chromium {
            $(#[tokio::test] async fn $name() { super::$name(super::Engine::Chromium).await; })+
        }
        mod firefox {
            $(#[tokio::test] async fn $name() { super::$name(super::Engine::Firefox).await; })+
        }
        mod webkit {
            $(#[tokio::test] async fn $name() { super::$name(super::Engine::WebKit).await; })+
        }
    };
}

in_every_engine! {
    a_click_at_a_point_goes_to_the_frame_that_nobody_sees
    the_history_is_walked_both_ways_over_kept_pages
    a_picture_of_the_viewport_is_taken_as_it_is
    an_expression_runs_in_a_frame_of_this_and_of_another_site
    a_page_that_never_comes_is_given_up_in_time
    windows_come_to_the_front_and_are_closed
    a_cookie_is_put_into_the_jar
    scenarios_run_side_by_side
}

async fn page(engine: Engine) -> (Browser, Page) {
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    (browser, page)
}

async fn a_click_at_a_point_goes_to_the_frame_that_nobody_sees(engine: Engine) {
    let world = World::plain().await;
    let (_browser, page) = page(engine).await;
    page.goto(&world.at("a.localhost", &format!("/bait?{}", world.at("b.localhost", "/button")))).await.unwrap();
    page.wait_for("document.elementFromPoint(150, 100).tagName === 'IFRAME'").await.unwrap();
    page.frame("/button").eval("1").await.unwrap();
    page.click_at(150.0, 100.0).await.unwrap();
    let paid = world.arrival(|arrival| arrival.path.starts_with("/paid")).await;
    assert!(paid.path.starts_with("/paid?true-") && !paid.path.contains("false"), "{paid:?}");
    assert_eq!((paid.host.as_str(), page.eval("window.baited").await.unwrap()), ("b.localhost", json!(null)));
}

async fn the_history_is_walked_both_ways_over_kept_pages(engine: Engine) {
    let world = World::plain().await;
    let (_browser, page) = page(engine).await;
    page.goto(&world.at("localhost", "/shows?one")).await.unwrap();
    page.goto(&world.at("localhost", "/shows?two")).await.unwrap();
    page.eval("window.mark = 2").await.unwrap();
    page.back().await.unwrap();
    page.wait_url("/shows?one").await.unwrap();
    assert_eq!(page.eval("shown").await.unwrap(), json!(["loaded", "kept"]));
    page.forward().await.unwrap();
    page.wait_url("/shows?two").await.unwrap();
    assert_eq!(page.eval("[mark, shown]").await.unwrap(), json!([2, ["loaded", "kept"]]));
    // Asked for once: kept pages are not asked for again.
    assert_eq!(world.arrivals().iter().filter(|arrival| arrival.path.starts_with("/shows")).count(), 2);
}

async fn a_picture_of_the_viewport_is_taken_as_it_is(engine: Engine) {
    let world = World::plain().await;
    let (_browser, page) = page(engine).await;
    page.goto(&world.at("localhost", "/page")).await.unwrap();
    let before = page.eval("[innerWidth, innerHeight]").await.unwrap();
    let picture = page.picture().await.unwrap();
    let begins: &[u8] = if engine == Engine::WebKit { b"\x89PNG\r\n\x1a\n" } else { b"\xff\xd8\xff" };
    assert!(picture.starts_with(begins) && picture.len() > 1000, "{:?}", &picture[..8]);
    assert_eq!(page.eval("[innerWidth, innerHeight]").await.unwrap(), before);
    page.eval("document.body.append('another '.repeat(50))").await.unwrap();
    page.wait_for("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
        .await
        .unwrap();
    assert_ne!(page.picture().await.unwrap(), picture);
}

async fn an_expression_runs_in_a_frame_of_this_and_of_another_site(engine: Engine) {
    let world = World::plain().await;
    let (_browser, page) = page(engine).await;
    for host in ["a.localhost", "b.localhost"] {
        page.goto(&world.at("a.localhost", &format!("/outer?{}", world.at(host, "/inner")))).await.unwrap();
        // The page's own world: it has what the frame's scripts have made.
        let seen =
            page.frame("/inner").eval("[here, location.hostname, await Promise.resolve(parent === window)]").await;
        assert_eq!(seen.unwrap(), json!(["/inner", host, false]));
        page.frame("/inner").eval("window.left = 7").await.unwrap();
        assert_eq!(page.frame("inner").eval("left").await.unwrap(), 7);
        assert!(page.frame("/inner").eval("noSuchName").await.unwrap_err().to_string().contains("noSuchName"));
        assert_eq!(page.eval("[typeof left, document.title]").await.unwrap(), json!(["undefined", "Outer"]));
    }
}

async fn a_page_that_never_comes_is_given_up_in_time(engine: Engine) {
    let world = World::plain().await;
    let (_browser, page) = page(engine).await;
    page.goto(&world.at("localhost", "/page")).await.unwrap();
    page.goto_within(&world.at("localhost", "/never"), Duration::from_millis(700)).await.unwrap_err();
    // It came that far, and the tab is of use.
    world.arrival(|arrival| arrival.path == "/never").await;
    page.goto(&world.at("localhost", "/after")).await.unwrap();
    assert_eq!(page.text("h1").await.unwrap(), "/after");
}

async fn windows_come_to_the_front_and_are_closed(engine: Engine) {
    let world = World::plain().await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let (one, two) = (context.page().await.unwrap(), context.page().await.unwrap());
    one.goto(&world.at("localhost", "/one")).await.unwrap();
    two.goto(&world.at("localhost", "/two")).await.unwrap();
    one.bring_to_front().await.unwrap();
    one.wait_for("document.visibilityState === 'visible'").await.unwrap();
    // It is drawn, and takes input.
    one.wait_for("new Promise(done => requestAnimationFrame(() => done(1)))").await.unwrap();
    one.eval("onclick = () => { window.clicked = true }").await.unwrap();
    one.click_at(10.0, 10.0).await.unwrap();
    one.wait_for("window.clicked").await.unwrap();
    two.close().await.unwrap();
    context.closed("/two").await.unwrap();
    assert_eq!(one.text("h1").await.unwrap(), "/one");
}

async fn a_cookie_is_put_into_the_jar(engine: Engine) {
    let world = World::plain().await;
    let browser = Browser::launch(engine).await.unwrap();
    let (context, other) = (browser.context().await.unwrap(), browser.context().await.unwrap());
    let page = context.page().await.unwrap();
    page.goto(&world.at("app.localhost", "/page")).await.unwrap();
    let wanted = Cookie {
        name: "taken".to_owned(),
        value: "t1".to_owned(),
        domain: "app.localhost".to_owned(),
        path: "/".to_owned(),
        secure: false,
        http_only: true,
        same_site: SameSite::Lax,
        expiry: Some(4_000_000_000),
    };
    context.set_cookie(&wanted).await.unwrap();
    page.goto(&world.at("app.localhost", "/echo")).await.unwrap();
    assert_eq!(page.text("body").await.unwrap(), "taken=t1");
    assert_eq!(page.eval("document.cookie").await.unwrap(), "");
    let jar = context.cookies().await.unwrap();
    assert_eq!((jar.len(), jar[0].http_only, jar[0].same_site), (1, true, SameSite::Lax), "{jar:?}");
    let stranger = other.page().await.unwrap();
    stranger.goto(&world.at("app.localhost", "/echo")).await.unwrap();
    assert_eq!(stranger.text("body").await.unwrap(), "");
    if engine != Engine::WebKit {
        // Of one host: the same as came in, and not for names below. Browsers bound how far ahead an expiry may be.
        assert_eq!(jar[0], Cookie { expiry: jar[0].expiry, ..wanted });
        page.goto(&world.at("sub.app.localhost", "/echo")).await.unwrap();
        assert_eq!(page.text("body").await.unwrap(), "");
    }
}

async fn scenarios_run_side_by_side(engine: Engine) {
    let world = World::plain().await;
    let browser = Browser::launch(engine).await.unwrap();
    let scenario = async |name: &str| {
        let context = browser.context().await.unwrap();
        let page = context.page().await.unwrap();
        page.goto(&world.at("a.localhost", "/page")).await.unwrap();
        page.eval(&format!("document.cookie = 'who={name}'")).await.unwrap();
        page.goto(&world.at("a.localhost", &format!("/bait?{}", world.at("b.localhost", "/button")))).await.unwrap();
        page.click_at(150.0, 100.0).await.unwrap();
        page.goto(&world.at("a.localhost", "/echo")).await.unwrap();
        let seen = page.text("body").await.unwrap();
        context.close().await.unwrap();
        seen
    };
    let seen = tokio::join!(scenario("ada"), scenario("bob"), scenario("eve"), scenario("mal"));
    assert_eq!([seen.0, seen.1, seen.2, seen.3], ["who=ada", "who=bob", "who=eve", "who=mal"]);
}
