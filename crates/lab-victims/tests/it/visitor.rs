//! An honest visitor of one bank: keeps cookies and tokens as the strategy's page does, and sends them along.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cloakroom_lab_victims::{Bank, Deed, What};
use http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::device::Device;

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(1_700_000_000) };
}

/// The clock of this test alone: each test runs on a thread of its own.
pub(crate) fn now() -> i64 {
    NOW.get()
}

pub(crate) fn pass(seconds: i64) {
    NOW.set(NOW.get() + seconds);
}

pub(crate) const EMAIL: &str = "ann@bank.test";
pub(crate) const PASSWORD: &str = "amber kettle river";
pub(crate) const CANARY: &str = "CANARY-7391";
pub(crate) const BEHIND: &str = "behind";

#[derive(Clone)]
pub(crate) struct Visitor {
    pub(crate) bank: Bank,
    pub(crate) strategy: &'static str,
    pub(crate) cookies: BTreeMap<String, String>,
    /// What a log-in's body held.
    pub(crate) tokens: Value,
    /// The key of S17's browser.
    pub(crate) device: Arc<Device>,
}

impl Visitor {
    pub(crate) fn of(strategy: &'static str) -> Self {
        let bank = Bank::new(now);
        bank.open_account(strategy, EMAIL, PASSWORD, CANARY);
        Self { bank, strategy, cookies: BTreeMap::new(), tokens: Value::Null, device: Arc::new(Device::new()) }
    }

    /// Somebody who is logged in.
    pub(crate) async fn inside(strategy: &'static str) -> Self {
        let mut visitor = Self::of(strategy);
        if strategy != BEHIND {
            assert_eq!(visitor.log_in(PASSWORD).await, StatusCode::OK, "{strategy}");
        }
        visitor
    }

    /// The same person's browser, with nothing in it.
    pub(crate) fn stranger(&self) -> Self {
        Self { cookies: BTreeMap::new(), tokens: Value::Null, ..self.clone() }
    }

    pub(crate) fn request(&self, method: &Method, path: &str) -> http::request::Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, format!("{}.bank.test:8443", self.strategy.to_lowercase()))
            .header("x-csrf", "1")
            .header("x-lab-request", "r-1");
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        let token = self.tokens["access_token"].as_str().or(self.tokens["payload"].as_str());
        let scheme = if self.strategy == "S17" { "DPoP" } else { "Bearer" };
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("{scheme} {token}"));
        }
        if self.strategy == "S17" {
            let (address, method) = (format!("https://s17.bank.test:8443{path}"), method.as_str());
            request = request.header("dpop", self.device.dpop(&Device::claims(method, &address, token)));
        }
        if self.strategy == BEHIND {
            request = request.header("x-lab-account", EMAIL);
        }
        request
    }

    pub(crate) async fn send(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        let answer = self.bank.answer(self.strategy, request).await;
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let (pair, attributes) = line.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) async fn get(&mut self, path: &str) -> Response<Bytes> {
        let request = self.request(&Method::GET, path).body(Bytes::new()).unwrap();
        self.send(request).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Response<Bytes> {
        let request = self.request(&Method::POST, path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Bytes::from(body.to_string())).unwrap()).await
    }

    /// As a form of a page sends it.
    pub(crate) async fn form(&mut self, path: &str, kind: &str, body: &str) -> Response<Bytes> {
        let request = self
            .request(&Method::POST, path)
            .header(header::ACCEPT, "text/html,application/xhtml+xml")
            .header(header::CONTENT_TYPE, kind);
        self.send(request.body(Bytes::from(body.to_owned())).unwrap()).await
    }

    pub(crate) async fn log_in(&mut self, password: &str) -> StatusCode {
        let answer = self.post("/api/login", &json!({ "email": EMAIL, "password": password })).await;
        if answer.status().is_success() {
            self.tokens = body(&answer);
        }
        answer.status()
    }

    pub(crate) async fn profile(&mut self) -> StatusCode {
        let answer = self.get("/api/profile").await;
        if answer.status().is_success() {
            assert_eq!(body(&answer)["iban"], CANARY);
        }
        answer.status()
    }

    pub(crate) fn deeds(&self) -> Vec<What> {
        self.bank.deeds_of(EMAIL).into_iter().map(|deed: Deed| deed.what).collect()
    }
}

pub(crate) fn body(answer: &Response<Bytes>) -> Value {
    serde_json::from_slice(answer.body()).unwrap()
}

pub(crate) fn text(answer: &Response<Bytes>) -> &str {
    std::str::from_utf8(answer.body()).unwrap()
}

/// The ids of all strategies, `behind` and the controls included.
pub(crate) fn all() -> Vec<&'static str> {
    Bank::strategies().iter().map(|info| info.id).collect()
}
