//! Services that speak for themselves: every way to a token, as a service would go it, and what the token opens and what not.

use crate::serving::{
    Api, BY_JWT, JWT_BEARER, ORDERS, SECRET, Stage, ask, basic, claims, key_set, refusal, signed, token,
};
use axum::routing::get;
use axum::{Json, Router};
use cloakroom_app::service::NewClient;
use cloakroom_core::service::{Grant, Registration};
use cloakroom_jose::{Algorithm, SigningKey};
use cloakroom_testbed::{Guest, House};
use http::StatusCode;
use serde_json::json;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

const OWN: (&str, &str) = ("grant_type", "client_credentials");

async fn opens_nothing_here(guest: &Guest, token: &str) {
    let authorization = format!("Bearer {token}");
    for path in ["/app/x", "/auth/me", "/auth/sessions", "/auth/account"] {
        let answer = guest.send("GET", path, &[("authorization", &authorization)], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    guest.plant("__Host-Http-cloakroom", "/", token);
    assert_eq!(guest.status_of_app().await, StatusCode::UNAUTHORIZED, "nor in a cookie");
    guest.lose("__Host-Http-cloakroom");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc6749_4_4_a_service_with_a_secret_calls_another_and_is_no_person_anywhere() {
    let stage = Stage::set().await;
    let (stock, mail) = (Api::open(&stage.house, "stock").await, Api::open(&stage.house, "mail").await);
    let answer = stage.ask_as("reports", SECRET, &[OWN, ("audience", "stock"), ("scope", "stock.read")]).await;
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"), "RFC 6749 §5.1");
    let said = answer.json();
    assert_eq!((said["token_type"].as_str(), said["scope"].as_str()), (Some("Bearer"), Some("stock.read")));
    assert_eq!(said["expires_in"], 300);
    assert!(said.get("refresh_token").is_none(), "RFC 6749 §4.4.3");

    // RFC 9068 §2.2: what is in it, and that there is no authentication of a person in it.
    let token = token(&answer);
    let said = claims(&token);
    assert_eq!((said["sub"].as_str(), said["client_id"].as_str()), (Some("reports"), Some("reports")));
    assert_eq!((said["aud"].as_str(), said["iss"].as_str()), (Some("stock"), Some(stage.house.origin().as_str())));
    for name in ["exp", "iat", "jti", "sid"] {
        assert!(!said[name].is_null(), "{name}");
    }
    for name in ["auth_time", "amr", "roles", "groups", "act"] {
        assert!(said.get(name).is_none(), "{name}");
    }
    let (status, who) = stock.call(&token).await;
    assert_eq!(status, 200, "{who}");
    assert_eq!(who, json!({ "subject": "reports", "person": null, "service": true, "actors": [], "reads": true }));

    // `aud` is always checked: one server's token is refused by the other.
    assert_eq!(mail.call(&token).await.0, 401, "R97-12");
    assert_eq!(
        Api::for_people(&stage.house, "stock").await.call(&token).await.0,
        401,
        "whoever reckons with people alone"
    );
    opens_nothing_here(&stage.house.guest(), &token).await;
    stage.house.close().await;
}

#[tokio::test]
async fn r97_26_not_even_a_token_for_our_own_audiences_opens_anything_here() {
    let stage = Stage::set().await;
    stage.house.guest().sign_up("ann@example.com").await;
    let own = [stage.house.origin(), ORDERS.to_owned()];
    // No configuration and no command can say so; whatever does, it opens nothing.
    let registration = Registration {
        id: "wrong".parse().unwrap(),
        name: "Wrong".into(),
        grants: vec![Grant::ClientCredentials, Grant::TokenExchange],
        audience: Some(ORDERS.into()),
        audiences: own.to_vec(),
        scopes: "stock.read".parse().unwrap(),
    };
    let new = NewClient { registration, keys: None };
    let secret = stage.house.running().app().create_client(&new).await.unwrap().unwrap();
    stage.house.watch.secret(&secret);
    let (access, ..) = stage.program().await;
    for audience in &own {
        let wish = [OWN, ("audience", audience.as_str())];
        opens_nothing_here(&stage.house.guest(), &token(&stage.ask_as("wrong", &secret, &wish).await)).await;
        let exchanged = stage.exchange_as("wrong", &secret, &access, &[("audience", audience)]).await;
        opens_nothing_here(&stage.house.guest(), &token(&exchanged)).await;
    }
    stage.house.close().await;
}

#[tokio::test]
async fn rfc6749_2_3_1_a_secret_is_taken_from_the_header_or_from_the_body() {
    let stage = Stage::set().await;
    let wish = [OWN, ("audience", "stock")];
    token(&stage.ask_as("reports", SECRET, &wish).await);
    let body = [OWN, ("audience", "stock"), ("client_id", "reports"), ("client_secret", SECRET)];
    token(&stage.ask("/auth/token", &[], &body).await);
    // A name in the body beside the header is no second way, as long as it is the same.
    token(&stage.ask_as("reports", SECRET, &[OWN, ("audience", "stock"), ("client_id", "reports")]).await);
    for (id, secret) in [("reports", "wrong"), ("reports", ""), ("nobody", SECRET), ("billing", SECRET), ("", SECRET)] {
        let refused = refusal(&stage.ask_as(id, secret, &wish).await);
        assert_eq!(refused, (401, "invalid_client".into()), "{id}");
    }
    assert_eq!(refusal(&stage.ask("/auth/token", &[], &wish).await), (401, "invalid_client".into()));
    stage.house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc7523_2_2_a_service_with_a_key_proves_itself_by_what_it_signs() {
    let stage = Stage::set().await;
    let assertion = stage.assertion(&json!({}));
    let wish = [OWN, ("client_assertion_type", BY_JWT), ("client_assertion", &assertion)];
    let token = token(&stage.ask("/auth/token", &[], &wish).await);
    assert_eq!(claims(&token)["sub"], "billing");
    assert_eq!(claims(&token)["scope"], "stock.read", "all that it may, where it asks for nothing");
    assert_eq!(Api::open(&stage.house, "stock").await.call(&token).await.0, 200);
    stage.house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc7523_2_1_a_service_is_granted_a_token_by_what_it_signs() {
    let stage = Stage::set().await;
    // The endpoint is an audience as well, as RFC 7523 §3 (3) allows.
    let endpoint = format!("{}/auth/token", stage.house.origin());
    let assertion = stage.assertion(&json!({ "aud": endpoint }));
    let wish = [("grant_type", JWT_BEARER), ("assertion", &assertion), ("scope", "stock.read")];
    let token = token(&stage.ask("/auth/token", &[], &wish).await);
    assert_eq!((claims(&token)["sub"].as_str(), claims(&token)["aud"].as_str()), (Some("billing"), Some("stock")));
    assert_eq!(Api::open(&stage.house, "stock").await.call(&token).await.0, 200);
    stage.house.close().await;
}

#[tokio::test]
async fn a_client_gets_what_it_is_registered_for_and_nothing_else() {
    let stage = Stage::set().await;
    for (more, code) in [
        (vec![("audience", "audit")], "invalid_target"),
        (vec![("resource", "https://audit.example")], "invalid_target"),
        (vec![("audience", "stock"), ("audience", "mail")], "invalid_target"),
        (vec![], "invalid_target"),
        (vec![("audience", "stock"), ("scope", "stock.admin")], "invalid_scope"),
        (vec![("audience", "stock"), ("scope", "stock.read  stock.write")], "invalid_scope"),
    ] {
        let wish: Vec<_> = [OWN].into_iter().chain(more).collect();
        assert_eq!(refusal(&stage.ask_as("reports", SECRET, &wish).await), (400, code.into()), "{wish:?}");
    }
    let other = refusal(&stage.ask_as("orders", &format!("{SECRET}1"), &[OWN]).await);
    assert_eq!(other, (400, "unauthorized_client".into()), "RFC 6749 §5.2");
    for grant in ["password", "authorization_code", "implicit", "CLIENT_CREDENTIALS"] {
        let wish = [("grant_type", grant), ("username", "ann@example.com"), ("password", "x")];
        let refused = refusal(&stage.ask_as("reports", SECRET, &wish).await);
        assert_eq!(refused, (400, "unsupported_grant_type".into()), "R97-13: {grant}");
    }
    stage.house.close().await;
}

#[tokio::test]
async fn rfc6749_3_2_requests_that_cannot_be_read_in_one_way_are_refused() {
    let stage = Stage::set().await;
    let header = basic("reports", SECRET);
    let by_header: [(&str, &str); 1] = [("authorization", &header)];
    let wish = [OWN, ("audience", "stock")];
    let bad = |refused: (u16, String)| assert_eq!(refused, (400, "invalid_request".into()));
    bad(refusal(&stage.ask("/auth/token", &by_header, &[OWN, OWN, ("audience", "stock")]).await));
    bad(refusal(&stage.ask("/auth/token", &by_header, &[("audience", "stock")]).await));
    bad(refusal(&stage.ask("/auth/token", &by_header, &[("grant_type", ""), ("audience", "stock")]).await));
    // RFC 6749 §2.3: exactly one way to authenticate. R97-20: nothing in the URL.
    let twice = [OWN, ("audience", "stock"), ("client_id", "reports"), ("client_secret", SECRET)];
    bad(refusal(&stage.ask("/auth/token", &by_header, &twice).await));
    let assertion = stage.assertion(&json!({}));
    let both = [OWN, ("client_assertion_type", BY_JWT), ("client_assertion", assertion.as_str())];
    bad(refusal(&stage.ask("/auth/token", &by_header, &both).await));
    bad(refusal(&stage.ask("/auth/token", &by_header, &[OWN, ("client_id", "stock")]).await));
    bad(refusal(&stage.ask("/auth/token?audience=stock", &by_header, &wish).await));
    let twice = [("authorization", header.as_str()), ("authorization", header.as_str())];
    bad(refusal(&stage.ask("/auth/token", &twice, &wish).await));
    // A parameter that nobody knows is no reason to say no.
    token(&stage.ask("/auth/token", &by_header, &[OWN, ("audience", "stock"), ("unknown", "x"), ("scope", "")]).await);

    let guest = stage.house.guest();
    for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        let headers = [("content-type", content_type), ("authorization", &header)];
        bad(refusal(&guest.send("POST", "/auth/token", &headers, "{}").await));
    }
    let large = format!("grant_type=client_credentials&scope={}", "a".repeat(cloakroom_web::MAX_BODY));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", &header)];
    assert_eq!(refusal(&guest.send("POST", "/auth/token", &headers, large).await).0, 413);
    for path in ["/auth/token", "/auth/token/revoke", "/auth/token/introspect"] {
        assert_eq!(guest.send("GET", path, &[], "").await.status, StatusCode::METHOD_NOT_ALLOWED, "RFC 6749 §3.2");
    }
    stage.house.close().await;
}

#[tokio::test]
async fn r97_24_a_page_of_a_browser_gains_nothing_and_no_cookie_is_read() {
    let stage = Stage::set().await;
    let ann = stage.house.signed_in("ann@example.com").await;
    for path in ["/auth/token", "/auth/token/revoke", "/auth/token/introspect"] {
        for (origin, site) in [("https://evil.example", "cross-site"), (ann.origin(), "same-origin")] {
            let headers =
                [("origin", origin), ("sec-fetch-site", site), ("content-type", "application/x-www-form-urlencoded")];
            let refresh = ann.cookie("__Secure-cloakroom-refresh").unwrap();
            let body = format!("grant_type=refresh_token&refresh_token={refresh}&token=x");
            let answer = ann.send("POST", path, &headers, body).await;
            assert!(answer.status.is_client_error(), "{path}");
            assert!(!answer.headers.contains_key("access-control-allow-origin") && answer.cookies().is_empty());
            let asked = [("origin", origin), ("access-control-request-method", "POST")];
            let preflight = ann.send("OPTIONS", path, &asked, "").await;
            assert!(!preflight.headers.contains_key("access-control-allow-origin"), "{path}");
        }
    }
    assert_eq!(ann.status_of_app().await, StatusCode::OK, "and nothing was revoked");
    // Two cookies of one name are refused everywhere else; here nobody looks.
    let header = basic("reports", SECRET);
    let cookies = [("authorization", header.as_str()), ("cookie", "__Host-Http-cloakroom=a; __Host-Http-cloakroom=b")];
    token(&stage.ask("/auth/token", &cookies, &[OWN, ("audience", "stock")]).await);
    stage.house.close().await;
}

#[tokio::test]
async fn wrong_secrets_are_answered_with_a_wait_and_right_ones_never() {
    let stage = Stage::set().await;
    let wish = [OWN, ("audience", "stock")];
    let mut codes = Vec::new();
    for _ in 0..60 {
        let answer = stage.ask_as("reports", "wrong-wrong-wrong-wrong-wrong-wrong", &wish).await;
        codes.push(refusal(&answer).0);
        assert_eq!(answer.headers.contains_key("retry-after"), answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(codes.first(), Some(&401));
    assert_eq!(codes.last(), Some(&429), "{codes:?}");
    // From the same network: somebody else's mistake is not this client's. Assertions count with the rest.
    token(&stage.ask_as("reports", SECRET, &wish).await);
    let wrong = stage.assertion(&json!({ "aud": "https://other.example" }));
    let grant = [("grant_type", JWT_BEARER), ("assertion", wrong.as_str())];
    assert_eq!(refusal(&stage.ask("/auth/token", &[], &grant).await).0, 429);
    let right = stage.assertion(&json!({}));
    token(&stage.ask("/auth/token", &[], &[("grant_type", JWT_BEARER), ("assertion", &right)]).await);
    stage.house.close().await;
}

#[tokio::test]
async fn keys_that_a_client_publishes_are_fetched_and_a_new_one_is_found() {
    let old = SigningKey::generate(Algorithm::EdDsa, "one").unwrap();
    let new = SigningKey::generate(Algorithm::Rs256, "two").unwrap();
    let published = Arc::new(Mutex::new(serde_json::to_value(key_set(&[&old])).unwrap()));
    let shown = Arc::clone(&published);
    let routes = Router::new().route("/keys", get(async move || Json(shown.lock().unwrap().clone())));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let uri = format!("http://{}/keys", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let house = House::with(&format!(
        "[[client]]\nid = \"cron\"\njwks_uri = \"{uri}\"\ngrants = [\"jwt-bearer\"]\naudiences = [\"stock\"]"
    ))
    .await;
    let ask = async |key: &SigningKey| {
        let assertion = signed(key, "JWT", "cron", &house.origin(), &json!({}));
        ask(&house, "/auth/token", &[], &[("grant_type", JWT_BEARER), ("assertion", &assertion)]).await
    };
    token(&ask(&old).await);
    assert_eq!(refusal(&ask(&new).await), (400, "invalid_grant".into()), "it is not published yet");
    *published.lock().unwrap() = serde_json::to_value(key_set(&[&new])).unwrap();
    house.advance(61);
    let later = json!({ "exp": 1_800_000_100, "iat": 1_800_000_061 });
    let assertion = signed(&new, "JWT", "cron", &house.origin(), &later);
    token(
        &crate::serving::ask(&house, "/auth/token", &[], &[("grant_type", JWT_BEARER), ("assertion", &assertion)])
            .await,
    );
    // Its host is away for a while: the keys are known. For long: nobody is taken at their word.
    server.abort();
    let _ = server.await;
    house.advance(4000);
    let late = json!({ "exp": 1_800_004_090, "iat": 1_800_004_061 });
    let assertion = signed(&new, "JWT", "cron", &house.origin(), &late);
    let wish = [("grant_type", JWT_BEARER), ("assertion", assertion.as_str())];
    let answer = crate::serving::ask(&house, "/auth/token", &[], &wish).await;
    assert_eq!(refusal(&answer), (503, "temporarily_unavailable".into()));
    house.close().await;
}
