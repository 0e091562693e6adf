//! An HTTP client with a cookie jar, as a browser on this site behaves.

use crate::upstream::Body;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A password that the policy takes.
pub(crate) const PASSWORD: &str = "amber kettle river thimble";

/// A visitor. A clone has a copy of the jar, as a thief or a backup has.
#[derive(Clone)]
pub(crate) struct Visitor {
    port: u16,
    client: Client<HttpConnector, Body>,
    jar: BTreeMap<String, String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The code of a problem document.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// The connection ended before the answer was complete: nobody knows what has happened.
#[derive(Debug)]
pub(crate) struct Lost;

/// A request of nobody to a port of this machine.
pub(crate) async fn get(port: u16, path: &str) -> Option<Answer> {
    Visitor::at(port).ask("GET", path, &[], full("")).await.ok()
}

/// A body of known bytes.
pub(crate) fn full(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

impl Visitor {
    /// Somebody new.
    pub(crate) fn at(port: u16) -> Self {
        Self { port, client: Client::builder(TokioExecutor::new()).build_http(), jar: BTreeMap::new() }
    }

    /// The same visitor, sent to another port by a balancer.
    pub(crate) fn moved_to(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// What a page of the site sends along with an unsafe request.
    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The `Cookie` header of a request to this path.
    pub(crate) fn cookies(&self, path: &str) -> String {
        let fits = |name: &str| !name.ends_with("-refresh") || path == "/auth/refresh";
        let pairs = self.jar.iter().filter(|(name, _)| fits(name)).map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// A script of the site sends something; what it sets is kept, once the answer has arrived whole.
    pub(crate) async fn fetch(&mut self, method: &str, path: &str, body: Option<Value>) -> Result<Answer, Lost> {
        let json = body.as_ref().map(|_| ("content-type", "application/json"));
        let body = full(body.map(|body| body.to_string()).unwrap_or_default());
        let answer = self.ask(method, path, json.as_slice(), body).await?;
        self.keep(&answer.headers);
        Ok(answer)
    }

    /// Sends a request as a script of the site would, and keeps nothing.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Result<Answer, Lost> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header("host", format!("localhost:{}", self.port))
            .header("origin", self.origin())
            .header("sec-fetch-site", "same-origin")
            .header("sec-fetch-mode", "cors")
            .header("sec-fetch-dest", "empty");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookies = self.cookies(path);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        let response = self.client.request(request.body(body).unwrap()).await.map_err(|_| Lost)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// Signs up and logs in.
    pub(crate) async fn sign_in(&mut self, email: &str) {
        let fields = json!({ "email": email, "password": PASSWORD });
        let answer = self.fetch("POST", "/auth/signup", Some(fields)).await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text());
        self.log_in(email).await;
    }

    /// Logs in.
    pub(crate) async fn log_in(&mut self, email: &str) {
        let fields = json!({ "email": email, "password": PASSWORD });
        let answer = self.fetch("POST", "/auth/login", Some(fields)).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The status and the code of a request to the signed-in upstream.
    pub(crate) async fn app(&self) -> Result<(u16, String), Lost> {
        let answer = self.ask("GET", "/app/headers", &[], full("")).await?;
        Ok((answer.status, answer.code()))
    }

    /// What the upstream is told about this visitor.
    pub(crate) async fn bearer(&self) -> String {
        let answer = self.ask("GET", "/app/headers", &[], full("")).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["authorization"].as_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned()
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (pair, attributes) = cookie.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}
