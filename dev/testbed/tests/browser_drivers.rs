//! The browser drivers against the real browsers and a tiny server on loopback. Of Cloakroom only that a driver gets on with
//! it, where that is in doubt.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cloakroom_testbed::browser::{Browser, Cookie, Engine, SameSite};
use cloakroom_testbed::{House, PASSWORD};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One module per engine with the same tests in it.
macro_rules! in_every_engine {
    ($($(#[$note:meta])* $name:ident)+) => {
        mod chromium {
            $($(#[$note])* #[tokio::test] async fn $name() { super::$name(super::Engine::Chromium).await; })+
        }
        mod firefox {
            $($(#[$note])* #[tokio::test] async fn $name() { super::$name(super::Engine::Firefox).await; })+
        }
    };
}

in_every_engine! {
    navigation_follows_redirects_history_and_scripts
    clicks_and_keys_are_real_input
    the_jar_is_shared_by_tabs_and_apart_from_other_contexts
    evaluation_gives_json_or_the_exception
    an_unmet_condition_is_explained_at_its_deadline
    a_condition_is_met_across_navigations_and_by_any_trigger
    responses_are_logged_with_their_bodies
    the_census_finds_a_secret_in_every_storage
    a_screenshot_is_a_png_of_the_asked_size
    a_passkey_is_made_and_used
    a_passkey_moves_to_another_authenticator
    somebody_else_at_the_authenticator_is_not_verified
    axe_finds_what_is_wrong_on_a_page_that_allows_no_script
    a_page_is_shown_small_and_dark_over_navigations
    contexts_work_side_by_side
    a_killed_browser_fails_pending_commands_at_once
    a_dropped_browser_leaves_no_process_behind
    a_closed_browser_quits_by_itself
}

async fn navigation_follows_redirects_history_and_scripts(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    assert!(browser.version().contains('/'), "{}", browser.version());
    let page = browser.context().await.unwrap().page().await.unwrap();

    assert_eq!(page.goto(&format!("{site}/redirect")).await.unwrap(), format!("{site}/two"));
    assert_eq!(page.text("h1").await.unwrap(), "Two");
    assert_eq!(page.goto(&format!("{site}/two#part")).await.unwrap(), format!("{site}/two#part"));
    page.goto(&format!("{site}/two#part")).await.unwrap();
    page.goto(&format!("{site}/form")).await.unwrap();
    page.eval("window.mark = 1").await.unwrap();
    page.reload().await.unwrap();
    assert_eq!(page.eval("typeof mark").await.unwrap(), "undefined");
    page.back().await.unwrap();
    assert_eq!(page.url().await.unwrap(), format!("{site}/two#part"));
    assert_eq!(page.text("h1").await.unwrap(), "Two");

    // A page that goes elsewhere before it has loaded.
    page.goto(&format!("{site}/bounce")).await.unwrap();
    assert_eq!(page.wait_url("/two").await.unwrap(), format!("{site}/two?bounced"));
    assert!(page.goto("http://127.0.0.1:1/").await.is_err());
    assert!(page.text("h7").await.is_err());
}

async fn clicks_and_keys_are_real_input(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/form")).await.unwrap();

    page.fill("#name", "first").await.unwrap();
    page.fill("#name", "Zoë's 1 \"coat\"").await.unwrap();
    assert_eq!(page.eval("document.querySelector('#name').value").await.unwrap(), "Zoë's 1 \"coat\"");
    assert_eq!(page.eval("inputsTrusted").await.unwrap(), true);
    page.fill("#name", "").await.unwrap();
    assert_eq!(page.eval("document.querySelector('#name').value").await.unwrap(), "");

    // Far below the fold, enabled a moment after the page has loaded, with a dialog in its way.
    page.click("#far").await.unwrap();
    assert_eq!(page.wait_for("window.clicked").await.unwrap(), "trusted");

    page.fill("#name", "ticket").await.unwrap();
    page.press("Enter").await.unwrap();
    assert_eq!(page.wait_url("/two").await.unwrap(), format!("{site}/two?name=ticket"));
    page.click("a").await.unwrap();
    page.wait_url("/form").await.unwrap();
    assert!(page.press("Nonsense").await.is_err());
}

async fn the_jar_is_shared_by_tabs_and_apart_from_other_contexts(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let (ours, theirs) = (browser.context().await.unwrap(), browser.context().await.unwrap());
    let (one, two) = (ours.page().await.unwrap(), ours.page().await.unwrap());
    let stranger = theirs.page().await.unwrap();

    one.goto(&format!("{site}/set")).await.unwrap();
    two.goto(&format!("{site}/echo")).await.unwrap();
    stranger.goto(&format!("{site}/echo")).await.unwrap();
    let sent = two.text("body").await.unwrap();
    assert!(sent.contains("__Host-Http-sess=s3") && sent.contains("hidden=h2"), "{sent}");
    assert_eq!(stranger.text("body").await.unwrap(), "cookies: ");
    assert_eq!(two.eval("document.cookie").await.unwrap(), "open=o1");

    assert_eq!(theirs.cookies().await.unwrap(), []);
    let mut jar: BTreeMap<String, Cookie> =
        ours.cookies().await.unwrap().into_iter().map(|cookie| (cookie.name.clone(), cookie)).collect();
    let open = jar.remove("open").unwrap();
    assert!(open.expiry.is_some_and(|expiry| (1_700_000_000..10_000_000_000).contains(&expiry)), "{open:?}");
    assert!(!open.http_only && !open.secure && open.same_site == SameSite::Lax && open.path == "/", "{open:?}");
    let session = jar.remove("__Host-Http-sess").unwrap();
    assert_eq!((session.value.as_str(), session.domain.as_str(), session.expiry), ("s3", "localhost", None));
    assert!(session.http_only && session.secure && session.same_site == SameSite::Strict, "{session:?}");
    let hidden = jar.remove("hidden").unwrap();
    assert!(hidden.http_only && !hidden.secure && hidden.path == "/echo", "{hidden:?}");
    assert!(jar.is_empty(), "{jar:?}");

    two.close().await.unwrap();
    ours.close().await.unwrap();
    assert!(one.url().await.is_err());
    stranger.reload().await.unwrap();
}

async fn evaluation_gives_json_or_the_exception(engine: Engine) {
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    let value = page.eval("Promise.resolve({ a: [1, null, 'ü'], b: { c: true } })").await.unwrap();
    assert_eq!(value, serde_json::json!({ "a": [1, null, "ü"], "b": { "c": true } }));
    assert_eq!(page.eval("undefined").await.unwrap(), Value::Null);
    assert_eq!(page.eval("(await Promise.resolve(20)) + 1 // comment").await.unwrap(), 21);
    for (expression, text) in [
        ("noSuchName", "noSuchName"),
        ("Promise.reject(new Error('the reason'))", "the reason"),
        ("1 +", "SyntaxError"),
    ] {
        let error = page.eval(expression).await.unwrap_err().to_string();
        assert!(error.contains(text), "{expression}: {error}");
    }
    // A blocking dialog is answered, not waited for.
    assert_eq!(page.eval("confirm('sure?')").await.unwrap(), true);
}

async fn an_unmet_condition_is_explained_at_its_deadline(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/two")).await.unwrap();

    let began = Instant::now();
    let error = page.wait_for_within("window.never.there", Duration::from_millis(300)).await.unwrap_err();
    assert!(began.elapsed() >= Duration::from_millis(300));
    let error = error.to_string();
    for part in ["window.never.there", "300ms", &format!("{site}/two"), "TypeError", "Second page"] {
        assert!(error.contains(part), "{part} is missing: {error}");
    }
    // A condition that does not compile is not waited for.
    let error = format!("{:#}", page.wait_for("1 +").await.unwrap_err());
    assert!(error.contains("SyntaxError"), "{error}");
}

async fn a_condition_is_met_across_navigations_and_by_any_trigger(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/form")).await.unwrap();
    page.eval("setTimeout(() => document.body.append('appended later'), 50)").await.unwrap();
    page.wait_for("document.body.innerText.includes('appended later')").await.unwrap();
    page.eval("setTimeout(() => { window.quiet = { n: 7 } }, 50)").await.unwrap();
    assert_eq!(page.wait_for("window.quiet").await.unwrap()["n"], 7);

    page.wait_for("(document.body.self = document.body)").await.unwrap();

    page.eval("setTimeout(() => { location.href = '/bounce' }, 50) && 1").await.unwrap();
    assert_eq!(
        page.wait_for("document.querySelector('h1')?.innerText === 'Two' && location.search").await.unwrap(),
        "?bounced"
    );

    // What is still running in a page that is left ends with it, also when the page is kept for going back to.
    let form = format!("{site}/form");
    let (pending, _) = tokio::join!(page.eval("new Promise(() => {})"), page.goto(&form));
    let error = pending.unwrap_err().to_string();
    assert!(error.contains("another document"), "{error}");
}

async fn responses_are_logged_with_their_bodies(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/redirect")).await.unwrap();
    page.eval("fetch('/set').then(answer => answer.text())").await.unwrap();
    page.eval("new Promise(done => { const frame = document.createElement('iframe'); frame.src = '/echo'; frame.onload = () => done(1); document.body.append(frame) })").await.unwrap();
    page.eval("new EventSource('/stream') && 1").await.unwrap();
    page.goto(&format!("{site}/form")).await.unwrap();

    let responses = page.responses().await.unwrap();
    let find = |path: &str| {
        let found = responses.iter().find(|seen| seen.url == format!("{site}{path}"));
        found.unwrap_or_else(|| panic!("no {path} in {responses:?}"))
    };
    assert_eq!((find("/redirect").status, &find("/redirect").body), (302, &None));
    assert_eq!(find("/two").status, 200);
    assert!(find("/two").body.as_ref().unwrap().contains("Second page"));
    assert_eq!(find("/set").body.as_deref(), Some("cookies are set"));
    assert!(find("/set").headers.contains(&("x-test".to_owned(), "yes".to_owned())), "{:?}", find("/set"));
    assert!(!find("/set").headers.iter().any(|(name, _)| name == "set-cookie"));
    assert!(find("/echo").body.as_ref().unwrap().contains("open=o1"));
    assert!(find("/form").body.as_ref().unwrap().contains("<form"));
}

async fn the_census_finds_a_secret_in_every_storage(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/store")).await.unwrap();
    let clean = page.census().await.unwrap();
    assert!(!clean.to_string().contains("PLANTED"), "{clean}");
    assert_eq!(clean["window"], serde_json::json!({}));

    page.eval(PLANT).await.unwrap();
    let census = page.census().await.unwrap();
    assert_eq!(census["truncated"], false);
    for (source, secret) in [
        ("localStorage", "PLANTED-local"),
        ("sessionStorage", "PLANTED-session"),
        ("indexedDB", "PLANTED-database-name"),
        ("indexedDB", "PLANTED-database-key"),
        ("indexedDB", "PLANTED-database-value"),
        ("caches", "PLANTED-cache-name"),
        ("caches", "PLANTED-cache-body"),
        ("files", "PLANTED-file"),
        ("cookie", "PLANTED-cookie"),
        ("cookieStore", "PLANTED-cookie"),
        ("window", "PLANTED-global"),
        ("window", "PLANTED-deep"),
        ("window", "PLANTED-map"),
        ("window", "PLANTED-bytes"),
        ("window", "PLANTED-status"),
        ("window", "PLANTED-function"),
        ("name", "PLANTED-window-name"),
        ("history", "PLANTED-state"),
        ("performance", "PLANTED-mark"),
        ("location", "PLANTED-state-url"),
        ("html", "PLANTED-attribute"),
        ("fields", "PLANTED-field"),
    ] {
        assert!(census[source].to_string().contains(secret), "{source} lacks {secret}: {}", census[source]);
    }
}

async fn a_screenshot_is_a_png_of_the_asked_size(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/two")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (light, dark) = (folder.path().join("light.png"), folder.path().join("dark.png"));
    let before = page.eval("[innerWidth, innerHeight]").await.unwrap();
    page.screenshot(&light, 390, 844, false).await.unwrap();
    let picture = std::fs::read(&light).unwrap();
    // The signature and the IHDR chunk's width and height (PNG, 5.2 and 11.2.1).
    assert_eq!(picture[..8], *b"\x89PNG\r\n\x1a\n");
    assert_eq!(picture[16..24], [0, 0, 1, 134, 0, 0, 3, 76]);
    page.wait_for(&format!("JSON.stringify([innerWidth, innerHeight]) === '{before}'")).await.unwrap();

    page.screenshot(&dark, 390, 844, true).await.unwrap();
    assert_ne!(picture, std::fs::read(&dark).unwrap());
    page.screenshot(&dark, 390, 844, false).await.unwrap();
    assert_eq!(picture, std::fs::read(&dark).unwrap());
}

async fn a_page_is_shown_small_and_dark_over_navigations(engine: Engine) {
    const SEEN: &str = "[innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches]";
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let (page, other) = (context.page().await.unwrap(), context.page().await.unwrap());
    page.goto(&format!("{site}/form")).await.unwrap();
    page.set_viewport(360, 740).await.unwrap();
    page.emulate_dark().await.unwrap();
    let small = format!("JSON.stringify({SEEN}) === '[360,740,true]'");
    page.wait_for(&small).await.unwrap();
    page.goto(&format!("{site}/two")).await.unwrap();
    page.wait_for(&small).await.unwrap();
    // A picture of another size does not undo it.
    page.screenshot(&tempfile::tempdir().unwrap().path().join("page.png"), 800, 600, false).await.unwrap();
    page.wait_for(&small).await.unwrap();
    other.goto(&format!("{site}/two")).await.unwrap();
    let seen = other.eval(SEEN).await.unwrap();
    assert!(seen[0] != 360 && seen[2] == false, "{seen}");
}

async fn a_passkey_is_made_and_used(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/passkey")).await.unwrap();
    let authenticator = page.add_authenticator().await.unwrap();
    assert!(page.credentials(&authenticator).await.unwrap().is_empty());

    page.click("#create").await.unwrap();
    let made = page.wait_for("document.querySelector('#out').innerText").await.unwrap();
    let held = page.credentials(&authenticator).await.unwrap();
    assert_eq!(held.len(), 1, "{made}");
    assert_eq!(made, format!("made {}", held[0].id));
    // The user handle of the page is four bytes: 1, 2, 3, 4.
    assert_eq!((held[0].rp_id.as_str(), held[0].user_handle.as_deref()), ("localhost", Some("AQIDBA")));
    assert!(held[0].is_discoverable);

    // Over a navigation, and without saying which.
    page.reload().await.unwrap();
    page.click("#get").await.unwrap();
    let used = page.wait_for("document.querySelector('#out').innerText").await.unwrap();
    assert_eq!(used, format!("used {} verified", held[0].id));
    page.remove_authenticator(authenticator.clone()).await.unwrap();
    assert!(page.credentials(&authenticator).await.is_err());
}

async fn a_passkey_moves_to_another_authenticator(engine: Engine) {
    let site = serve().await;
    let (first, second) = (Browser::launch(engine).await.unwrap(), Browser::launch(engine).await.unwrap());
    let page = first.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/passkey")).await.unwrap();
    let authenticator = page.add_authenticator().await.unwrap();
    page.click("#create").await.unwrap();
    page.wait_for("document.querySelector('#out').innerText").await.unwrap();
    let credential = page.credentials(&authenticator).await.unwrap().remove(0);

    let page = second.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/passkey")).await.unwrap();
    let authenticator = page.add_authenticator().await.unwrap();
    page.add_credential(&authenticator, &credential).await.unwrap();
    assert_eq!(page.credentials(&authenticator).await.unwrap()[0].id, credential.id);
    page.click("#get").await.unwrap();
    let used = page.wait_for("document.querySelector('#out').innerText").await.unwrap();
    assert_eq!(used, format!("used {} verified", credential.id));
}

async fn somebody_else_at_the_authenticator_is_not_verified(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/passkey")).await.unwrap();
    let authenticator = page.add_authenticator().await.unwrap();
    page.set_user_verified(&authenticator, false).await.unwrap();
    page.click("#create").await.unwrap();
    assert_eq!(page.wait_for("document.querySelector('#out').innerText").await.unwrap(), "NotAllowedError");
    assert!(page.credentials(&authenticator).await.unwrap().is_empty());
    page.set_user_verified(&authenticator, true).await.unwrap();
    page.click("#create").await.unwrap();
    page.wait_for("document.querySelector('#out').innerText.startsWith('made')").await.unwrap();
}

async fn axe_finds_what_is_wrong_on_a_page_that_allows_no_script(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.goto(&format!("{site}/strict")).await.unwrap();
    assert_eq!(page.axe().await.unwrap(), []);
    page.goto(&format!("{site}/strict?broken")).await.unwrap();
    let found = page.axe().await.unwrap();
    let rules: Vec<_> = found.iter().map(|violation| violation.rule.as_str()).collect();
    assert_eq!(rules, ["color-contrast", "image-alt", "label"], "{found:?}");
    let image = found.iter().find(|violation| violation.rule == "image-alt").unwrap();
    assert_eq!((image.impact.as_str(), image.places.len()), ("critical", 1));
    assert!(image.places[0].selector.contains("img") && image.places[0].html.starts_with("<img"), "{image:?}");
    assert!(image.places[0].advice.contains("alt"), "{image:?}");
    // It leaves nothing in the page.
    assert_eq!(page.eval("typeof axe").await.unwrap(), "undefined");
}

async fn contexts_work_side_by_side(engine: Engine) {
    let site = serve().await;
    let browser = Browser::launch(engine).await.unwrap();
    let visit = async |name: &str| {
        let context = browser.context().await.unwrap();
        let page = context.page().await.unwrap();
        page.goto(&format!("{site}/form")).await.unwrap();
        page.eval(&format!("document.cookie = 'who={name}'")).await.unwrap();
        page.fill("#name", name).await.unwrap();
        page.press("Enter").await.unwrap();
        page.wait_url("/two").await.unwrap();
        page.goto(&format!("{site}/echo")).await.unwrap();
        page.text("body").await.unwrap()
    };
    let (ada, bob, eve) = tokio::join!(visit("ada"), visit("bob"), visit("eve"));
    assert_eq!([ada, bob, eve], ["cookies: who=ada", "cookies: who=bob", "cookies: who=eve"]);
}

async fn a_killed_browser_fails_pending_commands_at_once(engine: Engine) {
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    let pending = page.eval("(window.asked = true, new Promise(() => {}))");
    let kill = async {
        page.wait_for("window.asked").await.unwrap();
        let group = rustix::process::Pid::from_raw(browser.process_id()).unwrap();
        rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
    };
    let began = Instant::now();
    let (outcome, ()) = tokio::join!(pending, kill);
    assert!(outcome.unwrap_err().to_string().contains("the browser is gone"));
    // Far below any deadline that could have ended it instead.
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(page.eval("1").await.unwrap_err().to_string().contains("the browser is gone"));
}

async fn a_dropped_browser_leaves_no_process_behind(engine: Engine) {
    let browser = Browser::launch(engine).await.unwrap();
    let page = browser.context().await.unwrap().page().await.unwrap();
    page.eval("1").await.unwrap();
    let group = browser.process_id();
    assert!(!members(group).is_empty());
    drop(browser);
    // What is killed may take a moment to be gone; nothing else can make this loop end.
    tokio::time::timeout(Duration::from_secs(20), async {
        while !members(group).is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert!(page.eval("1").await.is_err());
}

async fn a_closed_browser_quits_by_itself(engine: Engine) {
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    browser.close().await.unwrap();
    assert!(context.page().await.is_err());
}

#[test]
fn every_engine_has_a_name_and_is_installed() {
    assert_eq!(Engine::ALL.map(Engine::name), ["chromium", "firefox"]);
    assert!(Engine::ALL.iter().all(|engine| engine.installed()));
}

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

#[tokio::test]
async fn webkit_types_clicks_sends_and_reads() {
    let site = serve().await;
    let browser = Browser::launch_webkit().await.unwrap();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webkit_stays_logged_in_to_an_encrypted_house() {
    let house = House::encrypted("").await;
    let (origin, browser) = (house.origin(), Browser::launch_webkit().await.unwrap());
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    for (path, arrival) in [("/auth/signup", "/auth/login"), ("/auth/login?return_to=/app/x", "/app/x")] {
        page.goto(&format!("{origin}{path}")).await.unwrap();
        page.fill("#email", "zoe@example.org").await.unwrap();
        page.fill("#password", PASSWORD).await.unwrap();
        page.click("main form button[type=submit]").await.unwrap();
        page.wait_for(&format!("location.pathname === '{arrival}'")).await.unwrap();
    }
    assert_eq!(page.text("body").await.unwrap(), "echo");
    assert!(context.cookies().await.unwrap().iter().any(|cookie| cookie.secure && cookie.http_only));
    page.goto(&format!("{origin}/auth/account")).await.unwrap();
    assert!(page.text("main").await.unwrap().contains("zoe@example.org"));
    browser.close().await.unwrap();
    house.close().await;
}

/// The living processes of a process group, from /proc (`proc_pid_stat(5)`: state and pgrp follow the name).
fn members(group: i32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats = processes.filter_map(|process| std::fs::read_to_string(process.path().join("stat")).ok());
    stats
        .filter(|stat| {
            let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
            fields[2] == group.to_string() && fields[0] != "Z"
        })
        .collect()
}

const FORM: &str = r#"<!doctype html><title>Form</title><h1>Form</h1>
<form action="/two"><input id="name" name="name"><button>Go</button></form>
<div style="height: 4000px"></div><button id="far" disabled>Far</button>
<script>
  let inputsTrusted = true;
  document.querySelector('#name').addEventListener('input', event => { inputsTrusted &&= event.isTrusted });
  const far = document.querySelector('#far');
  far.onclick = event => { alert('hello'); window.clicked = event.isTrusted ? 'trusted' : 'made up' };
  setTimeout(() => { far.disabled = false }, 100);
</script>"#;

const TWO: &str = r#"<!doctype html><title>Two</title><h1>Two</h1><p>Second page <a href="/form">to the form</a></p>
<style>@media (prefers-color-scheme: dark) { body { background: #000; color: #fff } }</style>"#;

const PASSKEY: &str = r#"<!doctype html><title>Passkey</title><button id="create">Create</button> <button id="get">Get</button>
<p id="out"></p>
<script>
  const out = document.querySelector('#out');
  const on = (id, run) => { document.querySelector(id).onclick = () => { out.innerText = ''; run().then(text => { out.innerText = text }, error => { out.innerText = error.name }) } };
  const challenge = crypto.getRandomValues(new Uint8Array(32));
  on('#create', async () => {
    const made = await navigator.credentials.create({ publicKey: {
      challenge, rp: { name: 'Test' }, user: { id: new Uint8Array([1, 2, 3, 4]), name: 'zoe', displayName: 'Zoe' },
      pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' }, timeout: 20000,
    } });
    return `made ${made.id}`;
  });
  on('#get', async () => {
    const used = await navigator.credentials.get({ publicKey: { challenge, userVerification: 'required', timeout: 20000 } });
    // Flags come after the hash of the domain (WebAuthn 3, 6.1): bit 2 is UV.
    return `used ${used.id}${new Uint8Array(used.response.authenticatorData)[32] & 4 ? ' verified' : ''}`;
  });
</script>"#;

/// `@` is where a mistake can be.
const STRICT: &str = r#"<!doctype html><html lang="en"><title>Strict</title><main><h1>Strict</h1>@</main></html>"#;

const MISTAKES: &str =
    r#"<img src="/x.png"><input name="a"><p style="color: #ccc; background: #fff">Pale text that nobody can read</p>"#;

const STORE: &str = r#"<!doctype html><title>Store</title><div id="box"></div><input name="field">"#;

/// Evaluated, not part of the page: its own source must not be what the census finds.
const PLANT: &str = r"(async () => {
  localStorage.setItem('key', 'PLANTED-local');
  sessionStorage.setItem('key', 'PLANTED-session');
  const opening = indexedDB.open('PLANTED-database-name', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('things').put({ deep: ['PLANTED-database-value'] }, 'PLANTED-database-key');
  await new Promise(done => { opening.onsuccess = done });
  const cache = await caches.open('PLANTED-cache-name');
  await cache.put('/thing', new Response('PLANTED-cache-body'));
  const folder = await navigator.storage.getDirectory();
  const writer = await (await folder.getFileHandle('file', { create: true })).createWritable();
  await writer.write('PLANTED-file');
  await writer.close();
  document.cookie = 'visible=PLANTED-cookie';
  window.token = 'PLANTED-global';
  window.app = { state: { user: { token: 'PLANTED-deep' } }, map: new Map([['k', 'PLANTED-map']]), bytes: new TextEncoder().encode('PLANTED-bytes') };
  window.app.self = window.app;
  window.run = () => {};
  window.run.secret = 'PLANTED-function';
  window.status = 'PLANTED-status';
  window.name = 'PLANTED-window-name';
  history.replaceState({ token: 'PLANTED-state' }, '', '#PLANTED-state-url');
  performance.mark('PLANTED-mark');
  document.querySelector('#box').dataset.secret = 'PLANTED-attribute';
  document.querySelector('input').value = 'PLANTED-field';
})()";

/// A server on a free port of loopback for as long as the test's runtime lives; gives its origin.
async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    origin
}

/// One request, one answer, closed: browsers also open connections that they then do not use.
async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let target = request.split(' ').nth(1).unwrap_or_default();
    let cookies = request
        .lines()
        .find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("cookie")))
        .map_or("", |(_, value)| value);
    let html = |body: &str| ("200 OK", "Content-Type: text/html; charset=utf-8\r\n".to_owned(), body.to_owned());
    let (status, headers, body) = match target.split('?').next().unwrap_or_default() {
        "/form" => html(FORM),
        "/two" => html(TWO),
        "/store" => html(STORE),
        "/passkey" => html(PASSKEY),
        "/strict" => (
            "200 OK",
            "Content-Type: text/html; charset=utf-8\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; require-trusted-types-for 'script'\r\n"
                .to_owned(),
            STRICT.replace('@', if target.contains("broken") { MISTAKES } else { "" }),
        ),
        "/bounce" => html("<!doctype html><script>location.replace('/two?bounced')</script>"),
        "/redirect" => ("302 Found", "Location: /two\r\n".to_owned(), String::new()),
        "/echo" => ("200 OK", "Content-Type: text/plain\r\n".to_owned(), format!("cookies: {cookies}")),
        "/set" => (
            "200 OK",
            "Content-Type: text/plain\r\nX-Test: yes\r\n\
             Set-Cookie: open=o1; Path=/; Max-Age=3600; SameSite=Lax\r\n\
             Set-Cookie: hidden=h2; Path=/echo; HttpOnly\r\n\
             Set-Cookie: __Host-Http-sess=s3; Path=/; Secure; HttpOnly; SameSite=Strict\r\n"
                .to_owned(),
            "cookies are set".to_owned(),
        ),
        "/stream" => {
            // Never ends by itself.
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n").await?;
            return stream.read_to_end(&mut Vec::new()).await.map(|_| ());
        }
        _ => ("404 Not Found", String::new(), String::new()),
    };
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}Connection: close\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await
}
