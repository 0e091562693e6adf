//! A single-page application behind the shipped server, small enough to be read here: the page says who is signed in and
//! what a `split` token claims, and keeps nothing. Its API at `/api` wants a session.

use crate::elsewhere::Elsewhere;
use crate::person::{log_in, sign_up};
use cloakroom_testbed::browser::Page;
use cloakroom_testbed::{Echo, House};
use serde_json::Value;

/// The client is loaded from beside the page: from `/u/1/auth/client.js` by the page at `/u/1/`.
const PAGE: &str = r#"
<p id=who>one moment</p><p>Account: <span id=account></span>, generation <span id=generation></span></p>
<script type=module>
  import { cloakroom } from "./auth/client.js";
  const show = (id, text) => { document.getElementById(id).textContent = text };
  const claims = () => {
    const half = /(?:^|; )__Host-cloakroom-claims=([^;]+)/.exec(document.cookie)?.[1];
    return half && JSON.parse(atob(half.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  };
  const claim = () => { show("account", claims()?.sub ?? ""); show("generation", claims()?.gen ?? "") };
  const leave = () => { show("who", "signed out"); claim() };
  const ask = async () => {
    const me = await cloakroom.me();
    if (!me) return leave();
    show("who", me.account.email);
    claim();
  };
  addEventListener("pageshow", ({ persisted }) => {
    window.restored = persisted;
    window.uncovered = document.getElementById("who").textContent; // what stands there before anybody was asked
  });
  cloakroom.on("signed-out", leave);
  cloakroom.on("signed-in", ask);
  cloakroom.on("refreshed", claim);
  await ask();
</script>"#;

/// Past the life of an access token, in seconds.
const EXPIRED: u64 = 301;

/// The application.
pub(crate) struct Spa {
    pub(crate) house: House,
    /// What reached the API.
    pub(crate) api: Echo,
    /// Where its pages come from.
    pub(crate) pages: Elsewhere,
}

impl Spa {
    /// Starts it with these lines in the section `[session]` of the configuration.
    pub(crate) async fn start(session: &str) -> Self {
        let (pages, api) = (Elsewhere::start().await, Echo::start().await);
        pages.show("/", PAGE);
        let more = format!(
            r#"
            [session]
            {session}
            [[upstream]]
            path = "/"
            to = "{pages}"
            access = "public"
            [[upstream]]
            path = "/private"
            to = "{pages}"
            access = "signed-in"
            audience = "pages"
            [[upstream]]
            path = "/api"
            to = "http://{api}"
            access = "signed-in"
            audience = "api"
            "#,
            pages = pages.other_site(""),
            api = api.address,
        );
        Self { house: House::with(&more).await, api, pages }
    }

    /// Its address.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.house.origin())
    }

    /// Moves the clock past the end of every access token there is.
    pub(crate) fn expire(&self) {
        self.house.advance(EXPIRED);
    }

    /// Signs up, logs in by the form and arrives at the page of the slot: `prefix` is `/u/1`, or nothing for slot 0.
    pub(crate) async fn enter(&self, page: &Page, prefix: &str, email: &str) {
        page.goto(&self.at(&format!("{prefix}/auth/signup"))).await.unwrap();
        sign_up(page, email).await;
        log_in(page, email, &self.at(&format!("{prefix}/"))).await;
        shows(page, email).await;
    }

    /// The statuses of twenty calls that the page makes at once, at a path of its slot.
    pub(crate) async fn twenty_calls(&self, page: &Page) -> Vec<u64> {
        let calls =
            "Promise.all(Array.from({ length: 20 }, () => cloakroom.fetch('api/x').then(answer => answer.status)))";
        let statuses = page.eval(calls).await.unwrap();
        statuses.as_array().unwrap().iter().filter_map(Value::as_u64).collect()
    }

    /// Stops it, and looks whether anything that was given out can be read afterwards.
    pub(crate) async fn close(self) {
        self.house.close().await;
    }
}

/// Waits until the page says this about who is signed in: an address, or `signed out`.
pub(crate) async fn shows(page: &Page, who: &str) {
    page.wait_for(&format!("document.getElementById('who')?.textContent === {who:?}")).await.unwrap();
}

/// What stands in an element of the page.
pub(crate) async fn text_of(page: &Page, id: &str) -> String {
    page.text(&format!("#{id}")).await.unwrap()
}

/// The status that a script of the page sees, by the client or, without it, by the browser's own `fetch`.
pub(crate) async fn status(page: &Page, fetch: &str, path: &str) -> u64 {
    page.eval(&format!("{fetch}({path:?}).then(answer => answer.status)")).await.unwrap().as_u64().unwrap()
}
