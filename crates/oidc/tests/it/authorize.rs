//! The request that the browser carries to the provider.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::{random, sha256};
use cloakroom_oidc::{AuthorizeWish, Error, Prompt};
use serde_json::json;

use super::fake::{CLIENT, Desk, ISSUER, NOW, REDIRECT};

fn parameters(address: &str) -> HashMap<String, String> {
    let pairs: Vec<_> = url::Url::parse(address).unwrap().query_pairs().into_owned().collect();
    let count = pairs.len();
    let map: HashMap<_, _> = pairs.into_iter().collect();
    assert_eq!(map.len(), count, "a parameter twice");
    map
}

#[tokio::test]
async fn bba_02_and_r97_06_the_code_flow_with_s256_state_and_nonce_is_all_that_is_asked_for() {
    let desk = Desk::new();
    let attempt = desk.begin();
    let address = desk.provider.authorize(&attempt, &AuthorizeWish::default(), NOW).await.unwrap();
    assert!(address.starts_with(&format!("{ISSUER}/authorize?")));
    assert!(!address.contains(&attempt.verifier));
    let challenge = URL_SAFE_NO_PAD.encode(sha256(attempt.verifier.as_bytes()));
    let wanted = [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("scope", "openid email"),
        ("state", &attempt.state),
        ("nonce", &attempt.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    assert_eq!(parameters(&address), wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[tokio::test]
async fn r97_03_and_r97_06_no_two_attempts_share_anything() {
    let desk = Desk::new();
    let (one, other) = (desk.begin(), desk.begin());
    let texts = [&one.state, &one.nonce, &one.verifier, &other.state, &other.nonce, &other.verifier];
    for (at, text) in texts.iter().enumerate() {
        assert_eq!(text.len(), 43);
        assert!(!texts[..at].contains(text));
    }
}

#[tokio::test]
async fn wishes_are_passed_on_and_those_that_are_too_long_are_not() {
    let desk = Desk::new();
    let wish = AuthorizeWish {
        prompt: Some(Prompt::SelectAccount),
        login_hint: Some("ann@example.com".to_owned()),
        acr_values: Some("x".repeat(513)),
    };
    let attempt = desk.provider.begin(random().unwrap(), Some(300));
    let parameters = parameters(&desk.provider.authorize(&attempt, &wish, NOW).await.unwrap());
    assert_eq!(parameters["prompt"], "select_account");
    assert_eq!(parameters["login_hint"], "ann@example.com");
    assert_eq!(parameters["max_age"], "300");
    assert!(!parameters.contains_key("acr_values"));
}

#[tokio::test]
async fn rfc_6749_3_1_the_query_of_the_endpoint_is_kept() {
    let desk = Desk::new();
    desk.describe_with("authorization_endpoint", Some(json!("https://id.example/authorize?tenant=7")));
    let address = desk.provider.authorize(&desk.begin(), &AuthorizeWish::default(), NOW).await.unwrap();
    assert!(address.starts_with("https://id.example/authorize?tenant=7&response_type=code&"));
}

#[tokio::test]
async fn r97_05_an_attempt_of_another_provider_is_not_carried_on() {
    let (desk, other) =
        (Desk::new(), Desk::at("other", "https://other.example", Desk::new().key, super::fake::secret_basic()));
    let refused = desk.provider.authorize(&other.begin(), &AuthorizeWish::default(), NOW).await;
    assert_eq!(refused, Err(Error::WrongProvider));
    assert_eq!(desk.fake.urls(), [""; 0]);
}
