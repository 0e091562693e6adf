//! A log-out is complete: open streams end, other tabs and other browsers show it, and going back shows nothing.

use crate::elsewhere::Elsewhere;
use crate::person::{log_in, sign_up};
use crate::spa::{Spa, shows};
use crate::stage::Stage;
use cloakroom_testbed::browser::{Browser, Context, Engine, Page};

const EMAIL: &str = "dorothy.vaughan@example.com";
const OTHER: &str = "mary.jackson@example.com";
const CONNECTED: &str = "['events', 'socket'].every(id => document.getElementById(id)?.dataset.state === 'connected')";
const SIGNED_OUT: &str = "document.querySelector('#signed-out')?.hidden === false";

/// Streams of the test's own, and how the page sees them end. An event stream has ended for good when it is closed: till
/// then the browser opens it again by itself.
const STREAMS: &str = "(async () => {
  window.seen = { code: null, again: 0 };
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/api/live');
  socket.onclose = ({ code, wasClean }) => { seen.code = code; seen.clean = wasClean };
  window.source = new EventSource('/api/events');
  await Promise.all([socket, source].map(stream => new Promise((open, fail) => { stream.onopen = open; stream.onerror = fail })));
  source.onopen = () => { seen.again += 1 };
  return true;
})()";
const ENDED: &str = "seen.code === 4401 && source.readyState === EventSource.CLOSED";

pub(crate) async fn streams(engine: Engine) {
    let stage = Stage::start().await;
    let browser = Browser::launch(engine).await.unwrap();
    let (mine, abroad, theirs) =
        (browser.context().await.unwrap(), browser.context().await.unwrap(), browser.context().await.unwrap());
    let one = notes(&stage, &mine, EMAIL, true).await;
    let two = mine.page().await.unwrap();
    two.goto(&format!("{}/", stage.origin())).await.unwrap();
    two.wait_for(CONNECTED).await.unwrap();
    let far = notes(&stage, &abroad, EMAIL, false).await;
    let other = notes(&stage, &theirs, OTHER, true).await;
    for page in [&one, &two, &far, &other] {
        page.eval(STREAMS).await.unwrap();
    }

    // This session: its other tab hears of it at once; another browser of the same person stays where it is.
    one.click("#logout").await.unwrap();
    for page in [&one, &two] {
        page.wait_for(SIGNED_OUT).await.unwrap();
        page.wait_for(ENDED).await.unwrap();
        assert_eq!(page.eval("seen").await.unwrap(), serde_json::json!({ "code": 4401, "clean": true, "again": 0 }));
    }
    still_open(&far).await;

    // All of the person's sessions, from the first browser: nobody there tells the tab, its streams do.
    one.goto(&format!("{}/auth/login", stage.origin())).await.unwrap();
    log_in(&one, EMAIL, &format!("{}/", stage.origin())).await;
    one.wait_for(CONNECTED).await.unwrap();
    one.eval("cloakroom.logout('all')").await.unwrap();
    far.wait_for(SIGNED_OUT).await.unwrap();
    far.wait_for(ENDED).await.unwrap();

    // The control: it was the session that ended them, not the weather.
    still_open(&other).await;
    stage.stop().await;
    browser.close().await.unwrap();
}

pub(crate) async fn going_back(engine: Engine) {
    let app = Spa::start("strategy = \"cookie\"").await;
    let naive = Elsewhere::start().await;
    app.pages.show("/away", "<p>another page</p>");
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let (one, two, tab) = (context.page().await.unwrap(), context.page().await.unwrap(), context.page().await.unwrap());
    app.enter(&one, "", EMAIL).await;
    two.goto(&app.at("/")).await.unwrap();
    shows(&two, EMAIL).await;

    // The control: a page that shows a person and asks nobody when it comes back.
    let page = format!(
        "<p id=who>{EMAIL}</p><script>onpageshow = ({{ persisted }}) => {{ window.restored = persisted }}</script>"
    );
    naive.show("/naive/", &page);
    naive.show("/naive/away", "another page");
    tab.goto(&naive.same_host("/naive/")).await.unwrap();
    tab.goto(&naive.same_host("/naive/away")).await.unwrap();

    // It ends somewhere else entirely: nothing reaches this browser, whose page is in the back/forward cache.
    one.goto(&app.at("/away")).await.unwrap();
    let elsewhere = app.house.guest();
    elsewhere.log_in(EMAIL).await;
    assert_eq!(elsewhere.fetch("POST", "/auth/logout/others", None).await.status, 204);
    naive.show("/naive/", "log in, please");
    one.back().await.unwrap();
    tab.back().await.unwrap();
    for page in [&one, &tab] {
        page.wait_for("window.restored === true").await.unwrap();
    }
    shows(&one, "signed out").await;
    assert_eq!(tab.text("#who").await.unwrap(), EMAIL);
    // This tab has asked, and tells the other one.
    shows(&two, "signed out").await;

    // Here: the log-out of one tab throws away what the other one left behind.
    one.goto(&app.at("/auth/login")).await.unwrap();
    log_in(&one, EMAIL, &app.at("/")).await;
    shows(&one, EMAIL).await;
    shows(&two, EMAIL).await;
    one.goto(&app.at("/away")).await.unwrap();
    two.eval("cloakroom.logout()").await.unwrap();
    one.back().await.unwrap();
    for page in [&one, &two] {
        shows(page, "signed out").await;
        assert!(!page.text("body").await.unwrap().contains(EMAIL));
    }
    let uncovered = one.wait_for("window.uncovered").await.unwrap();
    assert_ne!(uncovered, EMAIL, "not even for the moment that a question takes");
    app.close().await;
    browser.close().await.unwrap();
}

/// Opens the notes as this person.
async fn notes(stage: &Stage, context: &Context, email: &str, new: bool) -> Page {
    let page = context.page().await.unwrap();
    page.goto(&format!("{}/auth/{}", stage.origin(), if new { "signup" } else { "login" })).await.unwrap();
    if new {
        sign_up(&page, email).await;
        stage.confirm(context, email).await;
    }
    log_in(&page, email, &format!("{}/", stage.origin())).await;
    page.wait_for(CONNECTED).await.unwrap();
    page
}

/// Neither the page's streams nor those of the test have ended.
async fn still_open(page: &Page) {
    page.wait_for(CONNECTED).await.unwrap();
    let state = page.eval("[seen.code, source.readyState]").await.unwrap();
    assert_eq!(state, serde_json::json!([null, 1]));
}
