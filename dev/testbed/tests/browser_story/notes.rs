//! The Notes sample, behind the gateway, in two tabs.

use crate::elsewhere::Elsewhere;
use crate::person::{log_in, sign_up};
use crate::secrets::{ACCESS, REFRESH, Secrets, generation, value};
use crate::stage::Stage;
use cloakroom_testbed::browser::{Browser, Context, Engine, Page};

const EMAIL: &str = "ada.lovelace@example.com";
const SIGNED_IN: &str = "document.querySelector('#signed-in')?.hidden === false";
const SIGNED_OUT: &str = "document.querySelector('#signed-out')?.hidden === false";
const CONNECTED: &str = "['events', 'socket'].every(id => document.getElementById(id)?.dataset.state === 'connected')";
const ADD: &str = "#add button[type=submit]";

/// Streams of the test's own beside the ones of the page: the page shows a change whichever of the two brought it.
const LISTEN: &str = "(async () => {
  window.heard = { events: '', socket: '' };
  const source = new EventSource('/api/events');
  source.addEventListener('note-added', ({ data }) => { heard.events += data });
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/api/live');
  socket.onmessage = ({ data }) => { heard.socket += data };
  await Promise.all([source, socket].map(stream => new Promise((open, fail) => { stream.onopen = open; stream.onerror = fail })));
  return true;
})()";

/// Everything a page does at once when its user comes back to it.
const TWENTY: &str =
    "Promise.all(Array.from({ length: 20 }, () => cloakroom.fetch('/api/notes').then(answer => answer.status)))";

pub(crate) async fn story(engine: Engine) {
    let mut stage = Stage::start().await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let mut secrets = Secrets::default();
    let (one, two) = enter(&stage, &context).await;
    assert_eq!(secrets.learn(&context).await, 3, "access, refresh, device");

    // A note arrives in the other tab, both ways.
    two.eval(LISTEN).await.unwrap();
    write(&one, "buy oranges").await;
    one.click(ADD).await.unwrap();
    shows(&two, "buy oranges").await;
    two.wait_for("heard.events.includes('buy oranges') && heard.socket.includes('buy oranges')").await.unwrap();
    write(&two, "sent by socket").await;
    two.click("#add-live").await.unwrap();
    shows(&one, "sent by socket").await;
    two.wait_for("heard.events.includes('sent by socket') && heard.socket.includes('sent by socket')").await.unwrap();
    secrets.assert_none_in(&one).await;
    secrets.assert_none_in(&two).await;

    // The access token has ended; both tabs act at the same moment.
    let before = generation(&context).await;
    write(&one, "from the first tab").await;
    write(&two, "from the second tab").await;
    stage.expire();
    let clicks = tokio::join!(one.click(ADD), two.click(ADD));
    clicks.0.unwrap();
    clicks.1.unwrap();
    for page in [&one, &two] {
        shows(page, "from the first tab").await;
        shows(page, "from the second tab").await;
        page.wait_for(CONNECTED).await.unwrap();
    }
    assert_generation(&context, [&one, &two], before + 1).await;
    secrets.learn(&context).await;

    // Forty calls in two tabs.
    stage.expire();
    let (first, second) = tokio::join!(one.eval(TWENTY), two.eval(TWENTY));
    for statuses in [first.unwrap(), second.unwrap()] {
        assert_eq!(statuses, serde_json::json!(vec![200; 20]));
    }
    assert_generation(&context, [&one, &two], before + 2).await;
    secrets.learn(&context).await;

    // A restart with fresh tokens, and one that outlasts them.
    for waits in [false, true] {
        let before = generation(&context).await;
        stage
            .restart(|stage| {
                if waits {
                    stage.expire();
                }
            })
            .await;
        // A reload that cuts a refresh off may cost one more: its cookies land after the other tab has looked for them.
        // What is counted here is settled first.
        let (first, second) = tokio::join!(one.eval(TWENTY), two.eval(TWENTY));
        for statuses in [first.unwrap(), second.unwrap()] {
            assert_eq!(statuses, serde_json::json!(vec![200; 20]));
        }
        one.reload().await.unwrap();
        for page in [&one, &two] {
            page.wait_for(SIGNED_IN).await.unwrap();
            page.wait_for(CONNECTED).await.unwrap();
            shows(page, "from the second tab").await;
        }
        assert_generation(&context, [&one, &two], before + u32::from(waits)).await;
        secrets.learn(&context).await;
    }
    write(&one, "after the restart").await;
    one.click(ADD).await.unwrap();
    shows(&two, "after the restart").await;

    // Pages of ours that know a session, for the search and for the way back.
    one.click("#who").await.unwrap();
    one.wait_url("/auth/account").await.unwrap();
    assert!(one.text("main").await.unwrap().contains(EMAIL));
    secrets.assert_none_in(&one).await;
    one.click("p.aside a").await.unwrap();
    one.wait_for(CONNECTED).await.unwrap();
    shows(&one, "after the restart").await;

    // Log-out in one tab is seen by the other.
    one.click("#logout").await.unwrap();
    for page in [&one, &two] {
        page.wait_for(SIGNED_OUT).await.unwrap();
        assert_impersonal(page).await;
        secrets.assert_none_in(page).await;
    }
    assert_eq!((value(&context, ACCESS).await, value(&context, REFRESH).await), (None, None));
    for _ in 0..4 {
        one.back().await.unwrap();
        assert_impersonal(&one).await;
    }
    secrets.assert_none_in(&one).await;

    the_search_can_fail(&secrets, &context, &one).await;
    stage.stop().await;
    browser.close().await.unwrap();
}

