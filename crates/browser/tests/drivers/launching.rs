//! What can be said about a start, and what comes of it in each engine.

use cloakroom_browser::{Browser, Context, Engine, Launch, ThirdParty};
use serde_json::{Value, json};

use crate::world::World;

/// Cookies of b that arrive with a request of a page on a, in name order; what a page on a makes b set is among them.
async fn arrive(world: &World, context: &Context) -> Vec<String> {
    let page = context.page().await.unwrap();
    page.goto(&world.at("b.localhost", "/set")).await.unwrap();
    page.goto(&world.at("a.localhost", "/page")).await.unwrap();
    let ask = |path: &str| {
        let address = json!(world.at("b.localhost", path));
        format!("fetch({address}, {{ credentials: 'include' }}).then(answer => answer.text())")
    };
    assert_eq!(page.eval(&ask("/plant")).await.unwrap(), "planted");
    let sent = page.eval(&ask("/echo")).await.unwrap();
    let mut sent: Vec<String> = sent.as_str().unwrap().split("; ").map(str::to_owned).collect();
    sent.sort();
    // What is embedded is no other than what is fetched.
    page.eval(&format!(
        "document.body.append(Object.assign(new Image(), {{ src: {} }}))",
        json!(world.at("b.localhost", "/image"))
    ))
    .await
    .unwrap();
    let image = world.arrival(|arrival| arrival.path == "/image" && arrival.host == "b.localhost").await;
    let embedded = image.field("cookie").split("; ").filter(|cookie| !cookie.is_empty()).count();
    assert_eq!(embedded, sent.iter().filter(|cookie| !cookie.is_empty()).count(), "{sent:?} {image:?}");
    page.close().await.unwrap();
    sent
}

/// The kept context of those that have one, and one of its own of all.
async fn contexts(browser: &Browser) -> Vec<Context> {
    let mut contexts = vec![browser.context().await.unwrap()];
    if browser.engine() != Engine::WebKit {
        contexts.push(browser.kept_context().await.unwrap());
    }
    contexts
}

async fn cookies_of_third_parties(engine: Engine) {
    for (third_party, expected) in
        [(ThirdParty::Allow, ["none=n1", "planted=p1"].as_slice()), (ThirdParty::Block, &[""])]
    {
        let world = World::encrypted().await;
        let launch = Launch {
            third_party_cookies: Some(third_party),
            lax_by_default: (engine != Engine::WebKit).then_some(true),
            trusted: Some(world.spki),
            ..Launch::default()
        };
        let browser = Browser::launch_with(engine, &launch).await.unwrap();
        for context in contexts(&browser).await {
            let sent = arrive(&world, &context).await;
            // WebKitGTK never takes an unset SameSite for Lax.
            let sent: Vec<&str> =
                sent.iter().map(String::as_str).filter(|cookie| !cookie.starts_with("unset")).collect();
            assert_eq!(sent, expected, "{engine:?} {third_party:?}");
        }
    }
}

async fn lax_by_default(engine: Engine) {
    for lax in [true, false] {
        let world = World::encrypted().await;
        let launch = Launch {
            third_party_cookies: Some(ThirdParty::Allow),
            lax_by_default: Some(lax),
            trusted: Some(world.spki),
            ..Launch::default()
        };
        let browser = Browser::launch_with(engine, &launch).await.unwrap();
        for context in contexts(&browser).await {
            let sent = arrive(&world, &context).await;
            assert_eq!(sent.contains(&"unset=u1".to_owned()), !lax, "{engine:?} {sent:?}");
            assert!(sent.contains(&"none=n1".to_owned()) && !sent.contains(&"lax=l1".to_owned()), "{sent:?}");
        }
    }
}

#[tokio::test]
async fn chromium_lets_cookies_of_third_parties_through_or_not() {
    cookies_of_third_parties(Engine::Chromium).await;
}

#[tokio::test]
async fn firefox_lets_cookies_of_third_parties_through_or_not() {
    cookies_of_third_parties(Engine::Firefox).await;
}

#[tokio::test]
async fn webkit_lets_cookies_of_third_parties_through_or_not() {
    cookies_of_third_parties(Engine::WebKit).await;
}

#[tokio::test]
async fn chromium_takes_an_unset_same_site_for_lax_or_not() {
    lax_by_default(Engine::Chromium).await;
}

