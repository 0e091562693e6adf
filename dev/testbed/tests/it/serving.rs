//! What stories of services share: six clients of one house, what they sign, and APIs of somebody else that verify by themselves.

use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use cloakroom_jose::{Algorithm, JwkSet, SigningKey};
use cloakroom_testbed::{Answer, House, PASSWORD};
use cloakroom_verify::clock::ManualClock;
use cloakroom_verify::{AccessToken, Verifier};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub(crate) const FEED: &str = "feed-token-feed-token-feed-token-09";
pub(crate) const SECRET: &str = "secret-of-a-service-0123456789abcdef";
/// What programs of people are given tokens for: the API `orders` is.
pub(crate) const ORDERS: &str = "https://orders.example";

pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const BY_JWT: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
pub(crate) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A house with clients.
pub(crate) struct Stage {
    pub(crate) house: House,
    /// The key of `billing`.
    pub(crate) key: SigningKey,
    _folder: TempDir,
}

/// The configuration of six clients, of which `shop` is the application behind the gateway; `billing` signs with the key in that file.
pub(crate) fn clients(jwks_file: &str) -> String {
    format!(
        r#"
        [revocation]
        feed_token = "{FEED}"
        [session]
        offered = ["native", "ticket"]
        [tokens]
        audience = "{ORDERS}"
        [[client]]
        id = "reports"
        secret = "{SECRET}"
        grants = ["client_credentials"]
        audiences = ["stock", "mail"]
        scopes = ["stock.read", "stock.write"]
        [[client]]
        id = "billing"
        jwks_file = "{jwks_file}"
        grants = ["client_credentials", "jwt-bearer"]
        audiences = ["stock"]
        scopes = ["stock.read"]
        [[client]]
        id = "orders"
        secret = "{SECRET}1"
        grants = ["token-exchange"]
        audience = "{ORDERS}"
        audiences = ["stock", "mail"]
        scopes = ["stock.read", "audit.write"]
        [[client]]
        id = "stock"
        secret = "{SECRET}2"
        grants = ["token-exchange", "client_credentials"]
        audience = "stock"
        audiences = ["audit", "stock"]
        scopes = ["stock.read", "stock.write", "audit.write"]
        [[client]]
        id = "mail"
        secret = "{SECRET}3"
        grants = ["client_credentials"]
        audience = "mail"
        audiences = ["stock"]
        [[client]]
        id = "shop"
        secret = "{SECRET}4"
        grants = ["token-exchange"]
        audience = "app"
        audiences = ["stock"]
        scopes = ["stock.read"]
        "#
    )
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate(Algorithm::Es256, "billing-1").unwrap();
        let file = folder.path().join("billing.jwks");
        std::fs::write(&file, serde_json::to_vec(&key_set(&[&key])).unwrap()).unwrap();
        let house = House::with(&clients(&file.display().to_string())).await;
        house.watch.secret(FEED);
        Self { house, key, _folder: folder }
    }

    /// Asks with these parameters and headers, as a program does.
    pub(crate) async fn ask(&self, path: &str, headers: &[(&str, &str)], parameters: &[(&str, &str)]) -> Answer {
        ask(&self.house, path, headers, parameters).await
    }

    /// Asks for a token, with id and secret in the header.
    pub(crate) async fn ask_as(&self, id: &str, secret: &str, parameters: &[(&str, &str)]) -> Answer {
        self.ask("/auth/token", &[("authorization", &basic(id, secret))], parameters).await
    }

    /// A token of `reports`, of its own.
    pub(crate) async fn token_of_reports(&self) -> String {
        let wish = [("grant_type", "client_credentials"), ("audience", "stock")];
        token(&self.ask_as("reports", SECRET, &wish).await)
    }

    /// The tokens of a program that `ann` has logged in with, and the name of its session.
    pub(crate) async fn program(&self) -> (String, String, String) {
        let login = json!({ "email": "ann@example.com", "password": PASSWORD, "strategy": "native" });
        let headers = [("content-type", "application/json")];
        let answer = self.house.guest().send("POST", "/auth/login", &headers, login.to_string()).await;
        let opened = answer.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (access, refresh) = (text(&opened["access_token"]), text(&opened["refresh_token"]));
        self.house.watch.secret(&access);
        self.house.watch.secret(&refresh);
        (access, refresh, text(&opened["session"]["id"]))
    }

    /// Exchanges a token as `orders`.
    pub(crate) async fn exchange(&self, subject: &str, more: &[(&str, &str)]) -> Answer {
        self.exchange_as("orders", &format!("{SECRET}1"), subject, more).await
    }

    /// Exchanges a token.
    pub(crate) async fn exchange_as(&self, id: &str, secret: &str, subject: &str, more: &[(&str, &str)]) -> Answer {
        let mut wish = vec![("grant_type", EXCHANGE), ("subject_token", subject)];
        wish.push(("subject_token_type", ACCESS_TOKEN));
        wish.extend(more);
        self.ask_as(id, secret, &wish).await
    }

    /// What `billing` signs about itself, with some claims otherwise; null leaves one out.
    pub(crate) fn assertion(&self, changes: &Value) -> String {
        signed(&self.key, "JWT", "billing", &self.house.origin(), changes)
    }
}

