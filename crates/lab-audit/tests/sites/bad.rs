//! A shop that does everything wrong.

use crate::server::{Answer, Asked, Server};

/// {"alg":"HS256"} . {"sub":"ada","admin":false} . something
pub(crate) const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEiLCJhZG1pbiI6ZmFsc2V9.c2lnbmVkLWJ5LW5vYm9keQ";
pub(crate) const SESSION: &str = "nJ3kq8Zb0WfR5tYc7LdX2a";
const OTHER: &str = "Qw8eR3tY6uI1oP9aS4dF7g";

pub(crate) const SCRIPT: &str = r##"
[[step]]
goto = "/"
[[step]]
fill = { selector = "#email", text = "ada@example.com" }
[[step]]
fill = { selector = "#password", text_env = "AUDIT_PASSWORD" }
[[step]]
click = "button"
[[step]]
wait_for = { selector = "body[data-ready]" }
[[step]]
mark = "logged-in"
[[step]]
goto = "/settings"
[[step]]
goto = "/go?next=/account"
[[step]]
wait_for = { selector = "body[data-ready]" }
[[step]]
click = "#transfer"
[[step]]
wait_for = { url = "/account?done" }
[[step]]
wait_for = { selector = "body[data-ready]" }
[[step]]
click = "#mail"
[[step]]
wait_for = { selector = "body[data-mailed]" }
[[step]]
click = "#lax"
[[step]]
wait_for = { selector = "body[data-saved]" }
[[logout]]
click = "#logout"
[[logout]]
wait_for = { selector = "#password" }
"##;

const LOGIN: &str = r#"<!doctype html><title>Shop</title><h1>Log in</h1>
<input id="email"><input id="password" type="password"><button>Log in</button>
<script>
document.querySelector('button').onclick = async () => {
  const password = document.querySelector('#password').value;
  const answer = await fetch('/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ password }) });
  localStorage.setItem('access_token', (await answer.json()).token);
  localStorage.setItem('note', password);
  location.href = '/account';
};
</script>"#;

const ACCOUNT: &str = r#"<!doctype html><title>Account</title><h1>Hello Ada</h1><p>You owe us 12.50</p>
<input type="hidden" name="auth" value="JWT">
<form method="post" action="/transfer"><input name="amount" value="1"><button id="transfer">Send</button></form>
<button id="mail">Mail</button> <button id="lax">Save</button> <a id="logout" href="/logout">Log out</a>
<script src="http://cdn.localhost:PORT/lib.js"></script>
<script>
const token = localStorage.getItem('access_token');
window.app = { token };
window.name = token;
localStorage.setItem('device', 'Lk2jH3gF4dS5aP6oI7uY8t');
sessionStorage.setItem('refresh_token', 'OTHER');
history.replaceState({ token }, '');
const database = () => new Promise((done, fail) => {
  const open = indexedDB.open('app');
  open.onupgradeneeded = () => open.result.createObjectStore('auth');
  open.onerror = fail;
  open.onsuccess = () => { const put = open.result.transaction('auth', 'readwrite').objectStore('auth').put({ token }, 'now'); put.onsuccess = () => { open.result.close(); done(); }; put.onerror = fail; };
});
(async () => {
  await database();
  await (await caches.open('app')).put('/cached', new Response(JSON.stringify({ token })));
  const file = await (await navigator.storage.getDirectory()).getFileHandle('token', { create: true });
  const writing = await file.createWritable();
  await writing.write(token);
  await writing.close();
  for (const way of ['/api/token', `/api/feed?access_token=${token}`, '/api/list?session_hint=Zx9cV8bN7mK6jH5gF4dS3a']) await fetch(way);
  await fetch('/api/me', { headers: { authorization: `Bearer ${token}` } });
  await fetch('http://never' + '-named.invalid/').catch(() => {});
  document.body.dataset.ready = '';
})();
document.querySelector('#mail').onclick = async () => {
  await fetch('/api/email', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ email: 'ada@example.org' }) });
  document.body.dataset.mailed = '';
};
document.querySelector('#lax').onclick = async () => {
  await fetch('/lax/save', { method: 'POST', body: new URLSearchParams({ colour: 'red' }) });
  document.body.dataset.saved = '';
};
</script>"#;

