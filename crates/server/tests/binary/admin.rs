//! The admin API of the running server: who may use it, and what it does.

use crate::accounts::{FOREIGN, token_of};
use crate::deadline::until;
use crate::house::House;
use crate::program::Program;
use crate::upstream::Upstream;
use crate::visitor::{Answer, PASSWORD, full};
use http::Request;
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

const JSON: &str = "application/json";

/// A house whose operators' programs show [`TOKEN`].
async fn house(upstream: &Upstream) -> (House, Program) {
    let mut house = House::before(upstream.address);
    house.config["server"]["admin_token"] = json!(TOKEN);
    let server = house.serve().await;
    (house, server)
}

/// A request of a program.
async fn send(house: &House, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let mut request = Request::builder().method(method).uri(format!("http://127.0.0.1:{}{path}", house.admin_port()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(full(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn ask(house: &House, method: &str, path: &str, body: Option<Value>) -> Answer {
    let bearer = format!("Bearer {TOKEN}");
    let mut headers = vec![("authorization", bearer.as_str())];
    if body.is_some() {
        headers.push(("content-type", JSON));
    }
    send(house, method, path, &headers, &body.map(|body| body.to_string()).unwrap_or_default()).await
}

#[tokio::test]
async fn nobody_uses_it_without_its_token_and_no_page_at_all() {
    let upstream = Upstream::start("first").await;
    let (house, server) = house(&upstream).await;
    let good = format!("Bearer {TOKEN}");
    let almost = format!("Bearer {}x", &TOKEN[..31]);
    for path in ["/admin/accounts", "/admin", "/admin/nothing"] {
        for headers in [vec![], vec![("authorization", almost.as_str())], vec![("authorization", TOKEN)]] {
            let answer = send(&house, "GET", path, &headers, "").await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "not-an-operator"), "{path} {headers:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        }
        let twice = [("authorization", good.as_str()), ("authorization", good.as_str())];
        assert_eq!(send(&house, "GET", path, &twice, "").await.status, 401);
        for from in [("origin", "http://127.0.0.1"), ("sec-fetch-site", "none"), ("sec-fetch-site", "same-origin")] {
            let answer = send(&house, "GET", path, &[("authorization", good.as_str()), from], "").await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "not-for-browsers"), "{path}");
        }
    }
    assert_eq!(send(&house, "GET", "/admin/accounts", &[("authorization", &good)], "").await.status, 200);
    let log = server.stop().await;
    assert!(!log.contains(TOKEN));

    let house = House::before(upstream.address);
    let server = house.serve().await;
    let off = send(&house, "GET", "/admin/accounts", &[("authorization", &good)], "").await;
    assert_eq!((off.status, off.code().as_str()), (404, "admin-off"));
    assert!(off.text().contains("server.admin_token"), "{}", off.text());
    server.stop().await;
}

#[tokio::test]
async fn it_does_what_operators_do() {
    let upstream = Upstream::start("first").await;
    let (house, server) = house(&upstream).await;
    let made = ask(&house, "POST", "/admin/accounts", Some(json!({ "email": "ann@example.com" }))).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let place = made.header("location").unwrap().to_owned();
    assert_eq!(place, format!("/admin/accounts/{}", made.json()["id"].as_str().unwrap()));
    let mut ann = house.visitor();
    let fields = json!({ "token": token_of(made.json()["link"].as_str().unwrap()), "password": PASSWORD });
    let set = ann.fetch("POST", "/auth/password/reset", Some(fields)).await.unwrap();
    assert!((200..300).contains(&set.status), "{}", set.text());
    ann.log_in("ann@example.com").await;

    let shown = ask(&house, "GET", &place, None).await;
    assert_eq!((shown.status, shown.header("cache-control")), (200, Some("no-store")));
    assert_eq!(shown.json()["sessions"].as_array().unwrap().len(), 1, "{}", shown.text());
    assert!(shown.json()["devices"].is_array() && shown.json()["events"].is_null());
    let kept = ask(&house, "GET", &format!("{place}/export"), None).await;
    assert!(kept.json()["events"].as_array().unwrap().iter().any(|event| event["event"] == "account.created"));
    assert!(!kept.text().contains("argon2"), "no hash is given out");

    assert_eq!(ask(&house, "POST", &format!("{place}/disable"), None).await.status, 204);
    until("the server refuses", async || (ann.app().await.ok()?.0 == 401).then_some(())).await;
    assert_eq!(ask(&house, "POST", &format!("{place}/enable"), None).await.status, 204);
    let reset = ask(&house, "POST", &format!("{place}/reset"), None).await;
    assert_eq!((reset.status, &reset.json()["mailed"]), (200, &json!(false)));

    let foreign = json!({ "email": "bob@example.com", "hash": FOREIGN, "verified": true });
    let bob = ask(&house, "POST", "/admin/accounts/import", Some(foreign)).await;
    assert_eq!(bob.status, 201, "{}", bob.text());
    house.visitor().log_in("bob@example.com").await;

    let first = ask(&house, "GET", "/admin/accounts?limit=1", None).await.json();
    let next = first["next"].as_str().unwrap();
    let second = ask(&house, "GET", &format!("/admin/accounts?limit=1&after={next}"), None).await.json();
    assert_ne!(first["accounts"][0]["id"], second["accounts"][0]["id"]);
    let found = ask(&house, "GET", "/admin/accounts?email=bob%40example.com", None).await.json();
    assert_eq!((found["accounts"][0]["id"].clone(), found["next"].clone()), (bob.json()["id"].clone(), Value::Null));

    assert_eq!(ask(&house, "DELETE", &place, None).await.status, 204);
    for (method, path) in [("GET", ""), ("DELETE", ""), ("GET", "/export"), ("POST", "/disable"), ("POST", "/reset")] {
        let gone = ask(&house, method, &format!("{place}{path}"), None).await;
        assert_eq!((gone.status, gone.code().as_str()), (404, "unknown-account"), "{method} {path}: {}", gone.text());
    }
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_not_repeated() {
    let upstream = Upstream::start("first").await;
    let (house, server) = house(&upstream).await;
    let bearer = format!("Bearer {TOKEN}");
    let post = async |path: &str, kind: &str, body: &str| {
        send(&house, "POST", path, &[("authorization", &bearer), ("content-type", kind)], body).await
    };
    let long = format!("{{\"email\":\"{}\"}}", "a".repeat(17_000));
    for (path, kind, body, status, code) in [
        ("/admin/accounts", "text/plain", "{\"email\":\"a@b.example\"}", 415, "unsupported-media-type"),
        ("/admin/accounts", JSON, "{\"email\":\"hunter2\"", 400, "bad-request"),
        ("/admin/accounts", JSON, "{\"email\":\"a@b.example\",\"hunter2\":1}", 400, "bad-request"),
        ("/admin/accounts", JSON, "[]", 400, "bad-request"),
        ("/admin/accounts", JSON, &long, 413, "too-large"),
        ("/admin/accounts", JSON, "{\"email\":\"hunter2\"}", 422, "bad-email"),
        ("/admin/accounts/import", JSON, "{\"email\":\"a@b.example\",\"hash\":\"hunter2\"}", 422, "bad-hash"),
    ] {
        let answer = post(path, kind, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert!(!answer.text().contains("hunter2"), "{}", answer.text());
    }
    assert_eq!(
        post("/admin/accounts", "Application/JSON; charset=utf-8", "{\"email\":\"a@b.example\"}").await.status,
        201
    );
    let taken = post("/admin/accounts", JSON, "{\"email\":\"A@b.example\"}").await;
    assert_eq!((taken.status, taken.code().as_str()), (409, "address-taken"));
    for (method, path, status) in [
        ("PUT", "/admin/accounts", 405),
        ("GET", "/admin/accounts/import", 405),
        ("GET", "/admin/accounts/nobody", 404),
        ("POST", "/admin/accounts/AAAAAAAAAAAAAAAAAAAAAA", 405),
        ("GET", "/admin/accounts/AAAAAAAAAAAAAAAAAAAAAA/disable", 405),
        ("GET", "/admin/admin/accounts", 404),
        ("GET", "/administration", 404),
        ("GET", "/admin/accounts?limit=0", 400),
        ("GET", "/admin/accounts?limit=1001", 400),
        ("GET", "/admin/accounts?after=x", 400),
        ("GET", "/admin/accounts?limit=1&limit=2", 400),
        ("GET", "/admin/accounts?email=a@b.example&limit=1", 400),
        ("GET", "/admin/accounts?colour=blue", 400),
    ] {
        let answer = ask(&house, method, path, None).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    server.stop().await;
}
