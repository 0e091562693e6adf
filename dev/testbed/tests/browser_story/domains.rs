//! A domain whose hosts share a session, in a browser: what a listed page reads, what its siblings do not, and how cookies of
//! another setting come to an end.

use crate::person::log_in;
use cloakroom_testbed::House;
use cloakroom_testbed::browser::{Browser, Context, Engine, Page};
use serde_json::Value;

const EMAIL: &str = "visitor@example.com";
/// The page is served by the house as well: `page.cloak.localhost` is a public host of it.
const ON: &str = "cookie.domain = \"cloak.localhost\"\nserver.public_url = \"http://api.cloak.localhost:{port}\"\n\
                  cors.origins = [\"http://page.cloak.localhost:{port}\"]";
const OFF: &str = "server.public_url = \"http://api.cloak.localhost:{port}\"";

fn at(house: &House, host: &str, path: &str) -> String {
    format!("http://{host}.cloak.localhost:{}{path}", house.port())
}

/// What a fetch with credentials gives a page: the status, or the name of the error.
async fn fetched(page: &Page, method: &str, url: &str) -> Value {
    let options = format!("{{ method: '{method}', credentials: 'include' }}");
    page.eval(&format!("fetch('{url}', {options}).then(answer => answer.status, error => error.name)")).await.unwrap()
}

/// The same for a document without an origin.
async fn fetched_by_nobody(page: &Page, url: &str) -> Value {
    page.eval(&format!(
        "new Promise(done => {{
            addEventListener('message', told => done(told.data), {{ once: true }});
            const frame = document.createElement('iframe');
            frame.sandbox = 'allow-scripts';
            frame.srcdoc = `<script>fetch('{url}', {{ credentials: 'include' }}).then(answer => answer.status, error => error.name)
                .then(said => parent.postMessage(said, '*'))</` + `script>`;
            document.body.append(frame);
        }})"
    ))
    .await
    .unwrap()
}

async fn ours(context: &Context) -> Vec<(String, String)> {
    let cookies = context.cookies().await.unwrap();
    let session = |name: &str| name.ends_with("cloakroom") || name.ends_with("cloakroom-refresh");
    // Firefox lists a cookie that was cleared without having been there for a moment, with no value; it does not send it.
    let found = cookies.into_iter().filter(|cookie| session(&cookie.name) && !cookie.value.is_empty());
    found.map(|cookie| (cookie.name, cookie.domain)).collect()
}

async fn enter(house: &House, page: &Page) {
    house.guest().at_origin(&at(house, "api", "")).sign_up(EMAIL).await;
    page.goto(&at(house, "api", "/app/x")).await.unwrap();
    log_in(page, EMAIL, &at(house, "api", "/app/x")).await;
}

pub(crate) async fn readers(engine: Engine) {
    let house = House::with(ON).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    enter(&house, &page).await;

    let (app, me) = (at(&house, "api", "/app/reflect"), at(&house, "api", "/auth/me"));
    page.goto(&at(&house, "page", "/a/page")).await.unwrap();
    for url in [&app, &me] {
        assert_eq!(fetched(&page, "GET", url).await, 200, "{url}");
        assert_eq!(fetched_by_nobody(&page, url).await, "TypeError", "{url}: Origin: null");
    }
    assert_eq!(fetched(&page, "PUT", &app).await, 200, "with a preflight");
    house.advance(6 * 60);
    assert_eq!(fetched(&page, "GET", &app).await, 401);
    assert_eq!(fetched(&page, "POST", &at(&house, "api", "/auth/refresh")).await, 200);
    assert_eq!(fetched(&page, "GET", &app).await, 200);

    page.goto(&at(&house, "evil", "/a/page")).await.unwrap();
    for url in [&app, &me] {
        for method in ["GET", "PUT"] {
            assert_eq!(fetched(&page, method, url).await, "TypeError", "{method} {url}");
        }
    }
    page.goto(&at(&house, "page", "/a/page")).await.unwrap();
    assert_eq!(fetched(&page, "POST", &at(&house, "api", "/auth/logout")).await, 204);
    assert_eq!(fetched(&page, "GET", &me).await, 401);
    house.close().await;
    browser.close().await.unwrap();
}

pub(crate) async fn healed(engine: Engine) {
    let mut house = House::with(OFF).await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    enter(&house, &page).await;
    let narrow = ON.replacen("\"cloak.localhost\"", "\"api.cloak.localhost\"", 1);
    for setting in [ON, narrow.as_str(), ON, OFF, narrow.as_str(), OFF] {
        house.restart_with(setting).await;
        for minutes in [0, 6, 6] {
            house.advance(minutes * 60);
            page.goto(&at(&house, "api", "/app/x")).await.unwrap();
            if page.url().await.unwrap().contains("/auth/login") {
                log_in(&page, EMAIL, &at(&house, "api", "/app/x")).await;
            }
            assert_eq!(page.url().await.unwrap(), at(&house, "api", "/app/x"), "{setting}: {:?}", ours(&context).await);
        }
        assert_eq!(ours(&context).await.len(), 2, "{setting}: {:?}", ours(&context).await);
    }
    house.close().await;
    browser.close().await.unwrap();
}
