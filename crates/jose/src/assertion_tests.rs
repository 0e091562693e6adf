//! Each MUST of RFC 7523 §3 broken once, and the whole of it kept.

use super::*;
use crate::{Algorithm, SigningKey};
use serde_json::{Value, json};

const NOW: i64 = 1_000_000;
const EXPECT: ExpectAssertion<'static> = ExpectAssertion {
    kind: AssertionKind::ClientAuthentication,
    client: "billing",
    audiences: &["https://app.example", "https://app.example/auth/token"],
    longest: 300,
    leeway: 5,
};

fn good() -> Value {
    json!({ "iss": "billing", "sub": "billing", "aud": "https://app.example", "exp": NOW + 60, "iat": NOW, "jti": "a" })
}

fn with(changes: &Value) -> Value {
    let mut claims = good();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn judged(typ: &str, claims: &Value) -> Result<Assertion, Refused> {
    let key = SigningKey::generate(Algorithm::Es256, "k").unwrap();
    let keys = KeySet::new(vec![key.verifying_key()]).unwrap();
    verify_assertion(&key.sign(typ, claims).unwrap(), &keys, &EXPECT, NOW)
}

fn refusal(changes: &Value) -> Option<Refused> {
    judged("JWT", &with(changes)).err()
}

#[test]
fn an_assertion_that_keeps_every_rule_is_accepted_with_its_name() {
    assert_eq!(judged("JWT", &good()), Ok(Assertion { jti: "a".into(), over_at: NOW + 65 }));
    assert_eq!(refusal(&json!({ "iat": null })), None, "RFC 7523 §3 (6): iat may be missing");
    assert_eq!(refusal(&json!({ "aud": "https://app.example/auth/token" })), None);
    assert_eq!(refusal(&json!({ "aud": ["https://app.example"], "nbf": NOW, "more": {} })), None);
}

#[test]
fn rfc7523_3_1_the_issuer_is_required_and_is_the_client() {
    assert_eq!(refusal(&json!({ "iss": null })), Some(Refused::BadClaims));
    assert_eq!(refusal(&json!({ "iss": "Billing" })), Some(Refused::WrongIssuer));
}

#[test]
fn rfc7523_3_2_the_subject_is_required_and_is_the_client() {
    assert_eq!(refusal(&json!({ "sub": null })), Some(Refused::BadClaims));
    assert_eq!(refusal(&json!({ "sub": "ann" })), Some(Refused::WrongSubject));
}

#[test]
fn rfc7523_3_3_and_r97_14_the_audience_is_required_and_is_us_alone() {
    assert_eq!(refusal(&json!({ "aud": null })), Some(Refused::BadClaims));
    assert_eq!(refusal(&json!({ "aud": "https://other.example" })), Some(Refused::WrongAudience));
    for close in ["https://app.example/", "https://APP.example", "https://app.example/auth", ""] {
        assert_eq!(refusal(&json!({ "aud": close })), Some(Refused::WrongAudience), "{close}");
    }
    let two = json!({ "aud": ["https://app.example", "https://other.example"] });
    assert_eq!(refusal(&two), Some(Refused::BadClaims));
}

#[test]
fn rfc7523_3_4_the_end_is_required_in_the_future_and_near() {
    assert_eq!(refusal(&json!({ "exp": null })), Some(Refused::BadClaims));
    assert_eq!(refusal(&json!({ "exp": NOW - 5 })), Some(Refused::Expired));
    assert_eq!(refusal(&json!({ "exp": NOW - 4 })), None, "clocks differ");
    assert_eq!(refusal(&json!({ "exp": NOW + 305 })), None);
    assert_eq!(refusal(&json!({ "exp": NOW + 306 })), Some(Refused::LivesTooLong));
}

#[test]
fn rfc7523_3_5_and_3_6_the_beginning_is_obeyed() {
    assert_eq!(refusal(&json!({ "nbf": NOW + 6 })), Some(Refused::NotYetValid));
    assert_eq!(refusal(&json!({ "iat": NOW + 6 })), Some(Refused::NotYetValid));
    assert_eq!(refusal(&json!({ "iat": NOW - 306 })), Some(Refused::LivesTooLong));
    assert_eq!(refusal(&json!({ "nbf": "soon" })), Some(Refused::BadClaims));
}

#[test]
fn rfc7523_3_7_the_name_is_required_so_that_a_replay_is_known() {
    assert_eq!(refusal(&json!({ "jti": null })), Some(Refused::BadClaims));
    assert_eq!(refusal(&json!({ "jti": "" })), Some(Refused::BadClaims));
    assert_eq!(refusal(&json!({ "jti": "x".repeat(257) })), Some(Refused::BadClaims));
}

#[test]
fn rfc7523_3_9_the_signature_is_of_the_registered_key_with_its_own_algorithm() {
    let key = SigningKey::generate(Algorithm::EdDsa, "k").unwrap();
    let other = SigningKey::generate(Algorithm::EdDsa, "k").unwrap();
    let keys = KeySet::new(vec![key.verifying_key()]).unwrap();
    let token = other.sign("JWT", &good()).unwrap();
    assert_eq!(verify_assertion(&token, &keys, &EXPECT, NOW).err(), Some(Refused::BadSignature));
    let es256 = SigningKey::generate(Algorithm::Es256, "k").unwrap().sign("JWT", &good()).unwrap();
    assert_eq!(verify_assertion(&es256, &keys, &EXPECT, NOW).err(), Some(Refused::AlgorithmNotAllowed));
    let unnamed = SigningKey::generate(Algorithm::EdDsa, "l").unwrap().sign("JWT", &good()).unwrap();
    assert_eq!(verify_assertion(&unnamed, &keys, &EXPECT, NOW).err(), Some(Refused::UnknownKey));
}

#[test]
fn j87_17_no_other_kind_of_token_is_an_assertion() {
    for typ in ["at+jwt", "logout+jwt", "dpop+jwt", "authorization-grant+jwt", ""] {
        assert_eq!(judged(typ, &good()).err(), Some(Refused::WrongType), "{typ:?}");
    }
    assert!(judged("client-authentication+jwt", &good()).is_ok());
    assert!(judged("application/client-authentication+jwt", &good()).is_ok());
}

#[test]
fn rfc7523_4_the_example_is_about_somebody_else_and_has_no_name() {
    // The claims of RFC 7523 §4: an identity provider vouches for a person, which no client of ours may.
    let example = json!({
        "iss": "https://jwt-idp.example.com", "sub": "mailto:mike@example.com", "aud": "https://jwt-rp.example.net",
        "nbf": 1_300_815_780, "exp": 1_300_819_380, "http://claims.example.com/member": true,
    });
    let key = SigningKey::generate(Algorithm::Es256, "16").unwrap();
    let keys = KeySet::new(vec![key.verifying_key()]).unwrap();
    let at = |claims: &Value, client| {
        let audiences = ["https://jwt-rp.example.net"];
        let expect =
            ExpectAssertion { kind: AssertionKind::Grant, client, audiences: &audiences, longest: 3600, leeway: 0 };
        verify_assertion(&key.sign("JWT", claims).unwrap(), &keys, &expect, 1_300_815_780)
    };
    assert_eq!(at(&example, "https://jwt-idp.example.com").err(), Some(Refused::BadClaims));
    let mut named = example.clone();
    named["jti"] = "1".into();
    assert_eq!(at(&named, "https://jwt-idp.example.com").err(), Some(Refused::WrongSubject));
    named["sub"] = named["iss"].clone();
    assert!(at(&named, "https://jwt-idp.example.com").is_ok(), "about itself it would be good");
}

#[test]
fn whom_an_assertion_says_it_is_from_is_read_and_proves_nothing() {
    let key = SigningKey::generate(Algorithm::EdDsa, "k").unwrap();
    assert_eq!(claimed_issuer(&key.sign("JWT", &good()).unwrap()).as_deref(), Some("billing"));
    assert_eq!(claimed_issuer("a.b.c"), None);
}
