//! The API over real sockets: who gets in, what one can do, and whose notes one sees.

use std::sync::atomic::Ordering;

use crate::issuer::{Issuer, Server};
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use serde_json::json;

#[tokio::test]
async fn a_person_adds_lists_and_deletes_notes() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let token = issuer.token("ada");
    assert!(api.texts(&token).await.is_empty());
    let added = api.add(&token, "  <b>milk</b> & ümlaut \n").await;
    assert_eq!(added.status, StatusCode::CREATED);
    assert_eq!(added.json(), json!({ "id": 1, "text": "<b>milk</b> & ümlaut", "at": 1_800_000_000 }));
    assert_eq!(added.headers[header::CACHE_CONTROL], "no-store");
    api.add(&token, "bread").await;
    assert_eq!(api.texts(&token).await, ["<b>milk</b> & ümlaut", "bread"]);
    assert_eq!(api.get("/api/notes", &token).await.json()["seq"], 2);
    assert_eq!(api.delete(&token, 1).await.status, StatusCode::NO_CONTENT);
    assert_eq!(api.delete(&token, 1).await.code(), "not-found");
    assert_eq!(api.texts(&token).await, ["bread"]);
}

#[tokio::test]
async fn nobody_reaches_the_notes_of_another() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let (ada, bob) = (issuer.token("ada"), issuer.token("bob"));
    let id = api.add(&ada, "ada's").await.json()["id"].as_u64().unwrap();
    assert!(api.texts(&bob).await.is_empty());
    assert_eq!(api.delete(&bob, id).await.code(), "not-found");
    assert_eq!(api.texts(&ada).await, ["ada's"]);
}

#[tokio::test]
async fn coins_move_between_the_purses_of_whoever_sends_them() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let (ada, bob) = (issuer.token("ada"), issuer.token("bob"));
    let send = async |token: &str, body: &str| {
        let mut request = api.request(Method::POST, "/api/coins", token, Body::from(body.to_owned()));
        request.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        api.send(request).await
    };
    let moved = send(&ada, r#"{"to":"savings","amount":5}"#).await;
    assert_eq!((moved.status, moved.json()), (StatusCode::OK, json!({ "pocket": 95, "savings": 5 })));
    assert_eq!(api.get("/api/coins", &ada).await.json(), json!({ "pocket": 95, "savings": 5 }));
    assert_eq!(api.get("/api/coins", &bob).await.json(), json!({ "pocket": 100, "savings": 0 }));
    assert_eq!(send(&ada, r#"{"to":"pocket","amount":6}"#).await.code(), "too-few-coins");
    for bad in [r#"{"to":"pocket","amount":0}"#, r#"{"to":"bob","amount":1}"#, r#"{"to":"pocket","amount":-1}"#, "{"] {
        assert_eq!(send(&ada, bad).await.code(), "bad-transfer", "{bad}");
    }
}

#[tokio::test]
async fn every_route_refuses_without_a_good_token() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let good = issuer.token("ada");
    let with = |change: &dyn Fn(&mut cloakroom_jose::AccessClaims)| {
        let mut claims = issuer.claims("ada");
        change(&mut claims);
        issuer.sign(&claims)
    };
    let mut forged = good.clone();
    forged.replace_range(
        good.len() - 20..good.len() - 19,
        if &good[good.len() - 20..good.len() - 19] == "A" { "B" } else { "A" },
    );
    let bad = [
        ("expired", with(&|c| c.exp = c.iat - 6)),
        ("wrong audience", with(&|c| c.aud = "another".into())),
        ("wrong issuer", with(&|c| c.iss = "https://evil.example".into())),
        ("from the future", with(&|c| c.iat += 60)),
        ("forged", forged),
        ("not a token", "x".into()),
        ("huge", "x".repeat(10_000)),
    ];
    let routes = [
        (Method::GET, "/api/notes"),
        (Method::POST, "/api/notes"),
        (Method::DELETE, "/api/notes/1"),
        (Method::GET, "/api/coins"),
        (Method::POST, "/api/coins"),
        (Method::GET, "/api/events"),
        (Method::GET, "/api/live"),
    ];
    for (method, path) in routes {
        let none = api.send(api.request(method.clone(), path, "", Body::empty())).await;
        assert_eq!((none.status, none.code().as_str()), (StatusCode::UNAUTHORIZED, "token-missing"), "{path}");
        assert_eq!(none.headers[header::WWW_AUTHENTICATE], "Bearer");
        for (name, token) in &bad {
            let answer = api.send(api.request(method.clone(), path, token, Body::empty())).await;
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (StatusCode::UNAUTHORIZED, "token-invalid"),
                "{path} {name}"
            );
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer error=\"invalid_token\"");
        }
        let mut two = api.request(method, path, &good, Body::empty());
        two.headers_mut().append(header::AUTHORIZATION, format!("Bearer {good}").parse().unwrap());
        assert_eq!(api.send(two).await.code(), "token-missing", "{path} two tokens");
    }
    assert_eq!(api.get("/api/notes", &good).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_ends_by_the_clock() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let token = issuer.token("ada");
    issuer.wait(304);
    assert_eq!(api.get("/api/notes", &token).await.status, StatusCode::OK);
    issuer.wait(1);
    assert_eq!(api.get("/api/notes", &token).await.code(), "token-invalid");
}

