//! An HTTP client with a cookie jar, behaving as a browser does: it says where a request comes from, sends a cookie only
//! to the host that set it and where its path allows, and keeps what it is given. A cookie of a
//! domain goes to its hosts; whether the domain is a public suffix is not asked.

use crate::{PASSWORD, Watch};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use url::Url;

/// A visitor. Clones share the jar, as tabs do.
#[derive(Clone)]
pub struct Guest {
    origin: String,
    /// Whose cookies are sent: a port separates none (RFC 6265, 8.5).
    host: String,
    base: String,
    /// Where requests seem to come from.
    address: Option<IpAddr>,
    client: Client<HttpConnector, Full<Bytes>>,
    jar: Arc<Mutex<Jar>>,
    watch: Watch,
}

/// Host, with a dot before it for a whole domain, and name to path and value.
type Jar = BTreeMap<(String, String), (String, String)>;

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
    /// A visitor with an empty cookie jar, of a server at `origin` that is no [`crate::House`] and listens on this port of
    /// 127.0.0.1.
    pub fn at(origin: &str, port: u16) -> Self {
        Self::new(origin, port, Watch::start())
    }

    pub(crate) fn new(origin: &str, port: u16, watch: Watch) -> Self {
        Self {
            origin: origin.to_owned(),
            host: host_of(origin),
            base: format!("http://127.0.0.1:{port}"),
            address: None,
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

    /// The same visitor, whose requests come from this address from now on: the server has to trust the testbed as its proxy,
    /// by `trusted_proxies = ["127.0.0.1"]`. The jar is shared.
    #[must_use]
    pub fn from_address(&self, address: &str) -> Self {
        Self { address: Some(address.parse().unwrap()), ..self.clone() }
    }

    /// The same visitor at another origin of the same server, such as `http://approve.localhost:8000`. The jar is shared and
    /// keeps the cookies of each host apart.
    #[must_use]
    pub fn at_origin(&self, origin: &str) -> Self {
        let origin = origin.trim_end_matches('/').to_owned();
        Self { host: host_of(&origin), origin, ..self.clone() }
    }

    /// Where it is: what its requests say in `Origin`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The value of a cookie of this host.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.jar.lock().unwrap().get(&self.key(name)).map(|(_, value)| value.clone())
    }

    /// Puts a cookie of this host into the jar.
    pub fn plant(&self, name: &str, path: &str, value: &str) {
        self.jar.lock().unwrap().insert(self.key(name), (path.to_owned(), value.to_owned()));
    }

    /// Takes a cookie of this host out of the jar.
    pub fn lose(&self, name: &str) {
        self.jar.lock().unwrap().remove(&self.key(name));
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
        if let Some(address) = self.address {
            request = request.header("x-forwarded-for", address.to_string());
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
        self.hush_names(path, &answer);
        answer
    }

    /// Names of approvals, and of log-ins and enrolments that wait: whoever knows one can go on with it.
    fn hush_names(&self, path: &str, answer: &Answer) {
        if path.contains("/auth/") {
            let said = answer.json();
            for name in [&said["id"], &said["second_factor"]["id"]].into_iter().filter_map(Value::as_str) {
                self.watch.name(name);
            }
        }
        let to = answer.headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
        let name = ["/auth/step-up/", "/auth/account/"].iter().find_map(|place| to.split_once(place));
        if let Some((_, name)) = name {
            self.watch.name(name);
        }
    }

    /// Takes in an answer that was not kept when it came: answers to several requests come in any order.
    pub fn take_in(&self, answer: &Answer) {
        self.keep(answer);
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
        let strict = self.key("__Secure-cloakroom-refresh");
        let held = self.jar.lock().unwrap().remove(&strict);
        let answer = self.send("GET", path, &headers, "").await;
        if let Some(held) = held {
            self.jar.lock().unwrap().entry(strict).or_insert(held);
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
            .filter(|((host, _), (scope, _))| self.belongs_here(host) && fits(scope))
            .map(|((_, name), (_, value))| format!("{name}={value}"))
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
            let path = attribute("Path=").unwrap_or_else(|| "/".into());
            let host = attribute("Domain=").map_or_else(|| self.host.clone(), |domain| format!(".{domain}"));
            let key = (host, name.to_owned());
            if !self.belongs_here(&key.0) {
                // RFC 6265bis §5.7: a host sets cookies for itself and its parents only.
            } else if attribute("Max-Age=").as_deref() != Some("0") {
                jar.insert(key, (path, value.to_owned()));
            } else if jar.get(&key).is_some_and(|(kept, _)| *kept == path) {
                jar.remove(&key);
            }
        }
    }

    fn belongs_here(&self, host: &str) -> bool {
        *host == self.host || host.starts_with('.') && format!(".{}", self.host).ends_with(host)
    }

    /// Names of all cookies in the jar, with their hosts.
    pub fn cookies(&self) -> Vec<(String, String)> {
        self.jar.lock().unwrap().keys().cloned().collect()
    }

    /// A host of the domain puts a cookie for all of it into the jar.
    pub fn plant_for(&self, domain: &str, name: &str, path: &str, value: &str) {
        self.jar.lock().unwrap().insert((format!(".{domain}"), name.to_owned()), (path.to_owned(), value.to_owned()));
    }

    fn key(&self, name: &str) -> (String, String) {
        (self.host.clone(), name.to_owned())
    }
}

fn host_of(origin: &str) -> String {
    Url::parse(origin).unwrap().host_str().unwrap().to_owned()
}

#[cfg(test)]
mod tests {
    use crate::House;

    #[tokio::test]
    async fn a_visitor_comes_from_the_address_that_it_was_given() {
        let house = House::with("server.trusted_proxies = [\"127.0.0.1\"]").await;
        let guest = house.guest();
        for address in ["203.0.113.7", "2001:db8::7"] {
            guest.from_address(address).visit("/x").await;
            let seen = house.echo.one();
            assert_eq!(seen.header("x-forwarded-for"), Some(address), "{seen:?}");
        }
        guest.visit("/x").await;
        assert_eq!(house.echo.one().header("x-forwarded-for"), Some("127.0.0.1"));
        house.close().await;
    }

    #[tokio::test]
    async fn an_address_is_believed_from_nobody_who_is_not_a_trusted_proxy() {
        let house = House::start().await;
        house.guest().from_address("203.0.113.7").visit("/x").await;
        assert_eq!(house.echo.one().header("x-forwarded-for"), Some("127.0.0.1"));
        house.close().await;
    }

    #[tokio::test]
    async fn cookies_of_two_hosts_are_kept_apart_in_one_jar() {
        let house = House::start().await;
        let here = house.signed_in("zoe@example.org").await;
        let there = here.at_origin(&format!("http://approve.localhost:{}", house.port()));
        assert_eq!(there.origin(), format!("http://approve.localhost:{}", house.port()));
        assert!(here.cookie("__Host-Http-cloakroom").is_some());
        assert!(there.cookie("__Host-Http-cloakroom").is_none());
        there.plant("mark", "/", "there");
        assert_eq!((here.cookie("mark"), there.cookie("mark").as_deref()), (None, Some("there")));
        there.visit("/x").await;
        let seen = house.echo.one();
        assert_eq!(seen.header("cookie"), Some("mark=there"));
        assert_eq!(seen.header("x-forwarded-host"), Some(format!("approve.localhost:{}", house.port()).as_str()));
        // A log-out there takes nothing away here.
        there.lose("__Host-Http-cloakroom");
        assert_eq!(here.status_of_app().await, http::StatusCode::OK);
        let again = there.at_origin(&house.origin());
        assert_eq!(again.status_of_app().await, http::StatusCode::OK);
        house.close().await;
    }
}
