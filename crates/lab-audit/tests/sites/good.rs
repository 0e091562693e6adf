//! A shop that does it right.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::PASSWORD;
use crate::server::{Answer, Asked, Server};

const SESSION: &str = "nJ3kq8Zb0WfR5tYc7LdX2a";

pub(crate) const SCRIPT: &str = r##"
[[step]]
goto = "/"
[[step]]
fill = { selector = "[name=email]", text = "ada@example.com" }
[[step]]
fill = { selector = "[name=password]", text_env = "AUDIT_PASSWORD" }
[[step]]
press = "Enter"
[[step]]
wait_for = { selector = "body[data-ready]" }
[[step]]
mark = "logged-in"
[[step]]
goto = "/go?next=/account"
[[step]]
wait_for = { selector = "body[data-ready]" }
[[step]]
click = "#mail"
[[step]]
wait_for = { selector = "body[data-mailed]" }
[[logout]]
click = "#logout"
[[logout]]
wait_for = { selector = "[name=password]" }
"##;

const LOGIN: &str = r#"<!doctype html><title>Shop</title><h1>Log in</h1>
<form method="post" action="/login"><input name="email"><input name="password" type="password"><button>Log in</button></form>"#;

const ACCOUNT: &str = r#"<!doctype html><title>Account</title><h1>Hello Ada</h1><p>You owe us nothing</p>
<button id="mail">Mail</button> <button id="logout">Log out</button>
<script nonce="NONCE">
const own = { 'x-csrf': '1', 'content-type': 'application/json' };
(async () => { await fetch('/api/me'); document.body.dataset.ready = ''; })();
document.querySelector('#mail').onclick = async () => {
  await fetch('/api/email', { method: 'POST', headers: own, body: '{"email":"ada@example.org"}' });
  document.body.dataset.mailed = '';
};
document.querySelector('#logout').onclick = async () => {
  await fetch('/logout', { method: 'POST', headers: own, body: '{}' });
  location.href = '/';
};
addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
</script>"#;

pub(crate) async fn site() -> Server {
    let (alive, nonces) = (AtomicBool::new(false), AtomicU32::new(0));
    Server::open("https", "shop.localhost", move |asked| {
        let nonce = format!("nonce{}", nonces.fetch_add(1, Ordering::SeqCst));
        let (status, mut headers, body) = answer(asked, &alive, &nonce);
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        );
        for (name, value) in [
            ("content-security-policy", policy.as_str()),
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("permissions-policy", "camera=()"),
            ("cache-control", "no-store"),
        ] {
            headers.push((name, value.to_owned()));
        }
        (status, headers, body)
    })
    .await
}

fn answer(asked: &Asked, alive: &AtomicBool, nonce: &str) -> Answer {
    let inside = alive.load(Ordering::SeqCst) && asked.header("cookie").contains(SESSION);
    let to = |place: &str| (303, vec![("location", place.to_owned())], String::new());
    let html = |body: &str| (200, vec![("content-type", "text/html; charset=utf-8".to_owned())], body.to_owned());
    let json = |body: &str| (200, vec![("content-type", "application/json".to_owned())], body.to_owned());
    // Made by the page itself, and by no other.
    let own = asked.header("sec-fetch-site") == "same-origin" && asked.header("x-csrf") == "1";
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/") => html(LOGIN),
        ("POST", "/login") if asked.body.contains(PASSWORD) => {
            alive.store(true, Ordering::SeqCst);
            let (status, mut headers, body) = to("/account");
            headers.push(("set-cookie", format!("__Host-session={SESSION}; Path=/; Secure; HttpOnly; SameSite=Lax")));
            (status, headers, body)
        }
        ("GET", "/go") => {
            let next = url::form_urlencoded::parse(asked.query.as_bytes()).find(|(name, _)| name == "next");
            let is_own = next.as_ref().is_some_and(|(_, next)| next == "/account");
            to(if is_own { "/account" } else { "/" })
        }
        ("GET", "/account") if !inside => to("/"),
        _ if !inside => (401, Vec::new(), String::new()),
        ("GET", "/account") => html(&ACCOUNT.replace("NONCE", nonce)),
        ("GET", "/api/me") => json("{\"name\":\"Ada\"}"),
        ("POST", "/logout") if own => {
            alive.store(false, Ordering::SeqCst);
            let (status, mut headers, body) = json("{}");
            headers
                .push(("set-cookie", "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0".to_owned()));
            headers.push(("clear-site-data", "\"storage\"".to_owned()));
            (status, headers, body)
        }
        ("POST", "/api/email") if own => json("{}"),
        ("POST", _) => (403, Vec::new(), String::new()),
        _ => (404, Vec::new(), String::new()),
    }
}
