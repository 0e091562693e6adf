//! A device of somebody who logs in by one strategy or another: what it holds, and how it shows it.

use cloakroom_testbed::{Answer, Nodes, PASSWORD, Roamer};
use serde_json::{Value, json};

/// Everything on offer.
pub(crate) const ALL: &str =
    "[session]\nacknowledge_weaker = true\noffered = [\"ticket\", \"split\", \"split-bearer\", \"memory\", \"native\"]";

/// By which a session can live.
pub(crate) const STRATEGIES: [&str; 6] = ["cookie", "ticket", "split", "split-bearer", "memory", "native"];

#[derive(Clone)]
pub(crate) struct Device {
    roamer: Roamer,
    strategy: &'static str,
    /// What goes into `Authorization`.
    bearer: Option<String>,
    /// What goes into the body of a refresh.
    refresh: Option<String>,
}

impl Device {
    /// Logs in on a node.
    pub(crate) async fn logged_in(nodes: &Nodes, node: usize, email: &str, strategy: &'static str) -> Self {
        let mut device = Self { roamer: nodes.roamer(), strategy, bearer: None, refresh: None };
        let body = json!({ "email": email, "password": PASSWORD, "strategy": strategy });
        let answer = device.post(node, "/auth/login", Some(body)).await;
        assert_eq!(answer.status, 200, "{strategy}: {}", answer.text());
        assert_eq!(answer.json()["session"]["strategy"], strategy);
        device.take(&answer);
        device
    }

    /// Everything that it holds, in other hands.
    pub(crate) fn copied(&self) -> Self {
        Self { roamer: self.roamer.copied(), ..self.clone() }
    }

    /// Whether it has refresh tokens.
    pub(crate) fn refreshes(&self) -> bool {
        self.strategy != "ticket"
    }

    /// Status and code of a request to the signed-in upstream.
    pub(crate) async fn app(&self, node: usize) -> (u16, String) {
        let answer = match &self.bearer {
            None => self.roamer.on(node).fetch("GET", "/app/x", None).await,
            Some(bearer) => self.with_bearer(node, "GET", "/app/x", bearer).await,
        };
        (answer.status.as_u16(), answer.code())
    }

    /// Refreshes on a node; whatever comes back is taken over.
    pub(crate) async fn refresh(&mut self, node: usize) -> Answer {
        let body = self.refresh.as_ref().map(|token| json!({ "refresh_token": token }));
        let answer = self.post(node, "/auth/refresh", body).await;
        if answer.status == 200 {
            self.take(&answer);
        }
        answer
    }

    /// Logs out on a node.
    pub(crate) async fn log_out(&self, node: usize) -> Answer {
        match &self.bearer {
            None => self.roamer.on(node).fetch("POST", "/auth/logout", None).await,
            Some(bearer) => self.with_bearer(node, "POST", "/auth/logout", bearer).await,
        }
    }

    async fn post(&self, node: usize, path: &str, body: Option<Value>) -> Answer {
        if self.strategy != "native" {
            return self.roamer.on(node).fetch("POST", path, body).await;
        }
        // A program: nothing that a browser would add.
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.roamer.on(node).send("POST", path, &[("content-type", "application/json")], body).await.unwrap()
    }

    async fn with_bearer(&self, node: usize, method: &str, path: &str, bearer: &str) -> Answer {
        let authorization = format!("Bearer {bearer}");
        let headers = [("authorization", authorization.as_str()), ("sec-fetch-site", "same-origin")];
        // A browser adds where it comes from, a program does not.
        let headers = if self.strategy == "native" { &headers[..1] } else { &headers[..] };
        self.roamer.on(node).send(method, path, headers, "").await.unwrap()
    }

    fn take(&mut self, answer: &Answer) {
        let document = answer.json();
        let text = |name: &str| document[name].as_str().map(str::to_owned);
        (self.bearer, self.refresh) = match self.strategy {
            "split-bearer" => (text("claims"), None),
            "memory" => (text("access_token"), None),
            "native" => (text("access_token"), text("refresh_token")),
            _ => (None, None),
        };
    }
}
