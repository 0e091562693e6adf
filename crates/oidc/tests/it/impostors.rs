//! Providers that misbehave, and those who pretend to be one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::{Algorithm, MacKey, Refused, SigningKey};
use cloakroom_oidc::{Callback, CallbackError, Error, FetchError};
use serde_json::{Value, json};

use super::fake::{Answer, Desk, NOW, metadata, secret_basic};

const EVIL: &str = "https://evil.example";

fn evil() -> Desk {
    Desk::at("evil", EVIL, SigningKey::generate(Algorithm::EdDsa, "k1").unwrap(), secret_basic())
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// What comes of an ID token that is made from the claims of an attempt.
async fn judge(desk: &Desk, make: impl FnOnce(&Value) -> String) -> Option<Error> {
    let attempt = desk.begin();
    desk.hand_out(&make(&desk.claims(&attempt)));
    desk.redeem(&attempt).await.err()
}

#[tokio::test]
async fn r97_05_mix_up_an_answer_of_one_provider_is_not_taken_to_another() {
    let (good, evil) = (Desk::new(), evil());
    // Begun with the evil one, which sent the browser to the good one: its code must not go to the evil token endpoint.
    let attempt = evil.begin();
    let callback = Callback { iss: Some(good.issuer.clone()), ..good.callback(&attempt) };
    assert_eq!(evil.provider.redeem(&attempt, &callback, NOW).await.err(), Some(Error::WrongIssuer));
    // And not at the redirect URI of the good one either.
    assert_eq!(good.provider.redeem(&attempt, &callback, NOW).await.err(), Some(Error::WrongProvider));
    // Nor where the good one does not yet name itself.
    let silent = Callback { iss: None, ..callback };
    assert_eq!(good.provider.redeem(&attempt, &silent, NOW).await.err(), Some(Error::WrongProvider));
    for desk in [good, evil] {
        assert_eq!(desk.fake.count(&desk.url("token")), 0);
    }
}

#[tokio::test]
async fn j87_12_a_token_of_another_issuer_is_refused_even_if_it_is_signed_rightly() {
    let desk = Desk::new();
    for issuer in [json!(EVIL), json!(format!("{}/", desk.issuer)), json!("")] {
        let refused = desk.log_in_with(|claims| claims["iss"] = issuer).await.err();
        assert_eq!(refused, Some(Error::TokenRefused(Refused::WrongIssuer)));
    }
}

#[tokio::test]
async fn r97_21_a_code_of_another_log_in_is_noticed_by_its_nonce() {
    let desk = Desk::new();
    let (victim, attacker) = (desk.begin(), desk.begin());
    desk.issue(&desk.claims(&victim));
    assert_eq!(desk.redeem(&attacker).await.err(), Some(Error::NonceMismatch));
}

#[tokio::test]
async fn j87_04_and_j87_05_an_unsigned_token_is_refused() {
    let desk = Desk::new();
    for name in ["none", "None", "NONE", "nOnE", "none "] {
        let refused = judge(&desk, |claims| {
            format!("{}.{}.", part(&json!({"alg": name, "kid": "k1", "typ": "JWT"})), part(claims))
        });
        assert_eq!(refused.await, Some(Error::TokenRefused(Refused::AlgorithmNotAllowed)), "{name}");
    }
    let cut = judge(&desk, |claims| {
        let token = desk.key.sign("JWT", claims).unwrap();
        token[..=token.rfind('.').unwrap()].to_owned()
    });
    assert_eq!(cut.await, Some(Error::TokenRefused(Refused::BadSignature)));
}

#[tokio::test]
async fn j87_02_a_mac_by_the_public_key_is_no_signature() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let desk = Desk::of(algorithm, secret_basic());
        let public = serde_json::to_vec(&desk.key.public_jwk()).unwrap();
        let refused = judge(&desk, |claims| {
            let signed = format!("{}.{}", part(&json!({"alg": "HS256", "kid": "k1", "typ": "JWT"})), part(claims));
            let mac = MacKey::from_secret_bytes(&public).unwrap().mac(signed.as_bytes());
            format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
        });
        assert_eq!(refused.await, Some(Error::TokenRefused(Refused::AlgorithmNotAllowed)), "{algorithm}");
    }
}

