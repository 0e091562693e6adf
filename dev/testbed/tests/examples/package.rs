//! What `npm install` brings, in real pages without a bundler: loading late, approvals, slots, no Web Locks.

use crate::deadline::until;
use crate::example::{ask, free_ports, root};
use crate::person::{log_in, sign_up};
use cloakroom_testbed::browser::{Browser, Context, Engine, Page};
use cloakroom_testbed::{House, PASSWORD};
use serde_json::json;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::{Child, Command};

const ADA: &str = "ada.lovelace@example.com";
const MAVIS: &str = "mavis.batey@example.com";
/// Past the life of an access token, in seconds.
const EXPIRED: u64 = 301;

const PAGE: &str = r#"<!doctype html><title>Package</title><button id=pay>Pay</button><p id=said></p>
<script type=module>
  if (location.search === "?no-locks") Reflect.defineProperty(navigator, "locks", { value: undefined });
  const { createClient, NotApproved } = await import("./index.js");
  window.client = createClient();
  window.other = createClient({ slot: 1 });
  pay.onclick = () => client.stepUp("/api/transfer", {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ to: "bob" }),
  }).then(
    async (answer) => { said.textContent = answer.status },
    (error) => { said.textContent = `${error instanceof NotApproved} ${error.response?.status}` },
  );
  window.ready = true;
</script>"#;

const TWENTY: &str =
    "Promise.all(Array.from({ length: 20 }, () => client.fetch('/api/x').then(answer => answer.status)))";

/// A house with the page at `/p/`, and an API that approvals are asked for.
struct Site {
    house: House,
    _server: Child,
    _files: TempDir,
}

impl Site {
    async fn start() -> Self {
        let ([port], files) = (free_ports(), tempfile::tempdir().unwrap());
        std::fs::write(files.path().join("index.html"), PAGE).unwrap();
        std::fs::copy(root().join("client/dist/index.js"), files.path().join("index.js")).unwrap();
        let mut server = Command::new(env!("CARGO_BIN_EXE_axum-of-examples"));
        server.env("PORT", port.to_string()).env("PAGE", files.path()).stdout(Stdio::null()).kill_on_drop(true);
        let server = server.spawn().unwrap();
        until("the page is served", async || ask(port, "/", None).await).await;
        let house = House::with(&format!(
            r#"
            [session]
            slots = 2
            [[upstream]]
            path = "/p"
            to = "http://127.0.0.1:{port}"
            access = "public"
            strip_prefix = true
            [[upstream]]
            path = "/api"
            to = "http://{{echo}}"
            access = "signed-in"
            audience = "api"
            step_up = [{{ method = "POST", path = "/api/transfer", show = ["to"] }}]
            "#
        ))
        .await;
        Self { house, _server: server, _files: files }
    }

    async fn enter(&self, page: &Page, prefix: &str, email: &str) {
        let origin = self.house.origin();
        page.goto(&format!("{origin}{prefix}/auth/signup")).await.unwrap();
        sign_up(page, email).await;
        log_in(page, email, &format!("{origin}{prefix}/")).await;
    }

    async fn open(&self, context: &Context, query: &str) -> Page {
        let page = context.page().await.unwrap();
        page.goto(&format!("{}/p/{query}", self.house.origin())).await.unwrap();
        page.wait_for("window.ready").await.unwrap();
        page
    }
}

async fn email(page: &Page, client: &str) -> serde_json::Value {
    page.eval(&format!("{client}.session().then(me => me && me.account.email)")).await.unwrap()
}

pub(crate) async fn story(engine: Engine) {
    let mut site = Site::start().await;
    let browser = Browser::launch(engine).await.unwrap();
    let context = browser.context().await.unwrap();
    let page = context.page().await.unwrap();
    site.enter(&page, "", ADA).await;
    site.enter(&page, "/u/1", MAVIS).await;
    page.close().await.unwrap();

    // The first use finds nobody. A browser remembers that a module did not load; the client does not.
    let page = site.open(&context, "").await;
    site.house.stop().await;
    assert_eq!(page.eval("client.session().then(() => 'told', error => error.name)").await.unwrap(), "TypeError");
    assert_eq!(page.eval("client.refresh()").await.unwrap(), "unavailable");
    site.house.open_again().await;
    assert_eq!(email(&page, "client").await, ADA);
    assert_eq!(page.eval("client.current().status").await.unwrap(), "signed-in");

    // Two accounts, each with a client of its own.
    assert_eq!(email(&page, "other").await, MAVIS);
    page.eval("other.logout()").await.unwrap();
    assert_eq!(email(&page, "other").await, serde_json::Value::Null);
    assert_eq!(email(&page, "client").await, ADA);

    // Forty calls in two tabs after the end of the access token, where there are no Web Locks.
    let (one, two) = (site.open(&context, "?no-locks").await, site.open(&context, "?no-locks").await);
    assert_eq!(one.eval("typeof navigator.locks").await.unwrap(), "undefined");
    site.house.advance(EXPIRED);
    let (first, second) = tokio::join!(one.eval(TWENTY), two.eval(TWENTY));
    assert_eq!((first.unwrap(), second.unwrap()), (json!(vec![200; 20]), json!(vec![200; 20])));

    // Approved, and then not.
    for (approves, said) in [(true, "200"), (false, "true 401")] {
        page.click("#pay").await.unwrap();
        let window = context.opened("/auth/step-up/").await.unwrap();
        window.wait_for("document.querySelector('h1')?.textContent === 'Approve this?'").await.unwrap();
        if approves {
            window.fill("#password", PASSWORD).await.unwrap();
            window.press("Enter").await.unwrap();
        } else {
            window.click(".decline button").await.unwrap();
        }
        page.wait_for(&format!("document.querySelector('#said').textContent === {said:?}")).await.unwrap();
        context.closed("/auth/step-up/").await.unwrap();
    }
    let arrived = site.house.echo.take().into_iter().filter(|seen| seen.target == "/api/transfer").count();
    assert_eq!(arrived, 1, "what was declined does not arrive");
    browser.close().await.unwrap();
    site.house.close().await;
}
