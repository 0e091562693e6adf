//! Who passes, and as whom.

use crate::raw::exchange;
use crate::site::Site;
use http::StatusCode;
use serde_json::json;

pub(crate) async fn signed_in(site: &Site) {
    let ann = site.signed_in().await;
    ann.plant("theme", "/", "dark");
    let answer = ann.fetch("GET", "/api/who?all=1", None).await;
    let me = ann.fetch("GET", "/auth/me", None).await.json();
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, me["account"]["id"].as_str().unwrap()));
    let seen = site.app.one();
    assert_eq!((seen.target.as_str(), seen.header("cloakroom-account")), ("/api/who?all=1", answer.text().as_str()));
    assert_eq!(seen.header("cloakroom-session"), me["session"]["id"].as_str().unwrap());
    assert_eq!(seen.header("cookie"), "theme=dark", "the application gets its own cookies and none of ours");

    // A public page learns nothing; an open one only of who is there.
    ann.visit("/").await;
    let seen = site.app.one();
    assert_eq!((seen.header("authorization"), seen.header("cloakroom-account")), ("", ""));
    assert_eq!(seen.header("cookie"), "theme=dark");
    ann.visit("/open/x").await;
    assert!(site.app.one().header("authorization").starts_with("Bearer "));
    site.guest().visit("/open/x").await;
    let seen = site.app.one();
    assert_eq!((seen.header("authorization"), seen.header("cloakroom-account")), ("", ""));
}

/// Only of somebody who has confirmed it, and only to the application that is to know it.
pub(crate) async fn address(site: &Site) {
    let ann = site.signed_in().await;
    ann.fetch("GET", "/api/who", None).await;
    assert_eq!(site.app.one().header("cloakroom-email"), "", "nobody has confirmed it yet");
    let token = site.house.last_mail_to("ann@example.com", 1).await.token();
    let confirm = json!({ "token": token, "password": cloakroom_testbed::PASSWORD });
    assert_eq!(ann.fetch("POST", "/auth/email/verify", Some(confirm)).await.status, StatusCode::NO_CONTENT);
    site.advance(301);
    ann.refresh().await;
    ann.fetch("GET", "/api/who", None).await;
    assert_eq!(site.app.one().header("cloakroom-email"), "ann@example.com");
    ann.visit("/open/x").await;
    assert_eq!(site.app.one().header("cloakroom-email"), "");
}

