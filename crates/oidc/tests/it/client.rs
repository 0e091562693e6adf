//! How the client proves that it is itself.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloakroom_jose::{Algorithm, SigningKey, verify_signature_with};
use cloakroom_oidc::{ClientAuthentication, Method, Secret};
use serde_json::Value;

use super::fake::{Asked, CLIENT, Desk, ISSUER, NOW, REDIRECT, secret_basic};

async fn asked(desk: &Desk) -> Asked {
    assert!(desk.log_in_with(|_| {}).await.is_ok());
    desk.fake.last(&desk.url("token"))
}

#[tokio::test]
async fn rfc_6749_4_1_3_the_code_is_redeemed_with_its_verifier_in_a_form() {
    let desk = Desk::new();
    let attempt = desk.begin();
    desk.issue(&desk.claims(&attempt));
    assert!(desk.redeem(&attempt).await.is_ok());
    let asked = desk.fake.last(&desk.url("token"));
    assert_eq!((asked.method, asked.limit), (Method::Post, 256 * 1024));
    assert_eq!(asked.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(asked.header("accept"), Some("application/json"));
    assert_eq!(asked.field("grant_type"), Some("authorization_code"));
    assert_eq!(asked.field("code"), Some("code"));
    assert_eq!(asked.field("redirect_uri"), Some(REDIRECT));
    assert_eq!(asked.field("code_verifier"), Some(attempt.verifier.as_str()));
    assert_eq!(asked.form.len(), 4);
}

#[tokio::test]
async fn bba_01_and_rfc_6749_2_3_1_with_a_secret_in_the_header_nothing_of_it_is_in_the_form() {
    let desk = Desk::of(Algorithm::EdDsa, secret_basic());
    let asked = asked(&desk).await;
    let basic = format!("Basic {}", STANDARD.encode("app:client+secret"));
    assert_eq!(asked.header("authorization"), Some(basic.as_str()));
    assert!(asked.form.iter().all(|(name, _)| !name.starts_with("client_")));
}

#[tokio::test]
async fn bba_01_with_a_secret_in_the_form_there_is_no_header() {
    let desk = Desk::of(Algorithm::EdDsa, ClientAuthentication::SecretPost(Secret::new("s&=+ ".to_owned())));
    let asked = asked(&desk).await;
    assert_eq!(asked.header("authorization"), None);
    assert_eq!((asked.field("client_id"), asked.field("client_secret")), (Some(CLIENT), Some("s&=+ ")));
}

#[tokio::test]
async fn r97_14_and_rfc_7523_3_an_assertion_is_for_the_issuer_alone_short_and_used_once() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let key = Arc::new(SigningKey::generate(algorithm, "ours").unwrap());
        let desk = Desk::of(Algorithm::EdDsa, ClientAuthentication::PrivateKey(Arc::clone(&key)));
        let mut names = Vec::new();
        for _ in 0..2 {
            let asked = asked(&desk).await;
            assert_eq!(asked.header("authorization"), None);
            assert_eq!(asked.field("client_id"), Some(CLIENT));
            let kind = asked.field("client_assertion_type");
            assert_eq!(kind, Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            let payload =
                verify_signature_with(asked.field("client_assertion").unwrap(), &key.verifying_key()).unwrap();
            let claims: Value = serde_json::from_slice(&payload).unwrap();
            assert_eq!((&claims["iss"], &claims["sub"]), (&Value::from(CLIENT), &Value::from(CLIENT)));
            // A string, no array; the issuer, no endpoint.
            assert_eq!(claims["aud"], ISSUER);
            assert_eq!((&claims["iat"], &claims["exp"]), (&Value::from(NOW), &Value::from(NOW + 60)));
            let jti = claims["jti"].as_str().unwrap().to_owned();
            assert_eq!(jti.len(), 22);
            assert!(!names.contains(&jti));
            names.push(jti);
        }
    }
}

#[tokio::test]
async fn r97_20_no_address_carries_a_code_a_token_or_a_secret() {
    let desk = Desk::new();
    let attempt = desk.begin();
    desk.issue(&desk.claims(&attempt));
    assert!(desk.redeem(&attempt).await.is_ok());
    desk.fake.set(&desk.url("revoke"), super::fake::Answer::Raw(200, None, Vec::new()));
    assert_eq!(desk.provider.revoke("refresh", NOW).await, Ok(()));
    let paths = [".well-known/openid-configuration", "keys", "token", "revoke"];
    assert_eq!(desk.fake.urls(), paths.map(|path| desk.url(path)));
}

#[tokio::test]
async fn sizes_are_handed_to_the_network() {
    let desk = Desk::new();
    assert!(desk.log_in_with(|_| {}).await.is_ok());
    let limits: Vec<usize> =
        [desk.discovery(), desk.url("keys"), desk.url("token")].iter().map(|url| desk.fake.last(url).limit).collect();
    assert_eq!(limits, [256 * 1024, 64 * 1024, 256 * 1024]);
}