/// Somebody logs out on the account page, which has no script that could tell other tabs.
pub(crate) async fn ended_from_a_page_without_scripts(engine: Engine) {
    let stage = Stage::start().await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let (one, two) = enter(&stage, &context).await;
    write(&two, "still here").await;
    two.click(ADD).await.unwrap();
    shows(&one, "still here").await;

    one.click("#who").await.unwrap();
    one.wait_url("/auth/account").await.unwrap();
    one.click("form[action='/auth/logout'] button").await.unwrap();
    one.wait_url("/auth/login?notice=logged-out").await.unwrap();
    for _ in 0..2 {
        one.back().await.unwrap();
        assert_impersonal(&one).await;
    }
    two.wait_for(SIGNED_OUT).await.unwrap();
    assert_impersonal(&two).await;
    stage.stop().await;
    browser.close().await.unwrap();
}

/// Signs up, logs in, and opens a second tab.
async fn enter(stage: &Stage, context: &Context) -> (Page, Page) {
    let one = context.page().await.unwrap();
    let home = format!("{}/", stage.origin());
    one.goto(&home).await.unwrap();
    one.wait_for(SIGNED_OUT).await.unwrap();
    one.click("#signed-out a.button").await.unwrap();
    sign_up(&one, EMAIL).await;
    stage.confirm(context, EMAIL).await;
    log_in(&one, EMAIL, &home).await;
    let two = context.page().await.unwrap();
    two.goto(&home).await.unwrap();
    for page in [&one, &two] {
        page.wait_for(SIGNED_IN).await.unwrap();
        page.wait_for(CONNECTED).await.unwrap();
    }
    (one, two)
}

async fn write(page: &Page, text: &str) {
    page.fill("#text", text).await.unwrap();
}

async fn shows(page: &Page, note: &str) {
    let listed = format!("[...document.querySelectorAll('#notes li p')].some(item => item.textContent === {note:?})");
    page.wait_for(&listed).await.unwrap();
}

/// However many calls and tabs found their token expired, one of them renewed it.
async fn assert_generation(context: &Context, pages: [&Page; 2], expected: u32) {
    let now = generation(context).await;
    if now != expected {
        let mut calls = Vec::new();
        for page in pages {
            let seen = page.responses().await.unwrap();
            calls.push(seen.iter().map(|seen| format!("{} {}", seen.status, seen.url)).collect::<Vec<_>>());
        }
        panic!("generation {now} instead of {expected}: {calls:#?}");
    }
}

/// Nothing of the person is left, in sight or out of it.
async fn assert_impersonal(page: &Page) {
    let (census, page_url) = (page.census().await.unwrap(), page.url().await.unwrap());
    // A browser may offer what was typed into the log-in page itself once more; Chromium does, on its own account.
    let entrance = ["/auth/login", "/auth/signup"].iter().any(|path| page_url.contains(path));
    for source in ["html", "fields", "history", "localStorage", "sessionStorage", "indexedDB", "caches", "files"] {
        if entrance && source == "fields" {
            continue;
        }
        let content = census.get(source).unwrap().to_string();
        for personal in [EMAIL, "buy oranges", "from the first tab", "after the restart", "still here"] {
            assert!(!content.contains(personal), "{source} at {page_url} has {personal:?}: {content}");
        }
    }
}

/// The same search finds what is planted: a value of the jar, and shapes that were never in it.
async fn the_search_can_fail(secrets: &Secrets, context: &Context, page: &Page) {
    let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.";
    let refresh = format!("{}.{}.7.{}", "A".repeat(22), "A".repeat(22), "A".repeat(43));
    let elsewhere = Elsewhere::start().await;
    for planted in [secrets.any(), jwt.to_owned(), refresh] {
        let text = serde_json::Value::from(planted.as_str());
        for (plant, remove, place) in [
            (format!("localStorage.setItem('kept', {text})"), "localStorage.clear()", "localStorage"),
            (format!("window.app = {{ deep: [{text}] }}"), "delete window.app", "window"),
        ] {
            assert_eq!(secrets.search_page(page).await, None);
            page.eval(&format!("({plant}, 1)")).await.unwrap();
            let (found, _) = secrets.search_page(page).await.unwrap();
            assert!(found.ends_with(place), "{found}");
            page.eval(remove).await.unwrap();
        }
        elsewhere.show("/leak", &planted);
        let tab = context.page().await.unwrap();
        tab.goto(&elsewhere.same_host("/leak")).await.unwrap();
        let (found, _) = secrets.search_answers(&tab).await.unwrap();
        assert!(found.ends_with("/leak"), "{found}");
    }
}