pub(crate) async fn site() -> Server {
    Server::open("http", "shop.localhost", answer).await
}

fn html(body: &str) -> (u16, Vec<(&'static str, String)>, String) {
    (200, vec![("content-type", "text/html; charset=utf-8".to_owned())], body.to_owned())
}

fn json(body: String) -> Answer {
    (200, vec![("content-type", "application/json".to_owned())], body)
}

fn answer(asked: &Asked) -> Answer {
    let cookies = asked.header("cookie");
    let inside = cookies.contains(SESSION) || asked.header("authorization").contains(JWT);
    let with = |mut answer: Answer, name: &'static str, value: &str| {
        answer.1.push((name, value.to_owned()));
        answer
    };
    let path = (asked.method.as_str(), asked.path.as_str());
    match path {
        ("GET", "/") => html(LOGIN),
        ("GET", "/lib.js") => (200, vec![("content-type", "text/javascript".to_owned())], "window.lib = 1;".to_owned()),
        ("POST", "/login") => {
            let mut answer = json(format!("{{\"token\":\"{JWT}\"}}"));
            for cookie in [
                format!("sessionid={SESSION}; Path=/; Domain=shop.localhost"),
                format!("remember={JWT}; Path=/; Secure; HttpOnly; SameSite=None"),
                format!("lax_session={OTHER}; Path=/lax; HttpOnly; SameSite=Lax"),
            ] {
                answer.1.push(("set-cookie", cookie));
            }
            answer
        }
        ("GET", "/logout") => (302, vec![("location", "/".to_owned())], String::new()),
        ("GET", "/go") => {
            let to = url::form_urlencoded::parse(asked.query.as_bytes()).find(|(name, _)| name == "next");
            (302, vec![("location", to.map(|(_, to)| to.into_owned()).unwrap_or_default())], String::new())
        }
        _ if !inside => (401, Vec::new(), "who are you?".to_owned()),
        ("GET", "/account") => {
            let page = ACCOUNT.replace("JWT", JWT).replace("OTHER", OTHER).replace("PORT", &asked.port.to_string());
            let page = with(html(&page), "content-security-policy", "script-src * 'unsafe-inline' 'unsafe-eval'");
            with(page, "referrer-policy", "unsafe-url")
        }
        ("GET", "/settings") => {
            let page = with(html("<h1>Settings</h1>"), "content-security-policy-report-only", "default-src 'none'");
            with(page, "x-frame-options", "DENY")
        }
        ("GET", "/api/token") => json(format!("{{\"access_token\":\"{JWT}\"}}")),
        ("GET", "/api/feed") => with(json("{\"feed\":[]}".to_owned()), "access-control-allow-origin", "null"),
        ("GET", "/api/list") => with(json("{\"list\":[]}".to_owned()), "cache-control", "private, max-age=60"),
        ("GET", "/api/me") => {
            let mut answer =
                with(json("{\"name\":\"Ada\",\"owes\":1250}".to_owned()), "cache-control", "public, max-age=60");
            if !asked.header("origin").is_empty() {
                answer = with(answer, "access-control-allow-origin", asked.header("origin"));
                answer = with(answer, "access-control-allow-credentials", "true");
            }
            answer
        }
        ("POST", "/transfer") => (303, vec![("location", "/account?done".to_owned())], String::new()),
        // Whatever it is called, it is read as JSON.
        ("POST", "/api/email") if serde_json::from_str::<serde_json::Value>(&asked.body).is_ok() => {
            json("{}".to_owned())
        }
        ("POST", "/lax/save") => json("{}".to_owned()),
        _ => (404, Vec::new(), String::new()),
    }
}