#[tokio::test]
async fn j87_15_a_rotated_key_is_fetched_but_made_up_ones_cause_one_fetch_in_three_seconds() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let before = issuer.token("ada");
    api.add(&before, "kept").await;
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 1);

    issuer.rotate("second");
    let after = issuer.token("ada");
    // A moment after the first fetch, the unknown name changes nothing.
    assert_eq!(api.get("/api/notes", &after).await.code(), "token-invalid");
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 1);
    issuer.wait(3);
    assert_eq!(api.texts(&after).await, ["kept"]);
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 2);
    // Its key is not published any more.
    assert_eq!(api.get("/api/notes", &before).await.code(), "token-invalid");

    issuer.publish(r#"{"keys":[]}"#); // names that are never published
    issuer.wait(3);
    for i in 0..20 {
        let key =
            cloakroom_jose::SigningKey::generate(cloakroom_jose::Algorithm::EdDsa, &format!("made up {i}")).unwrap();
        let token = key.sign("at+jwt", &issuer.claims("ada")).unwrap();
        assert_eq!(api.get("/api/notes", &token).await.code(), "token-invalid");
    }
    assert_eq!(issuer.fetches.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_withdrawn_key_is_trusted_for_a_minute_at_most_and_a_broken_document_changes_nothing() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let token = issuer.token("ada");
    assert!(api.texts(&token).await.is_empty());
    for broken in ["{", r#"{"keys":7}"#, &format!(r#"{{"keys":[],"x":"{}"}}"#, "x".repeat(70_000))] {
        issuer.publish(broken);
        issuer.wait(60);
        assert!(api.texts(&token).await.is_empty());
    }
    issuer.publish(r#"{"keys":[]}"#);
    issuer.wait(60);
    assert_eq!(api.get("/api/notes", &token).await.code(), "token-invalid");
}

#[tokio::test]
async fn without_the_issuers_keys_nobody_is_told_from_anybody() {
    let issuer = Issuer::start().await;
    issuer.publish("not json");
    let api = issuer.api(None).await;
    let answer = api.get("/api/notes", &issuer.token("ada")).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "keys-unavailable"));
    issuer.rotate("second");
    issuer.wait(3);
    assert!(api.texts(&issuer.token("ada")).await.is_empty());
}

#[tokio::test]
async fn what_is_not_a_note_is_refused_by_name() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let token = issuer.token("ada");
    let post = |body: String| api.request(Method::POST, "/api/notes", &token, body);
    for (body, code) in [
        ("{".to_owned(), "bad-note"),
        ("[]".to_owned(), "bad-note"),
        (r#"{"text":7}"#.to_owned(), "bad-note"),
        (r#"{"text":"x","sub":"bob"}"#.to_owned(), "bad-note"),
        (json!({ "text": " \n" }).to_string(), "bad-note"),
        (json!({ "text": "ü".repeat(501) }).to_string(), "bad-note"),
        (json!({ "text": "x".repeat(9_000) }).to_string(), "too-large"),
    ] {
        assert_eq!(api.send(post(body.clone())).await.code(), code, "{body:.40}");
    }
    let mut form = post("text=x".into());
    form.headers_mut().insert(header::CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(api.send(form).await.code(), "not-json");
    // The longest note, in the longest way to write it.
    let escaped = format!(r#"{{"text":"{}"}}"#, "\\u00fc".repeat(500));
    assert_eq!(api.send(post(escaped)).await.status, StatusCode::CREATED);
    for path in ["/api/notes/x", "/api/notes/-1", "/api/notes/99999999999999999999"] {
        assert_eq!(api.send(api.request(Method::DELETE, path, &token, Body::empty())).await.code(), "not-found");
    }
    assert_eq!(api.get("/api/other", &token).await.code(), "not-found");
    assert_eq!(api.send(api.request(Method::PUT, "/api/notes", &token, "{}")).await.code(), "method-not-allowed");
}

#[tokio::test]
async fn notes_survive_a_restart_and_a_broken_file_is_not_taken_for_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.json");
    let issuer = Issuer::start().await;
    let token = issuer.token("ada");
    let api = issuer.api(Some(path.clone())).await;
    let adding = (0..20).map(|i| api.add(&token, if i % 2 == 0 { "even" } else { "odd" }));
    for answer in futures_util::future::join_all(adding).await {
        assert_eq!(answer.status, StatusCode::CREATED);
    }
    assert_eq!(api.delete(&token, 20).await.status, StatusCode::NO_CONTENT);
    let before = api.texts(&token).await;
    api.stop().await;

    let api = issuer.api(Some(path.clone())).await;
    assert_eq!(api.texts(&token).await, before);
    assert_eq!(api.add(&token, "next").await.json()["id"], 22);
    api.stop().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    std::fs::write(&path, "{\"people\":").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = cloakroom_notes::ApiConfig {
        jwks_url: "http://127.0.0.1:1/keys".into(),
        issuer: String::new(),
        audience: String::new(),
        data: Some(path),
        now: std::sync::Arc::new(|| 0),
    };
    let refused = cloakroom_notes::serve_api(listener, config, std::future::pending()).await;
    assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn the_page_comes_with_its_policy_and_without_anything_inline() {
    let app = Server::start(cloakroom_notes::serve_app).await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/live.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let answer = app.get(path, "").await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.headers[header::CONTENT_TYPE], kind);
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-cache");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers[header::CONTENT_SECURITY_POLICY], cloakroom_notes::CONTENT_SECURITY_POLICY);
        assert!(!answer.body.is_empty());
    }
    let page = String::from_utf8(app.get("/", "").await.body.to_vec()).unwrap();
    assert!(!page.contains("<style") && page.contains("<noscript>"));
    let attributes = page.split_whitespace().filter(|word| word.contains('='));
    for attribute in attributes {
        assert!(!attribute.starts_with("style") && !attribute.starts_with("on"), "inline: {attribute}");
    }
    for part in page.split("<script").skip(1) {
        assert!(part.contains("></script>"), "an inline script: {part:.80}");
    }
    assert_eq!(app.get("/other", "").await.status, StatusCode::NOT_FOUND);
}
