//! What each strategy costs on the wire: the bytes that a browser or a program sends with every request for its session.

use super::Part;
use crate::context::Context;
use crate::figure::Figure;
use crate::http::{Answer, Client, post, request};
use crate::jar::Jar;
use crate::nginx;
use crate::server::{CHEAP_PASSWORDS, PASSWORD, SAME_ORIGIN, Server, Setup, told};
use crate::tools::Tool;
use anyhow::{Context as _, Result, ensure};
use cloakroom_core::session::Strategy;
use serde_json::{Value, json};

pub(super) const PART: Part = Part {
    name: "strategies",
    title: "Bytes per request and strategy",
    how: "A log-in with each strategy at `cloakroom serve` (`server.public_url = \"https://app.example.com\"`, EdDSA, defaults), then \
          one request to the application and one refresh with what was given, by the rules of paths of RFC 6265, both \
          answered 200. Counted are the whole lines `Cookie:` and `Authorization:` in HTTP/1.1, with their names and line \
          ends, and for `native` the body of a refresh. HTTP/2 and HTTP/3 send a line that did not change as one or two \
          bytes where client and server allow it.",
    tools: &[Tool::Nginx],
    builds: true,
    is_long: false,
    run,
};

/// As what stands in front passes it on: the site has a name and is on https.
const IN_FRONT: [(&str, &str); 2] = [("host", "app.example.com"), ("x-forwarded-proto", "https")];

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let application = nginx::application(&cx.folder("strategies-application")?)?;
    let (binary, folder) = (cx.server_binary(), cx.folder("strategies")?);
    let offered = Strategy::ALL.map(|strategy| format!("\"{}\"", strategy.as_str())).join(", ");
    let offered = format!("offered = [{offered}]");
    let more = [
        &CHEAP_PASSWORDS[..],
        &[
            ("session", offered.as_str()),
            ("session", "acknowledge_weaker = true"),
            ("server", "trusted_proxies = [\"127.0.0.1\"]"),
        ],
    ];
    let more = more.concat();
    let setup = Setup {
        public_url: Some("https://app.example.com"),
        more: &more,
        ..Setup::alone(&binary, &folder, application.address)
    };
    let server = Server::start(&setup)?;
    let mut client = Client::connect(server.public)?;
    let body = json!({ "email": "bench@example.com", "password": PASSWORD }).to_string();
    let answer = client.send(&post("/auth/signup", &[SAME_ORIGIN, IN_FRONT].concat(), &body))?;
    ensure!(answer.status == 202, "sign-up was answered {}", told(&answer));
    let mut figures = Vec::new();
    for strategy in Strategy::ALL {
        let name = strategy.as_str();
        let measured = measure(&mut client, strategy);
        let (each, refresh) = measured.with_context(|| format!("strategy {name}"))?;
        figures.push(each.figure(&format!("`{name}`, every request")));
        if let Some(refresh) = refresh {
            figures.push(refresh.figure(&format!("`{name}`, a refresh")));
        }
    }
    Ok(figures)
}

/// The bytes of one request that are there for the session.
struct Bytes {
    cookie: usize,
    authorization: usize,
    body: usize,
}

impl Bytes {
    fn figure(&self, name: &str) -> Figure {
        let Self { cookie, authorization, body } = *self;
        let parts = [("Cookie", cookie), ("Authorization", authorization), ("body", body)];
        let parts = parts.iter().filter(|(_, bytes)| *bytes > 0).map(|(part, bytes)| format!("{part} {bytes}"));
        let all = (cookie + authorization + body) as f64;
        Figure::absolute(name, "bytes", &[all]).note(parts.collect::<Vec<_>>().join(", "))
    }
}

fn measure(client: &mut Client, strategy: Strategy) -> Result<(Bytes, Option<Bytes>)> {
    let of_browser: &[_] = if strategy == Strategy::Native { &[] } else { &SAME_ORIGIN };
    let login = json!({ "email": "bench@example.com", "password": PASSWORD, "strategy": strategy.as_str() });
    let headers = [of_browser, &IN_FRONT].concat();
    let answer = client.send(&post("/auth/login", &headers, &login.to_string()))?;
    ensure!(answer.status == 200, "log-in was answered {}", told(&answer));
    let mut jar = Jar::default();
    jar.keep(&answer);
    let given: Value = serde_json::from_slice(&answer.body)?;
    let text = |name: &str| given[name].as_str().map(str::to_owned);

    let bearer = text("access_token").or_else(|| text("claims")).map(|token| format!("Bearer {token}"));
    ensure!(bearer.is_some() == strategy.uses_authorization(), "what belongs into Authorization is not as expected");
    let (each, answer) = send(client, "GET", "/x", &headers, &jar, bearer.as_deref(), "")?;
    ensure!(answer.status == 200, "a signed-in request was answered {}", told(&answer));
    if !strategy.refreshes() {
        return Ok((each, None));
    }
    let body = text("refresh_token").map(|token| json!({ "refresh_token": token }).to_string()).unwrap_or_default();
    let (refresh, answer) = send(client, "POST", "/auth/refresh", &headers, &jar, None, &body)?;
    ensure!(answer.status == 200, "a refresh was answered {}", told(&answer));
    Ok((each, Some(refresh)))
}

/// Sends a request with what goes along, and counts that.
fn send(
    client: &mut Client,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    jar: &Jar,
    bearer: Option<&str>,
    body: &str,
) -> Result<(Bytes, Answer)> {
    let (cookie, length) = (jar.header(path), body.len().to_string());
    let mut all = headers.to_vec();
    all.extend(cookie.as_deref().map(|cookie| ("cookie", cookie)));
    all.extend(bearer.map(|bearer| ("authorization", bearer)));
    if method != "GET" {
        all.push(("content-length", &length));
        all.extend((!body.is_empty()).then_some(("content-type", "application/json")));
    }
    let bytes = request(method, path, &all, body);
    let line = |name: &str| {
        let head = String::from_utf8_lossy(&bytes);
        head.split_inclusive("\r\n").filter(|line| line.starts_with(&format!("{name}: "))).map(str::len).sum()
    };
    let counted = Bytes { cookie: line("cookie"), authorization: line("authorization"), body: body.len() };
    Ok((counted, client.send(&bytes)?))
}
