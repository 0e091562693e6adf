//! Requests of the site, made again by pages of somebody else: another site, and a sibling of the same site; as forms make them, and
//! as scripts make them that may not read the answer. What was sent and how it was answered is read from the wire.

use anyhow::Result;
use cloakroom_browser::Page;
use serde_json::json;
use tokio::time::{Duration, Instant, interval};

use crate::drive::rest;
use crate::finding::{Finding, Severity};
use crate::look::is_same;
use crate::proxy::{Exchange, Proxy};
use crate::seen::{Seen, evidence};

/// No more requests than this are forged.
const MOST: usize = 20;
/// Larger bodies are not repeated.
const LARGEST: usize = 64 << 10;
/// A request that has not come by then was not sent.
const ARRIVES_WITHIN: Duration = Duration::from_secs(5);
/// How often the wire is looked at meanwhile.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a forged request came to.
#[derive(PartialEq, Eq)]
enum Outcome {
    /// Browser or server refused it, or it had no session's cookie.
    Stopped,
    /// It had the session's cookie, and was answered as the site's own.
    Served(String),
}

/// Forges every unsafe request that was seen inside the session; gives what was found, and what was forged.
pub(crate) async fn tried(page: &Page, proxy: &Proxy, seen: &Seen) -> Result<(Vec<Finding>, Vec<String>)> {
    let mut originals: Vec<&Exchange> = Vec::new();
    for exchange in seen.signed_in().filter(|exchange| exchange.request.is_unsafe() && answered(exchange)) {
        let is_new = originals.iter().all(|other| !is_same(other, exchange));
        if is_new && originals.len() < MOST && exchange.request.body.len() <= LARGEST && !ends_the_session(exchange) {
            originals.push(exchange);
        }
    }
    let forged = originals.iter().map(|original| original.shown()).collect();
    let (mut crossed, mut sibling) = (Vec::new(), Vec::new());
    for original in originals {
        for (from, lines) in [(proxy.attacker(), &mut crossed), (proxy.sibling(), &mut sibling)] {
            for (way, script) in ways(original) {
                if let Outcome::Served(status) = forge(page, proxy, seen, original, &from, &script).await? {
                    lines.push(format!(
                        "{} {way}: had the session's cookie, and was answered with {status}",
                        original.shown()
                    ));
                }
            }
        }
    }
    let fix = "Refuse unsafe requests unless Sec-Fetch-Site is same-origin, or Origin is the site's own where that field is missing; demand a header of your own beside it, and refuse content types that you do not use.";
    let references = &[
        "ASVS v5.0.0-3.5.1",
        "ASVS v5.0.0-3.5.2",
        "docs/lab/exhibits/e04-strict.md",
        "docs/lab/exhibits/e05-sec-fetch-site.md",
    ];
    let finding = |id, severity, title: &str, lines: Vec<String>| {
        let evidence = evidence(lines);
        (!evidence.is_empty()).then(|| Finding { id, severity, title: title.to_owned(), evidence, fix, references })
    };
    let crossed =
        finding("csrf", Severity::High, "Another site makes requests in the name of whoever is logged in", crossed);
    let sibling = finding(
        "csrf-sibling",
        Severity::Medium,
        "A sibling host makes requests in the name of whoever is logged in",
        sibling,
    );
    Ok((crossed.into_iter().chain(sibling).collect(), forged))
}

/// Whether the site's own request worked, or it would say nothing that the forged one does too.
fn answered(exchange: &Exchange) -> bool {
    exchange.status.is_some_and(|status| status.is_success() || status.is_redirection())
}

fn ends_the_session(exchange: &Exchange) -> bool {
    let path = exchange.request.url.path().to_ascii_lowercase();
    ["logout", "log-out", "signout", "sign-out", "login", "log-in", "signin"].iter().any(|word| path.contains(word))
}

