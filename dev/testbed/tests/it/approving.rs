//! What stories of step-up have in common: a bank behind the house, a call to it, and the way of an approval as a page and its
//! person go it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_app::Clock as _;
use cloakroom_jose::sha256;
use cloakroom_testbed::{Answer, AuthenticatorApp, Guest, House, PASSWORD};
use serde_json::{Value, json};

/// Approvals on the public origin. `/bank/transfer` shows fields, everything below `/bank/vault` shows none.
pub(crate) const BANK: &str = r#"
    [[upstream]]
    name = "front"
    path = "/"
    to = "http://{echo}"
    access = "public"
    [[upstream]]
    name = "app"
    path = "/app"
    to = "http://{echo}"
    access = "signed-in"
    [[upstream]]
    name = "bank"
    path = "/bank"
    to = "http://{echo}"
    access = "signed-in"
    audience = "bank"
    step_up = [
        { method = "POST", path = "/bank/transfer", show = ["to", "amount", "more.note"] },
        { path = "/bank/vault/**" },
    ]
"#;

/// Approvals on an origin of their own.
pub(crate) fn apart() -> String {
    format!("server.approval_url = \"http://approve.localhost:{{port}}\"\n{BANK}")
}

/// A call that needs an approval.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
}

impl Call {
    pub(crate) fn new(method: &str, path: &str, body: &str) -> Self {
        Self { method: method.into(), path: path.into(), body: body.into() }
    }

    /// One that shows what it does.
    pub(crate) fn transfer() -> Self {
        let body = r#"{"to":"bob","amount":5.10,"more":{"note":"rent"},"hidden":true}"#;
        Self::new("POST", "/bank/transfer?from=1&lang=en", body)
    }

