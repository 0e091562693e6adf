//! Whom no bank lets in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use cloakroom_lab_victims::What;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;

use crate::visitor::{BEHIND, CANARY, EMAIL, Visitor, all, pass, text};

const PROTECTED: &[(&str, &str)] = &[
    ("GET", "/api/profile"),
    ("POST", "/api/email"),
    ("POST", "/api/password"),
    ("POST", "/api/transfer"),
    ("POST", "/api/delete"),
    ("POST", "/api/posts"),
];

#[tokio::test]
async fn a_stranger_is_refused_everywhere_and_it_is_noted() {
    for strategy in all() {
        let mut nobody = Visitor::of(strategy);
        for (method, path) in PROTECTED {
            let request = nobody
                .request(&method.parse().unwrap(), path)
                .header(header::CONTENT_TYPE, "application/json")
                .header("x-lab-account", "nobody@bank.test");
            let mut request =
                request.body(Bytes::from(json!({ "email": "a", "to": "b", "amount": 1 }).to_string())).unwrap();
            if strategy == BEHIND {
                request.headers_mut().remove("x-lab-account");
            }
            let answer = nobody.send(request).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{strategy} {method} {path}");
            assert!(!text(&answer).contains(CANARY));
        }
        let deeds = nobody.bank.deeds();
        assert_eq!(deeds.len(), PROTECTED.len(), "{strategy}");
        assert!(deeds.iter().all(|deed| deed.what == What::Refused { status: 401 } && deed.account.is_empty()));
    }
}

