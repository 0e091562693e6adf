//! What becomes of tokens: introspection (RFC 7662), revocation (RFC 7009), and what is told of the endpoint (RFC 8414).

use crate::serving::{Api, BY_JWT, SECRET, Stage, basic, claims, refusal, token};
use cloakroom_testbed::Answer;
use http::StatusCode;
use serde_json::json;

async fn introspect(stage: &Stage, id: &str, secret: &str, token: &str) -> Answer {
    let header = basic(id, secret);
    stage.ask("/auth/token/introspect", &[("authorization", &header)], &[("token", token)]).await
}

async fn revoke(stage: &Stage, id: &str, secret: &str, token: &str) -> Answer {
    let header = basic(id, secret);
    stage.ask("/auth/token/revoke", &[("authorization", &header)], &[("token", token)]).await
}

fn inactive(answer: &Answer) {
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, "{\"active\":false}"), "RFC 7662 §2.2");
}

#[tokio::test]
async fn rfc7662_2_a_token_is_told_to_whom_it_is_of_and_whom_it_is_for() {
    let stage = Stage::set().await;
    let own = stage.token_of_reports().await;
    for (id, secret) in [("reports", SECRET.to_owned()), ("stock", format!("{SECRET}2"))] {
        let answer = introspect(&stage, id, &secret, &own).await;
        let told = answer.json();
        assert_eq!((told["active"].as_bool(), answer.header("cache-control")), (Some(true), "no-store"), "{id}");
        for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
            assert_eq!(told[name], claims(&own)[name], "{name}");
        }
        assert_eq!(told["token_type"], "Bearer");
    }
    // RFC 7662 §4: whose business it is not, learns nothing.
    inactive(&introspect(&stage, "mail", &format!("{SECRET}3"), &own).await);
    for none in ["x", "a.b.c", &own[..own.len() - 8]] {
        inactive(&introspect(&stage, "reports", SECRET, none).await);
    }
    assert_eq!(refusal(&introspect(&stage, "reports", "wrong", &own).await), (401, "invalid_client".into()));
    let nobody = stage.ask("/auth/token/introspect", &[], &[("token", &own)]).await;
    assert_eq!(refusal(&nobody), (401, "invalid_client".into()), "RFC 7662 §2.1");
    let header = basic("reports", SECRET);
    let without = stage.ask("/auth/token/introspect", &[("authorization", &header)], &[]).await;
    assert_eq!(refusal(&without), (400, "invalid_request".into()));
    stage.house.advance(300);
    inactive(&introspect(&stage, "reports", SECRET, &own).await);
    stage.house.close().await;
}

