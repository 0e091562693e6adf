//! What every engine that stories run in can do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cloakroom_browser::{Browser, Cookie, Engine, SameSite};
use serde_json::Value;

use crate::processes::members;
use crate::site::{PLANT, serve};

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