#[tokio::test]
async fn j87_12_a_key_of_another_provider_with_the_same_name_is_not_trusted() {
    let (desk, evil) = (Desk::new(), evil());
    assert_eq!(desk.key.kid(), evil.key.kid());
    let refused = judge(&desk, |claims| evil.key.sign("JWT", claims).unwrap()).await;
    assert_eq!(refused, Some(Error::TokenRefused(Refused::BadSignature)));
}

#[tokio::test]
async fn j87_16_a_token_that_brings_its_key_along_is_refused_and_nothing_is_fetched_for_it() {
    let (desk, evil) = (Desk::new(), evil());
    let jwk = serde_json::to_value(evil.key.public_jwk().unwrap()).unwrap();
    for (member, value) in [("jwk", jwk), ("jku", json!(format!("{EVIL}/keys"))), ("x5u", json!(format!("{EVIL}/x")))] {
        let refused = judge(&desk, |claims| {
            let mut header = json!({"alg": "EdDSA", "kid": "k1", "typ": "JWT"});
            header[member] = value;
            format!("{}.{}.{}", part(&header), part(claims), URL_SAFE_NO_PAD.encode([7; 64]))
        });
        assert_eq!(refused.await, Some(Error::TokenRefused(Refused::KeyInHeader)), "{member}");
    }
    assert!(desk.fake.urls().iter().all(|url| !url.starts_with(EVIL)));
}

#[tokio::test]
async fn r97_15_a_provider_that_serves_the_metadata_of_another_gets_no_code() {
    let desk = evil();
    desk.describe(metadata("https://id.example/realms/main"));
    assert_eq!(desk.redeem(&desk.begin()).await.err(), Some(Error::MetadataIssuer));
    assert_eq!(desk.fake.urls(), [desk.discovery()]);
}

#[tokio::test]
async fn j87_26_an_endless_answer_is_cut_off_wherever_it_comes_from() {
    for path in [".well-known/openid-configuration", "keys", "token"] {
        // By the network, which is told the limit …
        let desk = Desk::new();
        desk.fake.set(&desk.url(path), Answer::Fails(FetchError::TooLarge));
        assert_eq!(desk.redeem(&desk.begin()).await.err(), Some(Error::TooLarge), "{path}");
        // … and here, should it forget.
        let desk = Desk::new();
        let body = vec![b' '; desk.fake_limit(path) + 1];
        desk.fake.set(&desk.url(path), Answer::Raw(200, Some("application/json"), body));
        assert_eq!(desk.redeem(&desk.begin()).await.err(), Some(Error::TooLarge), "{path}");
    }
    let long = judge(&Desk::new(), |_| "A".repeat(8 * 1024 + 1)).await;
    assert_eq!(long, Some(Error::TokenRefused(Refused::TooLarge)));
}

#[tokio::test]
async fn r97_17_a_redirect_is_an_error_wherever_it_comes_from() {
    for path in [".well-known/openid-configuration", "keys", "token"] {
        for status in [301, 302, 303, 307, 308, 304] {
            let desk = Desk::new();
            desk.fake.set(&desk.url(path), Answer::Json(status, json!({})));
            assert_eq!(desk.redeem(&desk.begin()).await.err(), Some(Error::Redirected), "{path} {status}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_too_slow_is_an_outage() {
    for path in [".well-known/openid-configuration", "keys", "token"] {
        let desk = Desk::new();
        desk.fake.set(&desk.url(path), Answer::Fails(FetchError::Late));
        assert_eq!(desk.redeem(&desk.begin()).await.err(), Some(Error::Outage), "{path}");
    }
}

#[tokio::test]
async fn rfc_6749_3_1_an_answer_with_doubled_parameters_is_not_even_read() {
    let attempt = Desk::new().begin();
    let query = format!("code=a&state={0}&iss={EVIL}&iss=https://id.example/realms/main", attempt.state);
    assert_eq!(Callback::parse(&query).err(), Some(CallbackError::Doubled));
}

impl Desk {
    fn fake_limit(&self, path: &str) -> usize {
        if self.url(path) == self.url("keys") { 64 * 1024 } else { 256 * 1024 }
    }
}