#[tokio::test]
async fn a_wrong_password_gives_out_nothing() {
    for strategy in all().into_iter().filter(|id| *id != BEHIND) {
        let mut ann = Visitor::of(strategy);
        for (email, password) in [(EMAIL, "wrong"), (EMAIL, ""), ("nobody@bank.test", "wrong")] {
            let answer = ann.post("/api/login", &json!({ "email": email, "password": password })).await;
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{strategy}");
            assert_eq!(text(&answer), r#"{"error":"wrong-password"}"#);
        }
        assert_eq!(ann.profile().await, StatusCode::UNAUTHORIZED);
        assert!(!ann.bank.deeds().iter().any(|deed| deed.what == What::Login));
    }
}

/// Every token and cookie of this visitor changed by `change`, one at a time.
fn spoilt(ann: &Visitor, change: impl Fn(&str) -> String) -> Vec<Visitor> {
    let mut all = Vec::new();
    for (name, value) in &ann.cookies {
        let mut other = ann.clone();
        other.cookies.insert(name.clone(), change(value));
        all.push(other);
    }
    for name in ["access_token", "payload"] {
        if let Some(value) = ann.tokens[name].as_str() {
            let mut other = ann.clone();
            other.tokens[name] = change(value).into();
            all.push(other);
        }
    }
    // The refresh cookie is not what a call is judged by.
    all.into_iter().filter(|other| other.cookies.get("refresh_token") == ann.cookies.get("refresh_token")).collect()
}

#[tokio::test]
async fn a_tampered_credential_is_refused() {
    for strategy in all().into_iter().filter(|id| *id != BEHIND) {
        let ann = Visitor::inside(strategy).await;
        let first = |text: &str| format!("{}{}", if text.starts_with('A') { "B" } else { "A" }, &text[1..]);
        let cut = |text: &str| text[..text.len() - 2].to_owned();
        for mut other in spoilt(&ann, first).into_iter().chain(spoilt(&ann, cut)) {
            assert_eq!(other.profile().await, StatusCode::UNAUTHORIZED, "{strategy}");
        }
    }
}

#[tokio::test]
async fn a_token_that_says_it_needs_no_signature_is_refused() {
    for strategy in ["S1", "S8", "S10", "S12", "S13", "S14", "S16", "control-bearer"] {
        let ann = Visitor::inside(strategy).await;
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let unsigned = |text: &str| match text.split('.').collect::<Vec<_>>().as_slice() {
            [_, payload, _] => format!("{header}.{payload}."),
            [_, payload] => format!("{header}.{payload}"),
            _ => String::new(),
        };
        let forged = spoilt(&ann, unsigned);
        assert!(!forged.is_empty(), "{strategy}");
        for mut other in forged {
            assert_eq!(other.profile().await, StatusCode::UNAUTHORIZED, "{strategy}");
        }
    }
}

#[tokio::test]
async fn a_log_in_ends() {
    let lifetimes =
        [("S1", 900), ("S14", 900), ("S8", 86_400), ("S12", 86_400), ("S13", 86_400), ("S15", 28_800), ("S16", 86_400)];
    for (strategy, seconds) in lifetimes {
        let mut ann = Visitor::inside(strategy).await;
        pass(seconds - 1);
        assert_eq!(ann.profile().await, StatusCode::OK, "{strategy}");
        pass(1);
        assert_eq!(ann.profile().await, StatusCode::UNAUTHORIZED, "{strategy}");
    }
    let mut ann = Visitor::inside("control-bearer").await;
    pass(50 * 365 * 86_400);
    assert_eq!(ann.profile().await, StatusCode::OK);
}

#[tokio::test]
async fn the_static_header_is_asked_for_where_it_should_be() {
    for (strategy, status) in [("S15", StatusCode::FORBIDDEN), ("S16", StatusCode::FORBIDDEN), ("S10", StatusCode::OK)]
    {
        let mut ann = Visitor::inside(strategy).await;
        for (method, path) in [(Method::GET, "/api/profile"), (Method::POST, "/api/delete")] {
            let mut request = ann.request(&method, path).body(Bytes::new()).unwrap();
            request.headers_mut().remove("x-csrf");
            assert_eq!(ann.send(request).await.status(), status, "{strategy}");
        }
    }
}

#[tokio::test]
async fn bodies_are_bounded_and_read_only_as_the_framework_reads_them() {
    for strategy in all() {
        let mut ann = Visitor::inside(strategy).await;
        let long = ann.post("/api/posts", &json!({ "html": "x".repeat(101 * 1024) })).await;
        assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE, "{strategy}");
        let request = ann.request(&Method::POST, "/api/email").header(header::CONTENT_TYPE, "application/json");
        let broken = ann.send(request.body(Bytes::from("{\"email\":")).unwrap()).await;
        assert_eq!(broken.status(), StatusCode::BAD_REQUEST, "{strategy}");
    }
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\nbob\r\n--b\r\n\
                     Content-Disposition: form-data; name=\"amount\"\r\n\r\n5\r\n--b--\r\n";
    let bodies = [
        ("text/plain", r#"{"to":"bob","amount":5,"=":"="}"#),
        ("multipart/form-data; boundary=b", multipart),
        ("application/x-www-form-urlencoded", "to=bob&amount=5"),
    ];
    for (strategy, taken) in [("control-none", [true; 3]), ("S10", [false, false, true]), ("behind", [true; 3])] {
        for ((kind, text), taken) in bodies.into_iter().zip(taken) {
            let mut ann = Visitor::inside(strategy).await;
            ann.form("/api/transfer", kind, text).await;
            let paid = ann.deeds().contains(&What::Transferred { to: "bob".into(), amount: 5 });
            assert_eq!(paid, taken, "{strategy} {kind}");
        }
    }
}

#[tokio::test]
async fn behind_cloakroom_changes_are_by_post_and_trace_is_not_known() {
    let mut ann = Visitor::inside(BEHIND).await;
    for path in ["/api/transfer?to=bob&amount=5", "/api/delete", "/logout", "/api/login"] {
        assert_eq!(ann.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let trace = ann.request(&Method::TRACE, "/").body(Bytes::new()).unwrap();
    assert_eq!(ann.send(trace).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(ann.profile().await, StatusCode::OK);
}

#[tokio::test]
async fn of_two_cookies_of_one_name_the_first_counts_whatever_stands_beside_them() {
    let ann = Visitor::inside("S10").await;
    let good = format!("token={}", ann.cookies["token"]);
    let planted = "\u{2000}token=planted";
    for (cookies, status) in [
        (format!("{planted}; {good}"), StatusCode::OK),
        (format!("{good}; token=planted"), StatusCode::OK),
        (format!("token=planted; {good}"), StatusCode::UNAUTHORIZED),
        (format!("token=\u{e9}; {good}"), StatusCode::UNAUTHORIZED),
        (planted.to_owned(), StatusCode::UNAUTHORIZED),
    ] {
        let mut request = ann.request(&Method::GET, "/api/profile").body(Bytes::new()).unwrap();
        request.headers_mut().insert(header::COOKIE, HeaderValue::from_bytes(cookies.as_bytes()).unwrap());
        assert_eq!(ann.clone().send(request).await.status(), status, "{cookies}");
    }
}

#[tokio::test]
async fn a_token_of_one_bank_is_nothing_at_another() {
    let ann = Visitor::inside("S1").await;
    let mut there = Visitor { strategy: "S2", ..ann.clone() };
    there.bank.open_account("S2", EMAIL, "x", CANARY);
    assert_eq!(there.profile().await, StatusCode::UNAUTHORIZED);
    let unknown = there.bank.answer("S99", there.request(&Method::GET, "/").body(Bytes::new()).unwrap()).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}
