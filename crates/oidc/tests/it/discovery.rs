//! Providers that lie or stutter about themselves.

use cloakroom_jose::{Algorithm, KeyError, SigningKey};
use cloakroom_oidc::Error;
use serde_json::{Value, json};

use super::fake::{Answer, Desk, ISSUER, NOW, metadata, secret_basic};

#[tokio::test]
async fn r97_15_metadata_of_another_issuer_are_refused() {
    for issuer in
        ["https://id.example/realms/other", "https://id.example/realms/main/", "HTTPS://id.example/realms/main", ""]
    {
        let desk = Desk::new();
        desk.describe_with("issuer", Some(json!(issuer)));
        assert_eq!(desk.asks_at(NOW).await, Err(Error::MetadataIssuer), "{issuer}");
    }
}

#[tokio::test]
async fn r97_15_endpoints_without_tls_are_refused() {
    for endpoint in
        ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint", "revocation_endpoint"]
    {
        for address in
            ["http://id.example/x", "http://127.0.0.1/x", "javascript:alert(1)", "/x", "https://u:p@id.example/"]
        {
            let desk = Desk::new();
            desk.describe_with(endpoint, Some(json!(address)));
            let refused = desk.asks_at(NOW).await;
            assert_eq!(refused, Err(Error::Metadata("has an endpoint that is not https")), "{endpoint} {address}");
        }
    }
}

#[tokio::test]
async fn an_issuer_on_this_machine_may_be_plain_and_its_endpoints_too() {
    let key = SigningKey::generate(Algorithm::EdDsa, "k1").unwrap();
    let desk = Desk::at("main", "http://127.0.0.1:8080/realms/main", key, secret_basic());
    assert!(desk.log_in_with(|_| {}).await.is_ok());
    let desk = Desk::at("main", "http://127.0.0.1:8080", desk.key, secret_basic());
    desk.describe_with("token_endpoint", Some(json!("http://id.example/token")));
    assert_eq!(desk.asks_at(NOW).await, Err(Error::Metadata("has an endpoint that is not https")));
}

#[tokio::test]
async fn openid_discovery_4_3_what_is_no_metadata_document_is_refused() {
    let text = metadata(ISSUER).to_string();
    let twice = format!("{},\"issuer\":\"{ISSUER}\"}}", text.strip_suffix('}').unwrap());
    let nested = format!("{},\"further\":{{\"a\":1,\"a\":2}}}}", text.strip_suffix('}').unwrap());
    let json = Some("application/json");
    for (status, content_type, body) in [
        (200, Some("text/html"), text.clone()),
        (200, Some("application/jwk-set+json"), text.clone()),
        (200, None, text.clone()),
        (404, json, text.clone()),
        (200, json, twice),
        (200, json, nested),
        (200, json, format!("[{text}]")),
        (200, json, String::new()),
    ] {
        let desk = Desk::new();
        desk.fake.set(&desk.discovery(), Answer::Raw(status, content_type, body.clone().into_bytes()));
        let refused = desk.asks_at(NOW).await;
        assert!(matches!(refused, Err(Error::Metadata(_))), "{status} {content_type:?} {body}: {refused:?}");
    }
    for member in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"] {
        for value in [None, Some(Value::Null), Some(json!(7))] {
            let desk = Desk::new();
            desk.describe_with(member, value);
            assert!(matches!(desk.asks_at(NOW).await, Err(Error::Metadata(_))), "{member}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_does_not_promise_pkce_is_asked_with_it_all_the_same() {
    for methods in [None, Some(json!(["plain"])), Some(json!([]))] {
        let desk = Desk::new();
        desk.describe_with("code_challenge_methods_supported", methods);
        assert!(desk.log_in_with(|_| {}).await.is_ok());
        assert_eq!(desk.fake.last(&desk.url("token")).field("code_verifier").unwrap().len(), 43);
    }
}

#[tokio::test]
async fn rfc_7517_5_keys_that_are_of_no_use_here_are_skipped() {
    let desk = Desk::new();
    let mut set = super::fake::key_set(&[&desk.key]);
    set["keys"].as_array_mut().unwrap().extend([
        json!({"kty": "RSA", "use": "enc", "kid": "k1", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0"}),
        json!({"kty": "EC", "kid": "k2", "alg": "ES384", "crv": "P-384", "x": "AA", "y": "AA"}),
        json!({"kty": "AKP", "kid": "k3", "alg": "ML-DSA-44", "pub": "AA"}),
    ]);
    let body = set.to_string().into_bytes();
    desk.fake.set(&desk.url("keys"), Answer::Raw(200, Some("application/jwk-set+json; charset=utf-8"), body));
    assert!(desk.log_in_with(|_| {}).await.is_ok());
}

#[tokio::test]
async fn a_key_set_that_cannot_be_used_is_refused_before_the_code_is_sent() {
    let desk = Desk::new();
    let good = super::fake::key_set(&[&desk.key]).to_string();
    let json = Some("application/json");
    let twice = format!("{},\"keys\":[]}}", good.strip_suffix('}').unwrap());
    for (answer, wanted) in [
        (Answer::Raw(200, Some("text/plain"), good.clone().into_bytes()), None),
        (Answer::Raw(200, json, twice.into_bytes()), None),
        (Answer::Raw(404, json, good.into_bytes()), None),
        (Answer::Json(200, json!({"keys": []})), Some(Error::Keys(KeyError::Unsupported))),
        (Answer::Json(200, json!({"keys": 7})), Some(Error::Keys(KeyError::Malformed))),
    ] {
        let desk = Desk::new();
        desk.fake.set(&desk.url("keys"), answer);
        let refused = desk.log_in_with(|_| {}).await.err().unwrap();
        match wanted {
            Some(wanted) => assert_eq!(refused, wanted),
            None => assert!(matches!(refused, Error::KeySet(_)), "{refused:?}"),
        }
        assert_eq!(desk.fake.count(&desk.url("token")), 0);
    }
}
