//! An application whose transfers have to be approved one by one, behind the shipped server with mail into a folder. Its page
//! is made of markup and of the client alone; whatever else happens in it is a test's.

use crate::elsewhere::Elsewhere;
use cloakroom_app::Clock as _;
use cloakroom_testbed::browser::{Context, Page};
use cloakroom_testbed::{AuthenticatorApp, Echo, House, Mail, PASSWORD};

/// The page says what became of a transfer, also of one that it was left for.
const PAGE: &str = r#"
<html lang=en><h1>Bank</h1><button id=pay>Pay</button> <button id=pay-here>Pay without a window</button>
<p>The bank says: <span id=said>nothing yet</span></p>
<script type=module>
  import { cloakroom } from "/auth/client.js";
  const show = async answer => { said.textContent = answer ? `${answer.status} ${(await answer.text()).slice(0, 300)}` : "nothing to go on with" };
  const pay = stepUp => () => cloakroom.fetch("/api/transfer?from=giro", {
    method: "POST", stepUp, headers: { "content-type": "application/json" }, body: JSON.stringify({ to: "bob", amount: 250 }),
  }).then(show, show);
  document.getElementById("pay").onclick = pay();
  document.getElementById("pay-here").onclick = pay("redirect");
  const resumed = await cloakroom.resumed;
  if (resumed) await show(resumed);
  window.ready = true;
</script>"#;

/// The application.
pub(crate) struct Bank {
    pub(crate) house: House,
    /// What reached its API.
    pub(crate) api: Echo,
    /// Where its pages come from.
    pub(crate) pages: Elsewhere,
}

/// How it is set up.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "four independent choices, each made by its name")]
pub(crate) struct Plan {
    /// Approvals have an origin of their own.
    pub(crate) apart: bool,
    /// The browser lets the application's pages open no window.
    pub(crate) blocks_windows: bool,
    /// The house speaks TLS.
    pub(crate) encrypted: bool,
    /// Whether somebody has to confirm their address before they log in.
    pub(crate) confirms: bool,
}

impl Bank {
    pub(crate) async fn start(plan: Plan) -> Self {
        let (pages, api) = (Elsewhere::start().await, Echo::start().await);
        pages.show("/", PAGE);
        let mut more = format!(
            r#"
            [mail]
            confirm_addresses = {confirms}
            [[upstream]]
            path = "/"
            to = "{pages}"
            access = "public"
            [[upstream]]
            path = "/api"
            to = "http://{api}"
            access = "signed-in"
            audience = "api"
            step_up = [{{ method = "POST", path = "/api/transfer", show = ["to", "amount"] }}]
            "#,
            confirms = plan.confirms,
            pages = pages.other_site(""),
            api = api.address,
        );
        if plan.blocks_windows {
            let policy = "sandbox allow-scripts allow-same-origin allow-forms allow-modals";
            more = format!("{more}[headers]\ncontent_security_policy = \"{policy}\"\n");
        }
        if plan.apart {
            more += "[server]\napproval_url = \"http://approve.localhost:{port}\"\n";
        }
        let house =
            if plan.encrypted { House::encrypted_with_mail(&more).await } else { House::with_mail(&more).await };
        Self { house, api, pages }
    }

    /// Its address.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.house.origin())
    }

    /// Where approvals happen, when they have an origin of their own.
    pub(crate) fn approvals(&self) -> String {
        format!("http://approve.localhost:{}", self.house.port())
    }

    /// What an authenticator app with this key shows now.
    pub(crate) fn code_of(&self, key: &str) -> String {
        AuthenticatorApp::typed(key).code(self.house.clock.now(), 0)
    }

    /// The newest mail to this address whose subject says `about`.
    pub(crate) async fn mail(&self, to: &str, about: &str) -> Mail {
        let mails = self.house.mails_to(to).await;
        let subjects: Vec<_> = mails.iter().map(|mail| mail.subject.clone()).collect();
        let found = mails.into_iter().rfind(|mail| mail.subject.contains(about));
        found.unwrap_or_else(|| panic!("no mail to {to} about {about:?}, but {subjects:?}"))
    }

    /// Stops it, and looks whether anything that was given out can be read afterwards.
    pub(crate) async fn close(self) {
        self.house.close().await;
    }

    /// What reached the API at `/api/transfer`: each is a transfer that was made.
    pub(crate) fn transfers(&self) -> Vec<(String, String)> {
        let seen = self.api.take().into_iter().filter(|seen| seen.target.starts_with("/api/transfer"));
        seen.map(|seen| {
            assert_eq!(seen.header("cloakroom-grant"), None, "a grant is for the gateway alone");
            (seen.target, String::from_utf8(seen.body).unwrap())
        })
        .collect()
    }
}

/// The one transfer that the page makes.
pub(crate) fn the_transfer() -> Vec<(String, String)> {
    vec![("/api/transfer?from=giro".to_owned(), r#"{"to":"bob","amount":250}"#.to_owned())]
}

/// Waits until the page says what became of its transfer.
pub(crate) async fn says(page: &Page, text: &str) {
    page.wait_for(&format!("document.getElementById('said')?.textContent.startsWith({text:?})")).await.unwrap();
}

/// The button of a change on the account page.
pub(crate) async fn begin(page: &Page, act: &str) {
    page.click(&format!("form:has(input[value={act}]) button")).await.unwrap();
    page.wait_url("/auth/step-up/").await.unwrap();
}

/// Asks for another address on the account page, as far as the page that approves it.
pub(crate) async fn begin_change_of_address(page: &Page, next: &str) {
    page.click("details:has(#email) summary").await.unwrap();
    page.fill("#email", next).await.unwrap();
    begin(page, "change-email").await;
}

/// Approves what is shown with the password, in this very window.
pub(crate) async fn approve_by_password(page: &Page) {
    page.fill("#password", PASSWORD).await.unwrap();
    page.click("form:has(#password) button").await.unwrap();
}

/// Waits until a page of ours has this heading and is there in full.
pub(crate) async fn heading(page: &Page, text: &str) {
    let there = format!("document.readyState === 'complete' && document.querySelector('h1')?.textContent === {text:?}");
    page.wait_for(&there).await.unwrap();
}

/// Opens the approval of a transfer as a script of the application's page does. The address of its page.
pub(crate) async fn open_approval(page: &Page, to: &str, amount: u32) -> String {
    let script = format!(
        r#"(async () => {{
          const body = new TextEncoder().encode(JSON.stringify({{ to: {to:?}, amount: {amount} }}));
          const base64url = data => btoa(String.fromCharCode(...new Uint8Array(data))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
          const answer = await fetch("/auth/step-up", {{
            method: "POST", headers: {{ "content-type": "application/json" }},
            body: JSON.stringify({{
              method: "POST", path: "/api/transfer?from=giro", show: ["to", "amount"], body: base64url(body),
              body_sha256: base64url(await crypto.subtle.digest("SHA-256", body)),
            }}),
          }});
          return (await answer.json()).page;
        }})()"#
    );
    page.eval(&script).await.unwrap().as_str().unwrap().to_owned()
}

/// Signs up, confirms the address if that is asked for, and logs in; stands on the bank's page.
pub(crate) async fn enter(bank: &Bank, context: &Context, email: &str) -> Page {
    let page = context.page().await.unwrap();
    page.goto(&bank.at("/auth/signup")).await.unwrap();
    crate::person::sign_up(&page, email).await;
    crate::person::log_in(&page, email, &bank.at("/")).await;
    page.wait_for("window.ready").await.unwrap();
    page
}
