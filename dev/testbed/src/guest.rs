//! An HTTP client with a cookie jar, behaving as a browser does: it says where a request comes from, sends a cookie only
//! where its path allows, and keeps what it is given.

use crate::{PASSWORD, Watch};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// A visitor. Clones share the jar, as tabs do.
#[derive(Clone)]
pub struct Guest {
    origin: String,
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
    jar: Arc<Mutex<Jar>>,
    watch: Watch,
}

/// Name to path and value.
type Jar = BTreeMap<String, (String, String)>;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of a problem document.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The only value of a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        let values: Vec<_> = self.headers.get_all(name).iter().collect();
        assert!(values.len() <= 1, "{name} came {} times", values.len());
        values.first().map_or("", |value| value.to_str().unwrap())
    }

    /// All `Set-Cookie` values.
    pub fn cookies(&self) -> Vec<String> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    }
}

impl Guest {
    pub(crate) fn new(origin: &str, port: u16, watch: Watch) -> Self {
        Self {
            origin: origin.to_owned(),
            base: format!("http://127.0.0.1:{port}"),
            client: Client::builder(TokioExecutor::new()).build_http(),
            jar: Arc::default(),
            watch,
        }
    }

    /// The same jar as it is now, in other hands: a thief's, or a restored backup.
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

    /// Sends exactly what is given, with the cookies of the jar that belong there, and takes in what comes back.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        let answer = self.send_without_keeping(method, path, headers, body).await;
        self.keep(&answer);
        answer
    }

    /// The same, when the answer is lost on its way.
    pub async fn send_without_keeping(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        request = request.header("host", self.origin.trim_start_matches("http://"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookies) = self.cookies_for(path) {
            request = request.header("cookie", cookies);
        }
        let response = self.client.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let answer =
            Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() };
        for cookie in answer.cookies() {
            let value = cookie.split(['=', ';']).nth(1).unwrap_or_default();
            self.watch.secret(value);
        }
        answer
    }

    /// A script of this site fetches something.
    pub async fn fetch(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let mut headers = vec![
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-dest", "empty"),
            ("accept", "*/*"),
        ];
        let unsafe_method = ![Method::GET, Method::HEAD].iter().any(|safe| safe == method);
        if unsafe_method {
            headers.push(("origin", &self.origin));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.send(method, path, &headers, body).await
    }

    /// Somebody types an address or follows a link of this site.
    pub async fn visit(&self, path: &str) -> Answer {
        self.visit_from("same-origin", path).await
    }

    /// The same, from another site (`cross-site`), a sibling (`same-site`), or the address bar (`none`). A cross-site
    /// navigation brings no `Strict` cookie.
    pub async fn visit_from(&self, site: &str, path: &str) -> Answer {
        let headers = [
            ("sec-fetch-site", site),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ];
        if site != "cross-site" {
            return self.send("GET", path, &headers, "").await;
        }
        let strict = self.jar.lock().unwrap().remove("__Secure-cloakroom-refresh");
        let answer = self.send("GET", path, &headers, "").await;
        if let Some(strict) = strict {
            self.jar.lock().unwrap().entry("__Secure-cloakroom-refresh".into()).or_insert(strict);
        }
        answer
    }

    /// Somebody sends a form of one of this site's pages.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("origin", self.origin.as_str()),
            ("accept", "text/html,*/*;q=0.8"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        self.send("POST", path, &headers, body).await
    }

    /// Signs up by JSON.
    pub async fn sign_up(&self, email: &str) {
        self.watch.secret(PASSWORD);
        let answer = self.fetch("POST", "/auth/signup", Some(json!({ "email": email, "password": PASSWORD }))).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    }

    /// Logs in by JSON.
    pub async fn log_in(&self, email: &str) -> Answer {
        let answer = self.fetch("POST", "/auth/login", Some(json!({ "email": email, "password": PASSWORD }))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer
    }

    /// Refreshes by JSON.
    pub async fn refresh(&self) -> Answer {
        self.fetch("POST", "/auth/refresh", None).await
    }

    /// The status of a request to the signed-in upstream.
    pub async fn status_of_app(&self) -> StatusCode {
        self.fetch("GET", "/app/x", None).await.status
    }

    fn cookies_for(&self, path: &str) -> Option<String> {
        let path = path.split('?').next().unwrap_or_default();
        let jar = self.jar.lock().unwrap();
        let fits = |scope: &str| {
            scope == "/" || path == scope || path.strip_prefix(scope).is_some_and(|rest| rest.starts_with('/'))
        };
        let pairs: Vec<_> = jar
            .iter()
            .filter(|(_, (scope, _))| fits(scope))
            .map(|(name, (_, value))| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    fn keep(&self, answer: &Answer) {
        let mut jar = self.jar.lock().unwrap();
        for cookie in answer.cookies() {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((&cookie, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let attribute = |wanted: &str| {
                attributes.split(';').find_map(|attribute| attribute.trim().strip_prefix(wanted).map(str::to_owned))
            };
            if attribute("Max-Age=").as_deref() == Some("0") {
                jar.remove(name);
            } else {
                let path = attribute("Path=").unwrap_or_else(|| "/".into());
                jar.insert(name.to_owned(), (path, value.to_owned()));
            }
        }
    }
}
