//! A visitor without a favourite node: every request is a connection of its own, to the balancer or to a node by name, and
//! an answer can be lost on its way.
//!
//! Deliberately absent: what a browser adds beyond a script's fetch; [`Guest`](crate::Guest) has that.

use crate::{Answer, PASSWORD, Watch};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::net::TcpStream;

/// The visitor. Clones share the jar, as tabs do.
#[derive(Clone)]
pub struct Roamer {
    origin: Arc<str>,
    balancer: u16,
    nodes: Arc<[u16]>,
    at: Option<usize>,
    jar: Arc<Mutex<BTreeMap<String, (String, String)>>>,
    watch: Watch,
}

/// The connection ended before there was a whole answer: whether the request was carried out is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

impl Roamer {
    pub(crate) fn new(origin: &str, balancer: u16, nodes: Arc<[u16]>, watch: Watch) -> Self {
        Self { origin: origin.into(), balancer, nodes, at: None, jar: Arc::default(), watch }
    }

    /// A tab of the same browser that talks to this node, counted from 0 and round again.
    #[must_use]
    pub fn on(&self, node: usize) -> Self {
        Self { at: Some(node % self.nodes.len()), ..self.clone() }
    }

    /// The same jar as it is now, in other hands.
    #[must_use]
    pub fn copied(&self) -> Self {
        let jar = self.jar.lock().unwrap().clone();
        Self { jar: Arc::new(Mutex::new(jar)), ..self.clone() }
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().unwrap().get(name).map(|(_, value)| value.clone())
    }

    /// Puts a cookie into the jar.
    pub fn plant(&self, name: &str, path: &str, value: &str) {
        self.jar.lock().unwrap().insert(name.to_owned(), (path.to_owned(), value.to_owned()));
    }

    /// Takes a cookie out of the jar.
    pub fn lose(&self, name: &str) {
        self.jar.lock().unwrap().remove(name);
    }

    /// What a page here says of where it comes from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The port that the next connection goes to.
    pub fn port(&self) -> u16 {
        self.at.map_or(self.balancer, |node| self.nodes[node])
    }

    /// The value of `Cookie` for a path, empty where no cookie belongs.
    pub fn cookies_for(&self, path: &str) -> String {
        let path = path.split('?').next().unwrap_or_default();
        let fits = |scope: &str| {
            scope == "/" || path == scope || path.strip_prefix(scope).is_some_and(|rest| rest.starts_with('/'))
        };
        let jar = self.jar.lock().unwrap();
        let pairs = jar.iter().filter(|(_, (scope, _))| fits(scope));
        pairs.map(|(name, (_, value))| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    /// Sends exactly what is given, with the cookies that belong there, on a new connection. The jar takes in what comes
    /// back when all of it has come.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Lost> {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("host", self.origin.trim_start_matches("http://"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookies = self.cookies_for(path);
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        let stream = TcpStream::connect(("127.0.0.1", self.port())).await.map_err(|_| Lost)?;
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| Lost)?;
        tokio::spawn(connection);
        let sent = sender.send_request(request.body(Full::new(body.into())).unwrap()).await;
        let (parts, body) = sent.map_err(|_| Lost)?.into_parts();
        let body = body.collect().await.map_err(|_| Lost)?.to_bytes();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        self.keep(&answer);
        Ok(answer)
    }

    /// A script of this site fetches something.
    pub async fn try_fetch(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer, Lost> {
        let mut headers = vec![
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
            ("accept", "*/*"),
        ];
        if !["GET", "HEAD"].contains(&method) {
            headers.push(("origin", &self.origin));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.send(method, path, &headers, body.map(|body| body.to_string()).unwrap_or_default()).await
    }

    /// The same where the answer comes.
    pub async fn fetch(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.try_fetch(method, path, body).await.expect("an answer comes")
    }

    /// Refreshes by JSON.
    pub async fn refresh(&self) -> Answer {
        self.fetch("POST", "/auth/refresh", None).await
    }

    /// Signs up.
    pub async fn sign_up(&self, email: &str) {
        self.watch.secret(PASSWORD);
        let answer = self.fetch("POST", "/auth/signup", Some(json!({ "email": email, "password": PASSWORD }))).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    }

    /// Logs in.
    pub async fn log_in(&self, email: &str) -> Answer {
        let answer = self.fetch("POST", "/auth/login", Some(json!({ "email": email, "password": PASSWORD }))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer
    }

    /// Status and problem code of a request to the signed-in upstream.
    pub async fn app(&self) -> (u16, String) {
        let answer = self.fetch("GET", "/app/x", None).await;
        (answer.status.as_u16(), answer.code())
    }

    fn keep(&self, answer: &Answer) {
        let document = answer.json();
        for field in ["access_token", "refresh_token"] {
            self.watch.secret(document[field].as_str().unwrap_or_default());
        }
        let mut jar = self.jar.lock().unwrap();
        for cookie in answer.cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((&cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            self.watch.secret(value);
            let attribute = |wanted: &str| attributes.split(';').find_map(|said| said.trim().strip_prefix(wanted));
            if attribute("Max-Age=") == Some("0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), (attribute("Path=").unwrap_or("/").to_owned(), value.to_owned()));
            }
        }
    }
}