pub(crate) async fn signed_out(site: &Site) {
    let guest = site.guest();
    let told = guest.fetch("GET", "/api/who", None).await;
    assert_eq!((told.status, told.code().as_str()), (StatusCode::UNAUTHORIZED, "signed-out"), "{}", told.text());
    assert_eq!(told.header("content-type"), "application/problem+json");
    assert_eq!(told.json()["login"], format!("{}/auth/login", site.origin()));
    let led = guest.visit("/api/who?a=1&b=2").await;
    let login = format!("{}/auth/login?return_to=%2Fapi%2Fwho%3Fa%3D1%26b%3D2", site.origin());
    assert_eq!((led.status, led.header("location")), (StatusCode::SEE_OTHER, login.as_str()), "{}", led.text());
    let page = guest.visit(login.strip_prefix(&site.origin()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("password"), "{}", page.text());
    assert!(site.app.take().is_empty());
    // Nothing that has a token in it is answered where a browser can ask.
    let asked = site.signed_in().await.fetch("GET", "/auth/verify", None).await;
    assert_eq!((asked.status, asked.code().as_str()), (StatusCode::NOT_FOUND, "verified-elsewhere"));
    assert!(!asked.headers.contains_key("authorization"));
}

pub(crate) async fn expired(site: &Site) {
    let ann = site.signed_in().await;
    site.advance(301);
    let told = ann.fetch("GET", "/api/who", None).await;
    assert_eq!((told.status, told.code().as_str()), (StatusCode::UNAUTHORIZED, "access-expired"), "{}", told.text());
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    assert_eq!(ann.fetch("GET", "/api/who", None).await.status, StatusCode::OK);

    // A person who looks at a page is led over the refresh and back.
    site.advance(301);
    site.app.take();
    let mut at = "/api/who".to_owned();
    for step in 0..5 {
        let answer = ann.visit(&at).await;
        if answer.status == StatusCode::OK {
            assert!(step > 0 && at == "/api/who", "{at} after {step} steps");
            break;
        }
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{at}: {}", answer.text());
        let to = answer.header("location").to_owned();
        to.strip_prefix(&site.origin()).unwrap_or(&to).clone_into(&mut at);
    }
    assert_eq!(site.app.one().target, "/api/who");
}

pub(crate) async fn raced_refresh(site: &Site) {
    let ann = site.signed_in().await;
    site.advance(301);
    let (one, two) = tokio::join!(ann.refresh(), ann.refresh());
    for answer in [one, two] {
        assert!([StatusCode::OK, StatusCode::CONFLICT].contains(&answer.status), "{}", answer.text());
    }
    assert_eq!(ann.fetch("GET", "/api/who", None).await.status, StatusCode::OK);
}

pub(crate) async fn unsafe_method(site: &Site) {
    const JSON: (&str, &str) = ("content-type", "application/json");
    let ann = site.signed_in().await;
    let passed = ann.fetch("POST", "/api/who", Some(json!({}))).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text());
    assert_eq!(site.app.take().len(), 1);
    let origin = site.origin();
    for (headers, code) in [
        (vec![JSON, ("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], "cross-site"),
        (vec![JSON, ("sec-fetch-site", "same-site")], "cross-site"),
        (vec![JSON, ("origin", "null")], "cross-site"),
        (vec![JSON], "form-token-needed"),
        (
            vec![
                ("content-type", "application/x-www-form-urlencoded"),
                ("sec-fetch-site", "same-origin"),
                ("origin", origin.as_str()),
            ],
            "form-token-needed",
        ),
    ] {
        let refused = ann.send("POST", "/api/who", &headers, "{}").await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::FORBIDDEN, code), "{headers:?}");
        assert!(site.app.take().is_empty(), "{headers:?}");
    }
    let token = ann.fetch("GET", "/auth/csrf", None).await.json()["csrf"].as_str().unwrap().to_owned();
    let with_token = ann.send("POST", "/api/who", &[JSON, ("cloakroom-csrf", &token)], "{}").await;
    assert_eq!(with_token.status, StatusCode::OK, "{}", with_token.text());
}

pub(crate) async fn logged_out(site: &Site) {
    let ann = site.signed_in().await;
    let thief = ann.copied();
    assert_eq!(thief.fetch("GET", "/api/who", None).await.status, StatusCode::OK);
    ann.fetch("POST", "/auth/logout", None).await;
    site.app.take();
    assert_eq!(thief.fetch("GET", "/api/who", None).await.status, StatusCode::UNAUTHORIZED);
    assert!(site.app.take().is_empty());
}

pub(crate) async fn cloakroom_is_gone(site: &mut Site) {
    let ann = site.signed_in().await;
    let request =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", site.port());
    assert_eq!(exchange(site.port(), request("/").as_bytes()).await.0, 200);
    site.app.take();
    site.house.stop().await;
    for path in ["/api/who", "/"] {
        let answer = ann.fetch("GET", path, None).await;
        assert!(answer.status.is_server_error(), "{path}: {}", answer.status);
    }
    assert!(site.app.take().is_empty());
    site.house.open_again().await;
}

pub(crate) async fn spoofed(site: &Site) {
    const CLAIMS: &[(&str, &str)] = &[
        ("authorization", "Bearer spoofed"),
        ("cloakroom-account", "spoofed"),
        ("cloakroom-session", "spoofed"),
        ("cloakroom-roles", "spoofed"),
        ("cloakroom-groups", "spoofed"),
        ("cloakroom-email", "spoofed"),
        ("cloakroom-form-token", "spoofed"),
        ("x-forwarded-for", "203.0.113.66"),
        ("x-forwarded-host", "spoofed.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-user", "spoofed"),
        ("x-forwarded-email", "spoofed"),
        ("x-forwarded-groups", "spoofed"),
        ("x-remote-user", "spoofed"),
        ("remote-user", "spoofed"),
        ("forwarded", "for=203.0.113.66;host=spoofed.example;proto=https"),
    ];
    // What a client says of the way is not what is judged.
    let guest = site.guest();
    for more in [
        vec![("x-forwarded-uri", "/"), ("x-forwarded-method", "GET")],
        vec![("x-original-url", "/"), ("x-rewrite-url", "/"), ("x-original-uri", "/")],
        vec![("authorization", "Bearer spoofed"), ("cloakroom-account", "spoofed")],
    ] {
        let refused = guest.send("GET", "/api/who", &more, "").await;
        assert!(refused.status.is_client_error(), "{more:?}: {} {}", refused.status, refused.text());
    }
    assert!(site.app.take().is_empty());
    let ann = site.signed_in().await;
    for (visitor, path) in [(&ann, "/api/who"), (&guest, "/open/x"), (&ann, "/open/x")] {
        let answer = visitor.send("GET", path, CLAIMS, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        let seen = site.app.one();
        for (name, value) in &seen.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            assert!(!value.contains("spoofed") && !value.contains("203.0.113.66"), "{name}: {value}");
        }
        assert!(["", "http"].contains(&seen.header("x-forwarded-proto")), "{seen:?}");
    }
    // Other spellings, and other addresses than the one that was judged.
    for (name, value) in [
        ("cloakroom_account", "spoofed"),
        ("cloakroom_roles", "spoofed"),
        ("cloakroom.roles", "spoofed"),
        ("x-original-url", "/api/spoofed"),
        ("x-rewrite-url", "/api/spoofed"),
        ("x-http-method-override", "spoofed"),
    ] {
        ann.send("GET", "/", &[(name, value)], "").await;
        for seen in site.app.take() {
            assert!(!format!("{seen:?}").contains("spoofed"), "{name}: {seen:?}");
        }
    }
    // The log of the account names the address that the proxy saw.
    let sessions = ann.fetch("GET", "/auth/sessions", None).await.text();
    assert!(!sessions.contains("203.0.113.66"), "{sessions}");
}

/// What Cloakroom would answer with a yes of its own is none to the request behind the question.
pub(crate) async fn preflight(site: &Site) {
    let ann = site.signed_in().await;
    for origin in ["http://localhost:1", "https://evil.example"] {
        let asks = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("cloakroom-account", "spoofed"),
            ("authorization", "Bearer spoofed"),
        ];
        let answer = ann.send("OPTIONS", "/api/who", &asks, "").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}: {}", answer.text());
        assert!(site.app.take().is_empty(), "{origin}");
    }
}