/// Asks with these parameters and headers, as a program does.
pub(crate) async fn ask(house: &House, path: &str, headers: &[(&str, &str)], parameters: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend(headers);
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let answer = house.guest().send("POST", path, &all, body).await;
    for name in ["access_token", "refresh_token"] {
        if let Some(secret) = answer.json()[name].as_str() {
            house.watch.secret(secret);
        }
    }
    answer
}

/// An assertion of a client, with some claims otherwise; null leaves one out.
pub(crate) fn signed(key: &SigningKey, typ: &str, client: &str, audience: &str, changes: &Value) -> String {
    let now = 1_800_000_000;
    let mut claims = json!({
        "iss": client, "sub": client, "aud": audience, "exp": now + 60, "iat": now, "jti": uuid(),
    });
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    key.sign(typ, &claims).unwrap()
}

fn uuid() -> String {
    URL_SAFE_NO_PAD.encode(cloakroom_jose::random::<16>().unwrap())
}

/// What is published of keys.
pub(crate) fn key_set(keys: &[&SigningKey]) -> JwkSet {
    JwkSet::new(keys.iter().filter_map(|key| key.public_jwk()).collect())
}

/// `Authorization: Basic` (RFC 6749 §2.3.1).
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// The token of an answer.
pub(crate) fn token(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

/// Status and code of an answer that says no; it has the form of RFC 6749 §5.2.
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.header("content-type"), "application/json", "{}", answer.text());
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    assert!(answer.json()["error_description"].as_str().is_some_and(|text| !text.contains(['"', '\\'])));
    assert!(answer.json().get("access_token").is_none() && answer.cookies().is_empty());
    let challenged = answer.headers.contains_key("www-authenticate");
    assert_eq!(challenged, answer.status.as_u16() == 401, "{}", answer.text());
    (answer.status.as_u16(), answer.json()["error"].as_str().unwrap().to_owned())
}

/// The claims of a token; nothing is verified.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// An API of somebody else.
pub(crate) struct Api {
    base: String,
}

impl Api {
    /// One that takes services as well.
    pub(crate) async fn open(house: &House, audience: &str) -> Self {
        Self::start(house, audience, true).await
    }

    /// One that reckons with people alone.
    pub(crate) async fn for_people(house: &House, audience: &str) -> Self {
        Self::start(house, audience, false).await
    }

    async fn start(house: &House, audience: &str, takes_services: bool) -> Self {
        let mut builder = Verifier::builder(house.origin(), audience)
            .discover()
            .feed(format!("{}/auth/revocations", house.origin()), FEED)
            .report_sightings(format!("{}/auth/sightings", house.origin()))
            .clock(ManualClock::at(1_800_000_000_000));
        if takes_services {
            builder = builder.accept_services();
        }
        let who = async |token: AccessToken| {
            Json(json!({
                "subject": token.subject(),
                "person": token.person(),
                "service": token.is_of_service(),
                "actors": token.actors().collect::<Vec<_>>(),
                "reads": token.has_scope("stock.read"),
            }))
        };
        let routes = Router::new().route("/who", get(who)).with_state(builder.build().unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { base }
    }

    /// Calls it with a token.
    pub(crate) async fn call(&self, token: &str) -> (u16, Value) {
        let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
        let request =
            http::Request::get(format!("{}/who", self.base)).header("authorization", format!("Bearer {token}"));
        let request = request.body(http_body_util::Full::<bytes::Bytes>::default()).unwrap();
        let response = client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Waits until it refuses a token with this code, which it hears of by the feed.
    pub(crate) async fn refuses(&self, token: &str, code: &str) {
        let refused = async {
            loop {
                let (status, said) = self.call(token).await;
                if status != 200 {
                    assert_eq!(said["code"], code);
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), refused).await.unwrap();
    }
}
