//! Tokens of OpenID Connect, which have no type of their own, against those that have one: every kind in every slot.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::{
    Algorithm, Claims, Expect, ExpectOpenId, KeySet, OpenIdKind, Refused, SigningKey, verify, verify_expired_too,
    verify_openid,
};
use serde_json::{Value, json};

#[derive(serde::Deserialize)]
struct Anything {
    sub: String,
}

impl Claims for Anything {}

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "app";

fn claims() -> Value {
    json!({"iss": ISSUER, "sub": "u", "aud": AUDIENCE, "iat": 1_000, "exp": 1_300})
}

fn expect(kind: OpenIdKind) -> ExpectOpenId<'static> {
    ExpectOpenId { kind, issuer: ISSUER, audience: AUDIENCE, leeway: 0 }
}

fn check(key: &SigningKey, token: &str, kind: OpenIdKind) -> Result<String, Refused> {
    let keys = KeySet::new(vec![key.verifying_key()]).unwrap();
    verify_openid::<Anything>(token, &keys, &expect(kind), 1_000).map(|verified| verified.into_claims().sub)
}

#[test]
fn j87_17_and_j87_18_no_kind_passes_where_another_is_wanted() {
    let key = SigningKey::generate(Algorithm::EdDsa, "k").unwrap();
    let keys = KeySet::new(vec![key.verifying_key()]).unwrap();
    for (typ, as_id, as_logout, as_access) in [
        ("JWT", true, true, false),
        ("application/jwt", true, true, false),
        ("logout+jwt", false, true, false),
        ("at+jwt", false, false, true),
        ("application/at+jwt", false, false, true),
        ("dpop+jwt", false, false, false),
        ("secevent+jwt", false, false, false),
        ("", false, false, false),
    ] {
        let token = key.sign(typ, &claims()).unwrap();
        let outcome = |passes: bool| if passes { Ok("u".to_owned()) } else { Err(Refused::WrongType) };
        assert_eq!(check(&key, &token, OpenIdKind::IdToken), outcome(as_id), "{typ}");
        assert_eq!(check(&key, &token, OpenIdKind::LogoutToken), outcome(as_logout), "{typ}");
        let expect = Expect { typ: "at+jwt", issuer: ISSUER, audience: AUDIENCE, leeway: 0 };
        let access = verify::<Anything>(&token, &keys, &expect, 1_000).map(|verified| verified.into_claims().sub);
        assert_eq!(access, outcome(as_access), "{typ}");
        let old = verify_expired_too::<Anything>(&token, &keys, &expect, 1_000).map(|old| old.into_claims().sub);
        assert_eq!(old, outcome(as_access), "{typ}");
    }
}

#[test]
fn j87_17_a_token_without_a_type_is_an_id_token_or_a_logout_token_and_no_access_token() {
    let key = SigningKey::generate(Algorithm::Hs256, "k").unwrap();
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256", "kid": "k"})), part(&claims()));
    let mac = cloakroom_jose::MacKey::from_secret_bytes(&key.to_secret_bytes()).unwrap().mac(signed.as_bytes());
    let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac));
    assert_eq!(check(&key, &token, OpenIdKind::IdToken).as_deref(), Ok("u"));
    assert_eq!(check(&key, &token, OpenIdKind::LogoutToken).as_deref(), Ok("u"));
    let keys = KeySet::new(vec![key.verifying_key()]).unwrap();
    let expect = Expect { typ: "at+jwt", issuer: ISSUER, audience: AUDIENCE, leeway: 0 };
    assert_eq!(verify::<Anything>(&token, &keys, &expect, 1_000).err(), Some(Refused::WrongType));
}

#[test]
fn every_other_rule_holds_for_them_too() {
    let key = SigningKey::generate(Algorithm::EdDsa, "k").unwrap();
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        check(&key, &key.sign("JWT", &claims).unwrap(), OpenIdKind::IdToken).err()
    };
    assert_eq!(with("further", json!(1)), None);
    assert_eq!(with("iss", json!("https://other.example")), Some(Refused::WrongIssuer));
    assert_eq!(with("aud", json!(["other"])), Some(Refused::WrongAudience));
    assert_eq!(with("exp", json!(1_000)), Some(Refused::Expired));
    assert_eq!(with("iat", json!(1_001)), Some(Refused::NotYetValid));
    assert_eq!(with("exp", json!(null)), Some(Refused::BadClaims));
    let stranger = SigningKey::generate(Algorithm::EdDsa, "k").unwrap().sign("JWT", &claims()).unwrap();
    assert_eq!(check(&key, &stranger, OpenIdKind::IdToken), Err(Refused::BadSignature));
}
