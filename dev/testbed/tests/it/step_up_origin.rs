//! The origin of approvals: nothing of the application is there, nothing from elsewhere reaches it, and its pages are in no frame.

use crate::approving::{Approval, BANK, Call, Judged, apart};
use cloakroom_testbed::{Answer, Guest, House, PASSWORD};
use cloakroom_web::table::{Guard, ROUTES};
use http::header::HeaderMap;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn assert_unframeable(headers: &HeaderMap) {
    let csp: Vec<_> = headers.get_all("content-security-policy").iter().map(|csp| csp.to_str().unwrap()).collect();
    assert!(csp.iter().any(|csp| csp.contains("frame-ancestors 'none'")), "{csp:?}");
    assert!(csp.iter().any(|csp| csp.contains("default-src 'none'") && csp.contains("base-uri 'none'")), "{csp:?}");
    assert_eq!(headers["x-frame-options"], "DENY");
    assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
    assert_eq!(headers["cross-origin-resource-policy"], "same-origin");
    assert_eq!(headers["cache-control"], "no-store");
    assert!(headers.get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn the_page_is_in_no_frame_whatever_the_configuration_allows_elsewhere() {
    for set_up in [BANK.to_owned(), apart()] {
        let more = format!("{set_up}\n[headers]\nframe_ancestors = \"'self' https://portal.example.com\"");
        let house = House::with(&more).await;
        let ann = house.signed_in("ann@example.com").await;
        let approval = Call::transfer().ask(&ann).await;
        assert_unframeable(&approval.page(&ann).await.headers);
        let wrong = approval.prove_by_page(&ann, "password", "not the password of ann").await;
        assert_eq!(wrong.status, 422);
        assert_unframeable(&wrong.headers);
        let framed = [("sec-fetch-site", "same-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        assert_unframeable(&approval.person(&ann).send("GET", &approval.path, &framed, "").await.headers);
        assert_unframeable(&approval.prove_by_page(&ann, "password", PASSWORD).await.headers);
        assert_unframeable(&approval.prove_by_page_after(&ann).await.headers);
        house.close().await;
    }
}

impl Approval {
    /// Its page once it is approved.
    async fn prove_by_page_after(&self, guest: &Guest) -> Answer {
        let page = self.page(guest).await;
        assert!(page.text().contains("<h1>Approved</h1>"), "{}", page.text());
        page
    }
}

/// What a script in a page at `from` can make a browser say of a request to the approval origin.
fn from_pages(house: &House) -> Vec<Vec<(&'static str, String)>> {
    let public = house.origin();
    let approve = format!("http://approve.localhost:{}", house.port());
    let said = |site: &str, origin: &str| vec![("sec-fetch-site", site.to_owned()), ("origin", origin.to_owned())];
    vec![
        said("same-site", &public),
        said("cross-site", &public),
        said("same-origin", &public),
        said("none", &public),
        said("cross-site", "null"),
        said("same-origin", "null"),
        said("cross-site", "https://evil.example"),
        said("same-site", "http://other.localhost:1"),
        said("cross-site", &approve),
        said("none", &approve),
        vec![("origin", public.clone())],
        vec![("sec-fetch-site", "same-site".into())],
        vec![("sec-fetch-site", "cross-site".into())],
        vec![("origin", format!("{approve}.evil.example"))],
        vec![("origin", "http://approve.localhost".into())],
        vec![("origin", approve.clone()), ("origin", public)],
    ]
}

#[tokio::test]
async fn a_script_in_a_page_of_the_application_cannot_call_what_approves() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let call = Call::transfer();
    let approval = call.ask(&ann).await;
    let person = approval.person(&ann);
    let form = approval.page(&ann).await.form(&approval.path, &["password"]);
    let token = form.value("cloakroom_csrf").unwrap().to_owned();
    let rows: Vec<_> = ROUTES.iter().filter(|row| row.guard == Guard::Approver && row.method == "POST").collect();
    assert!(rows.len() >= 3, "the routes that approve are tried");
    for row in rows {
        let path = row.path.replace("{id}", &approval.id);
        // Even if it knew the password and a form token of the page.
        let json = json!({ "password": PASSWORD, "id": approval.id, "cloakroom_csrf": token }).to_string();
        let form = format!("password={}&id={}&cloakroom_csrf={token}", PASSWORD.replace(' ', "+"), approval.id);
        for said in from_pages(&house) {
            for (kind, body) in [
                ("application/json", &json),
                ("application/x-www-form-urlencoded", &form),
                ("text/plain", &json),
                ("multipart/form-data; boundary=x", &form),
            ] {
                let mut headers: Vec<(&str, &str)> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
                headers.extend([("content-type", kind), ("cloakroom-csrf", &*token)]);
                let answer = person.send("POST", &path, &headers, body.clone()).await;
                assert_eq!((answer.status.as_u16(), row.path), (403, row.path), "{said:?} {kind}: {}", answer.text());
                assert!(answer.headers.get("access-control-allow-origin").is_none());
            }
        }
        // What says nothing of where it comes from needs the page's own token, which is tied to the page's own cookie.
        for csrf in ["", "x", &*ann.fetch("GET", "/auth/csrf", None).await.json()["csrf"].as_str().unwrap().to_owned()]
        {
            let headers = [("content-type", "application/json"), ("cloakroom-csrf", csrf)];
            let plain = json!({ "password": PASSWORD, "id": approval.id }).to_string();
            person.send("POST", &path, &headers, plain).await.refused(403, "form-token-needed");
        }
        let elsewhere = house.guest().at_origin(person.origin());
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("sec-fetch-site", "same-origin"),
            ("origin", person.origin()),
        ];
        let answer = elsewhere.send("POST", &path, &headers, form.clone()).await;
        assert_eq!(answer.status, 403, "another browser's token: {}", answer.text());
        // A preflight is told nothing that would let the call follow.
        let asks =
            [("origin", &*house.origin()), ("access-control-request-method", "POST"), ("sec-fetch-site", "same-site")]
                .map(|(name, value)| (name, value.to_owned()));
        let asks: Vec<_> = asks.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let preflight = person.send("OPTIONS", &path, &asks, "").await;
        assert!(preflight.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{preflight:?}");
    }
    assert_eq!(approval.collect(&ann).await.status, 202, "it still waits");
    approval.prove_by_page(&ann, "password", PASSWORD).await;
    let grant = approval.grant(&house, &ann).await;
    call.with_grant(&ann, &grant).await.done();
    house.close().await;
}

#[tokio::test]
async fn nothing_is_approved_on_the_public_origin_when_approvals_have_one_of_their_own() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let approval = Call::transfer().ask(&ann).await;
    for row in ROUTES.iter().filter(|row| row.guard == Guard::Approver) {
        let path = row.path.replace("{id}", &approval.id);
        let body = (row.method == "POST").then(|| json!({ "password": PASSWORD, "id": approval.id }));
        ann.fetch(row.method, &path, body).await.refused(421, "approval-elsewhere");
        if row.method == "POST" {
            assert_eq!(ann.submit(&path, &[("password", PASSWORD)]).await.status, 421);
        } else {
            assert_eq!(ann.visit(&path).await.status, 421);
        }
    }
    assert_eq!(approval.collect(&ann).await.status, 202);
    house.close().await;
}

#[tokio::test]
async fn nothing_else_of_the_site_is_on_the_origin_of_approvals() {
    let house =
        House::with(&format!("session.slots = 2\nrevocation.feed_token = \"{}\"\n{}", "f".repeat(40), apart())).await;
    let ann = house.signed_in("ann@example.com").await;
    let there = ann.at_origin(&format!("http://approve.localhost:{}", house.port()));
    // Should it ever hold the cookies of the public origin.
    for name in ["__Host-Http-cloakroom", "__Secure-cloakroom-refresh"] {
        there.plant(name, "/", &ann.cookie(name).unwrap());
    }
    for row in ROUTES {
        let path = row.path.replace("{id}", "AAAAAAAAAAAAAAAAAAAAAA");
        let here = row.guard == Guard::Approver || path.starts_with("/auth/assets/") || path == "/auth/reports";
        for path in [path.clone(), format!("/u/1{path}")] {
            let body = (row.method == "POST").then(|| json!({ "password": PASSWORD }));
            let answer = there.fetch(row.method, &path, body).await;
            assert_eq!(
                answer.status == 421,
                !here || path.starts_with("/u/1"),
                "{} {path}: {}",
                row.method,
                answer.text()
            );
            let looked = there.visit(&path).await;
            assert!(
                looked.header("location").is_empty()
                    && looked.cookies().iter().all(|cookie| cookie.contains("-device=")),
                "{path}"
            );
        }
    }
    for path in [
        "/x",
        "/app/x",
        "/bank/transfer",
        "/bank/vault/7",
        "/u/1/app/x",
        "/.well-known/openid-configuration",
        "/auth/step-up",
        "/auth/step-up/collect",
        "/auth",
        "/auth/me",
        "/favicon.ico",
        "//",
        "/%61uth/step-up/x/../../app/x",
    ] {
        for method in ["GET", "POST", "PUT", "OPTIONS"] {
            there.fetch(method, path, None).await.refused(421, "misdirected");
        }
    }
    for path in [
        "/auth/step-up/../../app/x",
        "/auth/assets/../../app/x",
        "/auth/step-up/x/y",
        "/auth/step-up/%2e%2e/me",
        "/auth/assets/",
    ] {
        let answer = there.fetch("GET", path, None).await;
        assert!([404, 410, 421].contains(&answer.status.as_u16()), "{path}: {}", answer.text());
    }
    // Whoever types its name is led home.
    let front = there.visit("/").await;
    assert_eq!((front.status.as_u16(), front.header("location")), (303, &*format!("{}/", house.origin())));
    assert_eq!(there.fetch("GET", "/", None).await.status, 421);
    let handshake = [("upgrade", "websocket"), ("connection", "upgrade"), ("origin", there.origin())];
    assert_eq!(there.send("GET", "/app/ws", &handshake, "").await.status, 421);
    assert!(house.echo.take().is_empty(), "no application was asked");
    assert_eq!(ann.status_of_app().await, 200);
    house.close().await;
}

async fn raw(house: &House, head: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn however_its_name_is_written_no_application_answers_to_it() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let approval = Call::transfer().ask(&ann).await;
    let (port, access) = (house.port(), ann.cookie("__Host-Http-cloakroom").unwrap());
    let cookie = format!("cookie: __Host-Http-cloakroom={access}\r\nconnection: close");
    for (host, is_it) in [
        (format!("approve.localhost:{port}"), true),
        (format!("APPROVE.LocalHost:{port}"), true),
        ("approve.localhost".to_owned(), true),
        ("approve.localhost:1".to_owned(), true),
        ("approve.localhost:".to_owned(), true),
        (format!("approve.localhost.:{port}"), false),
        ("approve.localhost.".to_owned(), false),
        (format!("approve.localhost..:{port}"), false),
        (format!("approve.localhost:{port}:{port}"), false),
        (format!("x.approve.localhost.evil.example:{port}"), false),
        (format!("approve%2elocalhost:{port}"), false),
        (String::new(), false),
    ] {
        let app = raw(&house, &format!("GET /app/x HTTP/1.1\r\nhost: {host}\r\n{cookie}\r\n\r\n")).await;
        assert!(!app.starts_with("HTTP/1.1 2") && !app.starts_with("HTTP/1.1 3"), "{host:?}: {app}");
        let page = raw(&house, &format!("GET {} HTTP/1.1\r\nhost: {host}\r\n{cookie}\r\n\r\n", approval.path)).await;
        assert_eq!(page.starts_with("HTTP/1.1 200"), is_it, "{host:?}: {page}");
    }
    // The target says more than the header (RFC 9112 §3.2.2), and two headers say nothing.
    let there =
        format!("GET http://approve.localhost:{port}/app/x HTTP/1.1\r\nhost: localhost:{port}\r\n{cookie}\r\n\r\n");
    let answer = raw(&house, &there).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    let here = format!(
        "GET http://localhost:{port}{} HTTP/1.1\r\nhost: approve.localhost:{port}\r\n{cookie}\r\n\r\n",
        approval.path
    );
    let answer = raw(&house, &here).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    for two in [["localhost", "approve.localhost"], ["approve.localhost", "localhost"]] {
        let [one, other] = two.map(|host| format!("host: {host}:{port}"));
        for path in ["/app/x", &*approval.path] {
            let answer = raw(&house, &format!("GET {path} HTTP/1.1\r\n{one}\r\n{other}\r\n{cookie}\r\n\r\n")).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        }
    }
    for forwarded in ["x-forwarded-host: localhost", "forwarded: host=localhost", "x-host: localhost"] {
        let head =
            format!("GET /app/x HTTP/1.1\r\nhost: approve.localhost:{port}\r\n{forwarded}:{port}\r\n{cookie}\r\n\r\n");
        assert!(raw(&house, &head).await.starts_with("HTTP/1.1 421"), "{forwarded}");
    }
    assert!(house.echo.take().is_empty(), "no application was asked");
    house.close().await;
}

#[tokio::test]
async fn behind_a_proxy_the_name_that_it_tells_decides_and_two_names_are_none() {
    let house = House::with(&format!("server.trusted_proxies = [\"127.0.0.1\"]\n{}", apart())).await;
    let ann = house.signed_in("ann@example.com").await;
    let approval = Call::transfer().ask(&ann).await;
    let (port, access) = (house.port(), ann.cookie("__Host-Http-cloakroom").unwrap());
    let ask = async |path: &str, host: &str, told: &str| {
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\nx-forwarded-for: 203.0.113.7\r\nx-forwarded-host: {told}:{port}\r\n\
             cookie: __Host-Http-cloakroom={access}\r\nconnection: close\r\n\r\n"
        );
        raw(&house, &head).await
    };
    // A proxy that sends one fixed name, and tells the one that was asked for.
    for host in ["localhost", "approve.localhost"] {
        let app = ask("/app/x", host, "approve.localhost").await;
        assert!(app.starts_with("HTTP/1.1 421"), "{host}: {app}");
    }
    assert!(ask("/app/x", "approve.localhost", "localhost").await.starts_with("HTTP/1.1 4"), "two names are none");
    assert!(house.echo.take().is_empty(), "no application was asked");
    assert!(ask(&approval.path, "localhost", "localhost").await.starts_with("HTTP/1.1 421"));
    assert!(ask(&approval.path, "approve.localhost", "approve.localhost").await.starts_with("HTTP/1.1 200"));
    assert!(ask("/app/x", "localhost", "localhost").await.starts_with("HTTP/1.1 200"));
    house.close().await;
}

#[tokio::test]
async fn a_page_of_a_session_that_this_browser_does_not_have_still_says_no_address() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let approval = Call::transfer().ask(&ann).await;
    // Who finds the page may look, and can do nothing without a proof of hers.
    let stranger = house.guest();
    let answer = approval.page(&stranger).await;
    for cookie in answer.cookies() {
        assert!(cookie.starts_with("__Secure-cloakroom-device=") && cookie.contains("HttpOnly"), "{cookie}");
        assert!(!cookie.to_lowercase().contains("domain="), "of this host alone: {cookie}");
    }
    let page = answer.text();
    assert!(!page.contains("ann@example.com"), "{page}");
    answer.form(&approval.path, &["password", "cloakroom_csrf"]);
    let bobs = house.signed_in("bob@example.com").await;
    approval.collect(&bobs).await.refused(410, "step-up-over");
    approval.collect(&stranger).await.refused(401, "signed-out");
    assert_eq!(approval.collect(&ann).await.status, 202);
    house.close().await;
}