/// How somebody else's page can send it, and the script that does.
fn ways(original: &Exchange) -> Vec<(&'static str, String)> {
    let request = &original.request;
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let kind = request.header("content-type");
    let to = request.url.as_str();
    let mut ways = Vec::new();
    if request.method == http::Method::POST {
        if body.is_empty() || kind.starts_with("application/x-www-form-urlencoded") {
            let fields: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).take(200).collect();
            ways.push(("by a form", form(to, "application/x-www-form-urlencoded", &json!(fields))));
        } else if let Some(object) = body.trim_end().strip_suffix('}').filter(|_| kind.contains("json")) {
            // A form in text/plain writes name=value; the = has to be inside of a string.
            let comma = if object.trim_end().ends_with('{') { "" } else { "," };
            let fields = json!([[format!("{object}{comma}\"cloakroom-audit\":\""), "\"}"]]);
            ways.push(("by a form in text/plain", form(to, "text/plain", &fields)));
        }
        let kind = if kind.starts_with("multipart/form-data") { kind } else { "" };
        ways.push((
            if kind.is_empty() { "by a script, without a content type" } else { "by a script" },
            fetch(to, "POST", kind, &body, "no-cors"),
        ));
    } else {
        ways.push(("by a script", fetch(to, request.method.as_str(), kind, &body, "cors")));
    }
    ways
}

fn form(to: &str, kind: &str, fields: &serde_json::Value) -> String {
    format!(
        "(() => {{ const form = document.createElement('form'); form.method = 'post'; form.action = {}; form.enctype = {}; \
         for (const [name, value] of {fields}) {{ const field = document.createElement('input'); field.type = 'hidden'; \
         field.name = name; field.value = value; form.append(field); }} \
         document.body.append(form); setTimeout(() => HTMLFormElement.prototype.submit.call(form)); }})()",
        json!(to),
        json!(kind)
    )
}

fn fetch(to: &str, method: &str, kind: &str, body: &str, mode: &str) -> String {
    let blob = format!("new Blob([{}], {{ type: {} }})", json!(body), json!(kind));
    let body = if body.is_empty() { "undefined".to_owned() } else { blob };
    format!(
        "(() => {{ fetch({}, {{ method: {}, mode: {}, credentials: 'include', body: {body} }}).catch(() => {{}}); }})()",
        json!(to),
        json!(method),
        json!(mode)
    )
}

async fn forge(
    page: &Page,
    proxy: &Proxy,
    seen: &Seen,
    original: &Exchange,
    from: &str,
    script: &str,
) -> Result<Outcome> {
    proxy.show("<!doctype html><meta charset=utf-8><title>somebody else</title><body>");
    page.goto(&format!("{from}/")).await?;
    let first = proxy.wire().len();
    page.eval(script).await?;
    let end = Instant::now() + ARRIVES_WITHIN;
    let mut again = interval(LOOK_AGAIN);
    let forged = loop {
        again.tick().await;
        let arrived = proxy.wire().since(first);
        // The browser asks in advance with OPTIONS: then the answer to that decides.
        let found = arrived.into_iter().find(|exchange| is_same(exchange, original) && exchange.status.is_some());
        if found.is_some() || Instant::now() >= end {
            break found;
        }
    };
    rest(proxy.open_requests()).await;
    let Some(forged) = forged else { return Ok(Outcome::Stopped) };
    let own = original.request.header("origin");
    // The site's own page may have gone on in the meantime.
    let is_forged = forged.request.header("origin") != own || own.is_empty();
    let has_session = !seen.credentials.carried(&forged.request).is_empty();
    if is_forged && has_session && is_like(original, &forged) {
        let status = forged.status.map(|status| status.as_u16().to_string()).unwrap_or_default();
        return Ok(Outcome::Served(status));
    }
    Ok(Outcome::Stopped)
}

/// Answered as the original: success for success, and a redirect to the same place for a redirect.
fn is_like(original: &Exchange, forged: &Exchange) -> bool {
    let place = |exchange: &Exchange| {
        let to = exchange.request.url.join(exchange.header("location")).ok()?;
        Some((to.host_str()?.to_owned(), to.path().to_owned()))
    };
    match (original.status, forged.status) {
        (Some(one), Some(other)) if one.is_redirection() && other.is_redirection() => place(original) == place(forged),
        (Some(one), Some(other)) => other.is_success() && (one.is_success() || one.is_redirection()),
        _ => false,
    }
}