    /// One of which method and path alone are shown.
    pub(crate) fn vault() -> Self {
        Self::new("PUT", "/bank/vault/7?x=1", r#"{"open":true}"#)
    }

    /// A script of the application sends it, with headers more.
    pub(crate) async fn send(&self, guest: &Guest, more: &[(&str, &str)]) -> Answer {
        let mut headers = vec![
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
            ("accept", "*/*"),
            ("origin", guest.origin()),
        ];
        if !more.iter().any(|(name, _)| *name == "content-type") {
            headers.push(("content-type", "application/json"));
        }
        headers.extend_from_slice(more);
        guest.send(&self.method, &self.path, &headers, self.body.clone()).await
    }

    /// The same with a grant.
    pub(crate) async fn with_grant(&self, guest: &Guest, grant: &str) -> Answer {
        self.send(guest, &[("cloakroom-grant", grant)]).await
    }

    /// What opens an approval of it that shows these fields.
    pub(crate) fn wish(&self, show: &[&str]) -> Value {
        let sum = URL_SAFE_NO_PAD.encode(sha256(&self.body));
        let mut wish = json!({ "method": self.method, "path": self.path, "body_sha256": sum });
        if !show.is_empty() {
            wish["body"] = URL_SAFE_NO_PAD.encode(&self.body).into();
            wish["show"] = json!(show);
        }
        wish
    }

    /// Tries it, and opens the approval that the refusal asks for.
    pub(crate) async fn ask(&self, guest: &Guest) -> Approval {
        let refused = self.send(guest, &[]).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (401, "step-up-needed"), "{}", refused.text());
        let said = &refused.json()["step_up"];
        assert_eq!(
            (said["open"].as_str(), said["method"].as_str(), said["path"].as_str()),
            (Some("/auth/step-up"), Some(&*self.method), Some(&*self.path))
        );
        let show: Vec<&str> = said["show"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        Approval::open(guest, self.wish(&show)).await
    }

    /// The honest way from the refusal to the grant, with the password.
    pub(crate) async fn granted(&self, house: &House, guest: &Guest) -> String {
        let approval = self.ask(guest).await;
        let approved = approval.prove_by_page(guest, "password", PASSWORD).await;
        assert!(approved.text().contains("<h1>Approved</h1>"), "{}", approved.text());
        approval.grant(house, guest).await
    }
}

/// Where stories of approvals change an address to.
pub(crate) const NEW_ADDRESS: &str = "new@example.com";

/// An approval that was opened.
#[derive(Clone, Debug)]
pub(crate) struct Approval {
    pub(crate) id: String,
    pub(crate) origin: String,
    pub(crate) path: String,
}

impl Approval {
    /// Opens one.
    pub(crate) async fn open(guest: &Guest, wish: Value) -> Self {
        let answer = guest.fetch("POST", "/auth/step-up", Some(wish)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        Self::of(&answer)
    }

    /// Opens one for a change of the account; of the address, to [`NEW_ADDRESS`].
    pub(crate) async fn of_act(guest: &Guest, act: &str) -> Self {
        let mut wish = json!({ "act": act });
        if act == "change-email" {
            wish["email"] = NEW_ADDRESS.into();
        }
        Self::open(guest, wish).await
    }

    /// Opens one for a change of the account and proves it with the password.
    pub(crate) async fn approved_act(guest: &Guest, act: &str) -> String {
        let approval = Self::of_act(guest, act).await;
        approval.prove(guest, json!({ "password": PASSWORD })).await.done();
        approval.id
    }

    /// The one that an answer tells of.
    pub(crate) fn of(answer: &Answer) -> Self {
        let said = answer.json();
        let page: url::Url = said["page"].as_str().unwrap().parse().unwrap();
        let (origin, path) = (page.origin().ascii_serialization(), page.path().to_owned());
        Self { id: said["id"].as_str().unwrap().to_owned(), origin, path }
    }

    /// The person at the page's origin.
    pub(crate) fn person(&self, guest: &Guest) -> Guest {
        guest.at_origin(&self.origin)
    }

    /// Looks at its page.
    pub(crate) async fn page(&self, guest: &Guest) -> Answer {
        self.person(guest).visit(&self.path).await
    }

    /// Sends the form of its page that has this field, as a browser without a script does.
    pub(crate) async fn prove_by_page(&self, guest: &Guest, field: &str, value: &str) -> Answer {
        let page = self.page(guest).await;
        assert_eq!(page.status, 200, "{}", page.text());
        self.person(guest).fill(&page, &self.path, &[(field, value)]).await
    }

    /// A script of its page proves.
    pub(crate) async fn prove(&self, guest: &Guest, proof: Value) -> Answer {
        self.person(guest).fetch("POST", &self.path, Some(proof)).await
    }

    /// The application's page asks what has become of it.
    pub(crate) async fn collect(&self, guest: &Guest) -> Answer {
        guest.fetch("POST", "/auth/step-up/collect", Some(json!({ "id": self.id }))).await
    }

    /// The grant of one that was approved.
    pub(crate) async fn grant(&self, house: &House, guest: &Guest) -> String {
        let collected = self.collect(guest).await;
        assert_eq!(collected.status, 200, "{}", collected.text());
        let said = collected.json();
        assert_eq!(said["state"], "approved");
        let grant = said["grant"].as_str().unwrap().to_owned();
        house.watch.secret(&grant);
        grant
    }
}

/// What is asked of an answer in one word.
pub(crate) trait Judged {
    /// It was done.
    fn done(&self);
    /// It was refused so.
    fn refused(&self, status: u16, code: &str);
}

impl Judged for Answer {
    fn done(&self) {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
    }

    fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.code().as_str()), (status, code), "{}", self.text());
    }
}

/// What a person reads on a page.
pub(crate) fn words(page: &str) -> String {
    let body = page.split_once("<main").unwrap().1;
    let pieces: Vec<_> = body.split('<').map(|piece| piece.split_once('>').map_or("", |(_, text)| text)).collect();
    let known = [("&#x2f;", "/"), ("&#x27;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")];
    let text = known.iter().fold(pieces.join(" "), |text, (escaped, plain)| text.replace(escaped, plain));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An authenticator app in somebody's hand.
pub(crate) struct Authenticator(AuthenticatorApp);

impl Authenticator {
    /// Adds one to an account that has only its password, and tells its recovery codes.
    pub(crate) async fn enrolled(house: &House, guest: &Guest) -> (Self, Vec<String>) {
        let approval = Approval::approved_act(guest, "add-totp").await;
        let begun = guest.fetch("POST", "/auth/totp/begin", Some(json!({ "step_up": approval }))).await;
        begun.done();
        let app = Self(AuthenticatorApp::typed(begun.json()["secret"].as_str().unwrap()));
        let finish = json!({ "id": begun.json()["id"], "code": app.code(house) });
        let finished = guest.fetch("POST", "/auth/totp/finish", Some(finish)).await;
        finished.done();
        let codes = finished.json()["recovery_codes"].as_array().unwrap().clone();
        // The code that enrolled it is used up.
        house.advance(30);
        (app, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
    }

    /// The code that it shows now.
    pub(crate) fn code(&self, house: &House) -> String {
        self.0.code(house.clock.now(), 0)
    }
}