#[tokio::test]
async fn firefox_takes_an_unset_same_site_for_lax_or_not() {
    lax_by_default(Engine::Firefox).await;
}

#[tokio::test]
async fn webkit_never_takes_an_unset_same_site_for_lax() {
    let world = World::encrypted().await;
    let launch =
        Launch { third_party_cookies: Some(ThirdParty::Allow), lax_by_default: Some(false), ..Launch::default() };
    let browser = Browser::launch_with(Engine::WebKit, &launch).await.unwrap();
    let sent = arrive(&world, &browser.context().await.unwrap()).await;
    assert!(sent.contains(&"unset=u1".to_owned()), "{sent:?}");
    let launch = Launch { lax_by_default: Some(true), ..Launch::default() };
    assert!(Browser::launch_with(Engine::WebKit, &launch).await.is_err());
}

#[tokio::test]
async fn a_certificate_is_believed_only_where_that_was_said() {
    let world = World::encrypted().await;
    for engine in Engine::ALL {
        let launch = Launch { trusted: Some(world.spki), ..Launch::default() };
        let browser = Browser::launch_with(engine, &launch).await.unwrap();
        for context in contexts(&browser).await {
            let page = context.page().await.unwrap();
            for host in ["a.localhost", "app.test"] {
                page.goto(&world.at(host, "/page")).await.unwrap();
                assert_eq!(page.eval("isSecureContext && location.protocol").await.unwrap(), "https:");
            }
        }
        let stranger = Browser::launch(engine).await.unwrap();
        let page = stranger.context().await.unwrap().page().await.unwrap();
        assert!(page.goto(&world.at("a.localhost", "/page")).await.is_err());
    }
    // Another key is not believed in Chromium.
    let other = World::encrypted().await;
    let launch = Launch { trusted: Some(other.spki), ..Launch::default() };
    let browser = Browser::launch_with(Engine::Chromium, &launch).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    assert!(page.goto(&world.at("a.localhost", "/page")).await.is_err());
}

#[tokio::test]
async fn chromium_binds_a_session_to_a_key_in_every_context() {
    let world = World::encrypted().await;
    let launch = Launch { trusted: Some(world.spki), device_bound_sessions: true, ..Launch::default() };
    let browser = Browser::launch_with(Engine::Chromium, &launch).await.unwrap();
    for (context, host) in contexts(&browser).await.iter().zip(["a.localhost", "app.test"]) {
        let page = context.page().await.unwrap();
        page.goto(&world.at(host, "/bound")).await.unwrap();
        let registration = world.arrival(|arrival| arrival.path == "/register" && arrival.host == host).await;
        assert_eq!(registration.field("secure-session-response").split('.').count(), 3, "{registration:?}");
        assert!(registration.head.starts_with("POST ") && registration.body.is_empty());
    }
    for engine in [Engine::Firefox, Engine::WebKit] {
        assert!(Browser::launch_with(engine, &launch).await.is_err());
    }
}

#[tokio::test]
async fn more_arguments_and_preferences_reach_the_browser() {
    let world = World::plain().await;
    let flags = vec!["--user-agent=Told".to_owned()];
    let agent = |name: &str, value: Value| vec![(name.to_owned(), value)];
    for (engine, flags, preferences, script) in [
        (
            Engine::Chromium,
            flags.clone(),
            agent("intl.selected_languages", json!("de-CH")),
            "navigator.userAgent + navigator.language",
        ),
        (
            Engine::Firefox,
            Vec::new(),
            [agent("general.useragent.override", json!("Told")), agent("intl.accept_languages", json!("de-CH"))]
                .concat(),
            "navigator.userAgent + navigator.language",
        ),
        (Engine::WebKit, flags.clone(), Vec::new(), "navigator.userAgent + 'de-CH'"),
    ] {
        let launch = Launch { flags, preferences, ..Launch::default() };
        let browser = Browser::launch_with(engine, &launch).await.unwrap();
        let page = browser.context().await.unwrap().page().await.unwrap();
        page.goto(&world.at("localhost", "/page")).await.unwrap();
        assert_eq!(page.eval(script).await.unwrap(), "Toldde-CH", "{engine:?}");
    }
    let launch = Launch { preferences: agent("a.b", json!(1)), ..Launch::default() };
    assert!(Browser::launch_with(Engine::WebKit, &launch).await.is_err());
}
