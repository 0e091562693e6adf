//! The rules of an ID token, each at its boundary.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::{Algorithm, Refused, random, sha256, sha512};
use cloakroom_oidc::Error;
use serde_json::{Value, json};

use super::fake::{Desk, NOW, secret_basic};

async fn refusal(change: impl FnOnce(&mut Value)) -> Option<Error> {
    Desk::new().log_in_with(change).await.err()
}

async fn with(name: &str, value: Value) -> Option<Error> {
    refusal(|claims| claims[name] = value).await
}

async fn without(name: &str) -> Option<Error> {
    refusal(|claims| drop(claims.as_object_mut().unwrap().remove(name))).await
}

#[tokio::test]
async fn keys_of_all_three_algorithms_are_accepted() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
        let desk = Desk::of(algorithm, secret_basic());
        assert_eq!(desk.log_in_with(|_| {}).await.err(), None, "{algorithm}");
    }
}

#[tokio::test]
async fn j87_13_a_subject_has_1_to_255_bytes() {
    assert_eq!(with("sub", json!("u".repeat(255))).await, None);
    for sub in [json!(""), json!("u".repeat(256)), json!(7), json!(null), json!(["u"])] {
        assert_eq!(with("sub", sub).await, Some(Error::Subject));
    }
    assert_eq!(without("sub").await, Some(Error::Subject));
}

#[tokio::test]
async fn j87_14_and_openid_core_3_1_3_7_we_are_the_audience_and_of_several_the_authorized_party() {
    assert_eq!(with("aud", json!(["app"])).await, None);
    for aud in [json!("other"), json!([]), json!(["other"]), json!("app ")] {
        assert_eq!(with("aud", aud).await, Some(Error::AudienceMismatch));
    }
    for aud in [json!(7), json!(null)] {
        assert_eq!(with("aud", aud).await, Some(Error::TokenRefused(Refused::BadClaims)));
    }
    let several = json!(["app", "other"]);
    assert_eq!(with("aud", several.clone()).await, Some(Error::AudienceMismatch));
    for (azp, wanted) in [("app", None), ("other", Some(Error::AudienceMismatch))] {
        assert_eq!(with("azp", json!(azp)).await, wanted);
        let of_several = refusal(|claims| (claims["aud"], claims["azp"]) = (several.clone(), json!(azp))).await;
        assert_eq!(of_several, wanted);
    }
    assert_eq!(with("azp", json!(["app"])).await, Some(Error::AudienceMismatch));
}

#[tokio::test]
async fn j87_23_it_is_neither_over_nor_from_the_future_nor_from_long_ago() {
    for (claim, value, wanted) in [
        ("exp", NOW - 59, None),
        ("exp", NOW - 60, Some(Error::TokenRefused(Refused::Expired))),
        ("iat", NOW + 60, None),
        ("iat", NOW + 61, Some(Error::TokenRefused(Refused::NotYetValid))),
        ("iat", NOW - 86_400, None),
        ("iat", NOW - 86_401, Some(Error::TooOld)),
        ("nbf", NOW + 61, Some(Error::TokenRefused(Refused::NotYetValid))),
    ] {
        assert_eq!(with(claim, json!(value)).await, wanted, "{claim} {}", value - NOW);
    }
    for claim in ["exp", "iat"] {
        assert_eq!(without(claim).await, Some(Error::TokenRefused(Refused::BadClaims)));
    }
}

#[tokio::test]
async fn r97_08_the_nonce_is_required_and_that_of_the_attempt() {
    assert_eq!(without("nonce").await, Some(Error::NonceMismatch));
    for nonce in [json!(""), json!(null), json!(7), json!("A".repeat(43))] {
        assert_eq!(with("nonce", nonce).await, Some(Error::NonceMismatch));
    }
    let longer = refusal(|claims| claims["nonce"] = json!(format!("{}A", claims["nonce"].as_str().unwrap()))).await;
    assert_eq!(longer, Some(Error::NonceMismatch));
}

#[tokio::test]
async fn openid_core_3_1_3_6_an_access_token_that_was_swapped_is_noticed() {
    let half = |hash: &[u8]| json!(URL_SAFE_NO_PAD.encode(&hash[..hash.len() / 2]));
    for (algorithm, right, wrong) in [
        (Algorithm::EdDsa, half(&sha512(b"access")), half(&sha256(b"access"))),
        (Algorithm::Es256, half(&sha256(b"access")), half(&sha256(b"other"))),
    ] {
        let desk = Desk::of(algorithm, secret_basic());
        assert_eq!(desk.log_in_with(|claims| claims["at_hash"] = right).await.err(), None);
        let refused = desk.log_in_with(|claims| claims["at_hash"] = wrong).await.err();
        assert_eq!(refused, Some(Error::AccessTokenMismatch));
    }
}

#[tokio::test]
async fn j87_17_and_j87_18_other_kinds_of_token_of_the_same_issuer_are_no_id_token() {
    let desk = Desk::new();
    for typ in ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt", "client-authentication+jwt", ""] {
        let attempt = desk.begin();
        desk.hand_out(&desk.key.sign(typ, &desk.claims(&attempt)).unwrap());
        assert_eq!(desk.redeem(&attempt).await.err(), Some(Error::TokenRefused(Refused::WrongType)), "{typ}");
    }
    let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    assert_eq!(with("events", events).await, Some(Error::TokenRefused(Refused::WrongType)));
    // Keycloak names the kind in the payload too.
    for (typ, wanted) in [("ID", None), ("Bearer", Some(Refused::WrongType)), ("Refresh", Some(Refused::WrongType))] {
        assert_eq!(with("typ", json!(typ)).await, wanted.map(Error::TokenRefused), "{typ}");
    }
}

#[tokio::test]
async fn openid_core_3_1_2_1_with_a_max_age_the_user_must_have_authenticated_since() {
    let log_in = async |auth_time: Option<i64>| {
        let desk = Desk::new();
        let attempt = desk.provider.begin(random().unwrap(), Some(300));
        let mut claims = desk.claims(&attempt);
        if let Some(auth_time) = auth_time {
            claims["auth_time"] = json!(auth_time);
        }
        desk.issue(&claims);
        desk.redeem(&attempt).await.map(|logged_in| logged_in.identity.auth_time)
    };
    assert_eq!(log_in(Some(NOW - 360)).await, Ok(Some(NOW - 360)));
    assert_eq!(log_in(Some(NOW - 361)).await, Err(Error::AuthenticationTooOld));
    assert_eq!(log_in(Some(NOW + 61)).await, Err(Error::TokenRefused(Refused::NotYetValid)));
    assert_eq!(log_in(None).await, Err(Error::AuthTimeMissing));
}

#[tokio::test]
async fn an_address_is_verified_only_if_the_provider_says_exactly_that() {
    for (value, wanted) in [(json!(true), true), (json!("true"), false), (json!(1), false), (json!(false), false)] {
        let desk = Desk::new();
        let logged_in = desk.log_in_with(|claims| claims["email_verified"] = value).await.ok().unwrap();
        assert_eq!(logged_in.identity.email_verified, wanted);
    }
}