#[tokio::test]
async fn rfc7662_2_2_what_ended_with_its_session_is_told_as_inactive() {
    let stage = Stage::set().await;
    let ann = stage.house.signed_in("ann@example.com").await;
    let (access, refresh, session) = stage.program().await;
    let exchanged = token(&stage.exchange(&access, &[("audience", "stock")]).await);
    let (orders, stock) = (format!("{SECRET}1"), format!("{SECRET}2"));
    let told = introspect(&stage, "stock", &stock, &exchanged).await.json();
    assert_eq!((&told["act"], &told["sub"]), (&json!({ "sub": "orders" }), &claims(&access)["sub"]));
    assert_eq!(introspect(&stage, "orders", &orders, &access).await.json()["active"], true);
    // A person's token of another audience, and a refresh token, are nobody's business.
    inactive(&introspect(&stage, "stock", &stock, &access).await);
    inactive(&introspect(&stage, "orders", &orders, &refresh).await);
    inactive(&introspect(&stage, "orders", &orders, &ann.cookie("__Host-Http-cloakroom").unwrap()).await);
    ann.fetch("DELETE", &format!("/auth/sessions/{session}"), None).await;
    inactive(&introspect(&stage, "stock", &stock, &exchanged).await);
    inactive(&introspect(&stage, "orders", &orders, &access).await);
    stage.house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc7009_2_a_client_revokes_its_own_token_and_it_is_seen_at_once() {
    let stage = Stage::set().await;
    let stock = Api::open(&stage.house, "stock").await;
    let (own, other) = (stage.token_of_reports().await, stage.token_of_reports().await);
    assert_eq!((stock.call(&own).await.0, stock.call(&other).await.0), (200, 200));
    // RFC 7009 §2.1: another client is told that it may not.
    let foreign = revoke(&stage, "stock", &format!("{SECRET}2"), &own).await;
    assert_eq!(refusal(&foreign), (400, "unauthorized_client".into()));
    let nobody = stage.ask("/auth/token/revoke", &[], &[("token", &own)]).await;
    assert_eq!(refusal(&nobody), (401, "invalid_client".into()));
    assert_eq!(refusal(&revoke(&stage, "reports", "wrong", &own).await), (401, "invalid_client".into()));
    assert_eq!(introspect(&stage, "reports", SECRET, &own).await.json()["active"], true);

    assert_eq!(revoke(&stage, "reports", SECRET, &own).await.status, StatusCode::OK);
    inactive(&introspect(&stage, "reports", SECRET, &own).await);
    stock.refuses(&own, "token-revoked").await;
    assert_eq!(stock.call(&other).await.0, 200, "only that one");
    // RFC 7009 §2.2: once more, and what is no token, is as it should be.
    for text in [own.as_str(), "x", "a.b.c"] {
        assert_eq!(revoke(&stage, "reports", SECRET, text).await.status, StatusCode::OK, "{text}");
    }
    let header = basic("reports", SECRET);
    let without = stage.ask("/auth/token/revoke", &[("authorization", &header)], &[]).await;
    assert_eq!(refusal(&without), (400, "invalid_request".into()));
    stage.house.close().await;
}

#[tokio::test]
async fn rfc7009_2_1_whoever_holds_a_programs_refresh_token_ends_its_session() {
    let stage = Stage::set().await;
    let ann = stage.house.signed_in("ann@example.com").await;
    let (access, refresh, _) = stage.program().await;
    let exchanged = token(&stage.exchange(&access, &[("audience", "stock")]).await);
    // RFC 7009 §2.2.1: a service does not end what a person has begun.
    let by_service = revoke(&stage, "orders", &format!("{SECRET}1"), &exchanged).await;
    assert_eq!(refusal(&by_service), (400, "unsupported_token_type".into()));

    let hint = [("token", refresh.as_str()), ("token_type_hint", "access_token")];
    assert_eq!(stage.ask("/auth/token/revoke", &[], &hint).await.status, StatusCode::OK);
    let authorization = format!("Bearer {access}");
    let me = stage.house.guest().send("GET", "/auth/me", &[("authorization", &authorization)], "").await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
    let again = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(refusal(&stage.ask("/auth/token", &[], &again).await), (400, "invalid_grant".into()));
    // What belongs in a cookie is not ended here, whoever holds it.
    let cookie = ann.cookie("__Secure-cloakroom-refresh").unwrap();
    stage.ask("/auth/token/revoke", &[], &[("token", &cookie)]).await;
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    stage.house.close().await;
}

#[tokio::test]
async fn revoking_everything_ends_tokens_of_services_as_well() {
    let stage = Stage::set().await;
    let own = stage.token_of_reports().await;
    stage.house.advance(2);
    stage.house.running().app().revoke_everything().await.unwrap();
    inactive(&introspect(&stage, "reports", SECRET, &own).await);
    stage.house.close().await;
}

#[tokio::test]
async fn rfc8414_2_the_metadata_tell_what_there_is_and_each_of_it_is_there() {
    let stage = Stage::set().await;
    let origin = stage.house.origin();
    let answer = stage.house.guest().send("GET", "/.well-known/oauth-authorization-server", &[], "").await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    let told = answer.json();
    assert_eq!(told["issuer"], origin, "RFC 8414 §3.3");
    for name in ["token_endpoint", "revocation_endpoint", "introspection_endpoint"] {
        let path = told[name].as_str().unwrap().strip_prefix(&origin).unwrap();
        assert_eq!(
            refusal(&stage.ask(path, &[], &[("token", "x")]).await).1.split('_').next(),
            Some("invalid"),
            "{path}"
        );
    }
    let keys = told["jwks_uri"].as_str().unwrap().strip_prefix(&origin).unwrap();
    assert_eq!(stage.house.guest().send("GET", keys, &[], "").await.status, StatusCode::OK);
    assert!(told["response_types_supported"].is_array() && told.get("authorization_endpoint").is_none());
    let algorithms = told["token_endpoint_auth_signing_alg_values_supported"].as_array().unwrap();
    assert!(!algorithms.contains(&json!("none")) && !algorithms.contains(&json!("HS256")), "RFC 8414 §2");
    for grant in told["grant_types_supported"].as_array().unwrap() {
        let wish = [("grant_type", grant.as_str().unwrap())];
        let refused = refusal(&stage.ask_as("reports", SECRET, &wish).await);
        assert_ne!(refused.1, "unsupported_grant_type", "{grant}");
    }
    // Each way to authenticate that is told of.
    let methods = told["introspection_endpoint_auth_methods_supported"].as_array().unwrap();
    assert_eq!(methods, &["client_secret_basic", "client_secret_post", "private_key_jwt"]);
    let assertion = stage.assertion(&json!({}));
    let by_key = [("token", "x"), ("client_assertion_type", BY_JWT), ("client_assertion", assertion.as_str())];
    inactive(&stage.ask("/auth/token/introspect", &[], &by_key).await);
    let by_body = [("token", "x"), ("client_id", "reports"), ("client_secret", SECRET)];
    inactive(&stage.ask("/auth/token/introspect", &[], &by_body).await);
    inactive(&introspect(&stage, "reports", SECRET, "x").await);
    stage.house.close().await;
}
