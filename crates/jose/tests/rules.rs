//! The rules of a token's claims and of keys, each at its boundary.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::{
    AccessClaims, Algorithm, Claims, Expect, Jwk, JwkSet, KeyError, KeySet, MAX_LEEWAY, MAX_TOKEN, Refused, SigningKey,
    VerifyingKey, verify, verify_expired_too,
};
use serde_json::{Value, json};

const EXPECT: Expect<'_> =
    Expect { typ: "at+jwt", issuer: "https://i.example", audience: "https://a.example", leeway: 0 };

/// Claims of some other kind of token.
#[derive(serde::Deserialize)]
struct Anything {
    sub: String,
}

impl Claims for Anything {}

fn claims() -> Value {
    json!({
        "iss": EXPECT.issuer, "sub": "account", "aud": EXPECT.audience, "client_id": "app", "exp": 1_300, "iat": 1_000,
        "jti": "j", "sid": "s", "gen": 1, "iss_no": 1, "auth_time": 900, "amr": ["pwd"],
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims
}

struct Desk {
    key: SigningKey,
    keys: KeySet,
}

impl Desk {
    fn new() -> Self {
        let key = SigningKey::generate(Algorithm::EdDsa, "k").unwrap();
        let keys = KeySet::new(vec![key.verifying_key()]).unwrap();
        Self { key, keys }
    }

    fn check(&self, typ: &str, claims: &Value, expect: &Expect<'_>, now: i64) -> Option<Refused> {
        verify::<AccessClaims>(&self.key.sign(typ, claims).unwrap(), &self.keys, expect, now).err()
    }

    fn at(&self, claims: &Value, now: i64) -> Option<Refused> {
        self.check("at+jwt", claims, &EXPECT, now)
    }
}

#[test]
fn j87_23_a_token_lives_from_iat_until_just_before_exp() {
    let desk = Desk::new();
    assert_eq!(desk.at(&claims(), 999), Some(Refused::NotYetValid));
    assert_eq!(desk.at(&claims(), 1_000), None);
    assert_eq!(desk.at(&claims(), 1_299), None);
    assert_eq!(desk.at(&claims(), 1_300), Some(Refused::Expired));
    assert_eq!(desk.at(&with("nbf", json!(1_100)), 1_099), Some(Refused::NotYetValid));
    assert_eq!(desk.at(&with("nbf", json!(1_100)), 1_100), None);
    for now in [i64::MIN, -1, 0] {
        assert_eq!(desk.at(&claims(), now), Some(Refused::NotYetValid));
    }
    assert_eq!(desk.at(&claims(), i64::MAX), Some(Refused::Expired));
}

#[test]
fn j87_23_the_leeway_is_applied_on_both_sides_and_bounded() {
    let desk = Desk::new();
    let check = |leeway: i64, now: i64| desk.check("at+jwt", &claims(), &Expect { leeway, ..EXPECT }, now);
    assert_eq!(check(5, 994), Some(Refused::NotYetValid));
    assert_eq!(check(5, 995), None);
    assert_eq!(check(5, 1_304), None);
    assert_eq!(check(5, 1_305), Some(Refused::Expired));
    for leeway in [MAX_LEEWAY, MAX_LEEWAY + 1, i64::MAX] {
        assert_eq!(check(leeway, 1_299 + MAX_LEEWAY), None);
        assert_eq!(check(leeway, 1_300 + MAX_LEEWAY), Some(Refused::Expired));
        assert_eq!(check(leeway, 999 - MAX_LEEWAY), Some(Refused::NotYetValid));
    }
    for leeway in [-1, i64::MIN] {
        assert_eq!(check(leeway, 1_299), None);
        assert_eq!(check(leeway, 1_300), Some(Refused::Expired));
    }
}

#[test]
fn an_expired_token_passes_where_it_may_and_no_other_rule_is_waived() {
    let desk = Desk::new();
    let check = |typ: &str, claims: &Value, now: i64| {
        verify_expired_too::<AccessClaims>(&desk.key.sign(typ, claims).unwrap(), &desk.keys, &EXPECT, now).err()
    };
    assert_eq!(check("at+jwt", &claims(), 1_299), None);
    assert_eq!(check("at+jwt", &claims(), 1_300), None);
    assert_eq!(check("at+jwt", &claims(), i64::MAX), None);
    assert_eq!(check("at+jwt", &claims(), 999), Some(Refused::NotYetValid));
    assert_eq!(check("JWT", &claims(), 2_000), Some(Refused::WrongType));
    assert_eq!(check("at+jwt", &with("iss", json!("x")), 2_000), Some(Refused::WrongIssuer));
    assert_eq!(check("at+jwt", &with("aud", json!("x")), 2_000), Some(Refused::WrongAudience));
    assert_eq!(check("at+jwt", &without("exp"), 2_000), Some(Refused::BadClaims));
    let stranger = SigningKey::generate(Algorithm::EdDsa, "k").unwrap().sign("at+jwt", &claims()).unwrap();
    let refused = verify_expired_too::<AccessClaims>(&stranger, &desk.keys, &EXPECT, 2_000).err();
    assert_eq!(refused, Some(Refused::BadSignature));
}

#[test]
fn j87_13_and_j87_14_every_claim_is_required_and_of_its_type() {
    let desk = Desk::new();
    let names: Vec<String> = claims().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names.len(), 12);
    for name in &names {
        assert_eq!(desk.at(&without(name), 1_000), Some(Refused::BadClaims), "without {name}");
        for wrong in [json!(null), json!({}), json!(true), json!([1])] {
            assert_eq!(desk.at(&with(name, wrong), 1_000), Some(Refused::BadClaims), "{name}");
        }
    }
    for name in ["iss", "sub", "aud", "jti", "sid", "client_id"] {
        assert_eq!(desk.at(&with(name, json!(1)), 1_000), Some(Refused::BadClaims), "{name}");
    }
    for name in ["exp", "iat", "nbf", "gen", "iss_no", "auth_time"] {
        for wrong in [json!("1000"), json!(-1), json!(1e300)] {
            assert_eq!(desk.at(&with(name, wrong), 1_000), Some(Refused::BadClaims), "{name}");
        }
    }
    assert_eq!(desk.at(&with("further", json!({"a": [1, 2]})), 1_000), None);
}

#[test]
fn j87_14_an_array_of_audiences_must_contain_ours() {
    let desk = Desk::new();
    let check = |aud: Value| {
        let token = desk.key.sign("at+jwt", &with("aud", aud)).unwrap();
        verify::<Anything>(&token, &desk.keys, &EXPECT, 1_000).map(|verified| verified.into_claims().sub)
    };
    assert_eq!(check(json!(["https://b.example", EXPECT.audience])).as_deref(), Ok("account"));
    assert_eq!(check(json!([EXPECT.audience])).as_deref(), Ok("account"));
    assert_eq!(check(json!(["https://b.example"])), Err(Refused::WrongAudience));
    assert_eq!(check(json!([])), Err(Refused::WrongAudience));
    // An access token of ours has one audience.
    assert_eq!(desk.at(&with("aud", json!([EXPECT.audience])), 1_000), None);
    let two = with("aud", json!([EXPECT.audience, "https://b.example"]));
    assert_eq!(desk.at(&two, 1_000), Some(Refused::BadClaims));
}

#[test]
fn j87_17_and_j87_18_no_kind_of_token_passes_for_another() {
    let desk = Desk::new();
    let kinds = ["at+jwt", "JWT", "logout+jwt", "dpop+jwt", "dbsc+jwt", "step-up+jwt", "client-authentication+jwt", ""];
    for made in kinds {
        for expected in kinds {
            let outcome = desk.check(made, &claims(), &Expect { typ: expected, ..EXPECT }, 1_000);
            assert_eq!(outcome, (made != expected).then_some(Refused::WrongType), "{made} for {expected}");
        }
    }
    assert_eq!(desk.check("application/AT+jwt", &claims(), &EXPECT, 1_000), None);
}

#[test]
fn j87_12_two_issuers_with_one_key_name_do_not_accept_each_other() {
    let (one, two) = (Desk::new(), Desk::new());
    let token = one.key.sign("at+jwt", &claims()).unwrap();
    assert!(verify::<AccessClaims>(&token, &one.keys, &EXPECT, 1_000).is_ok());
    assert_eq!(verify::<AccessClaims>(&token, &two.keys, &EXPECT, 1_000).err(), Some(Refused::BadSignature));
}

#[test]
fn a_signed_token_has_exactly_three_header_members_and_the_claims_as_given() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm, "a \"quoted\" kid").unwrap();
        let token = key.sign("at+jwt", &claims()).unwrap();
        let parts: Vec<_> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        let header: Value = serde_json::from_slice(&parts[0]).unwrap();
        assert_eq!(header, json!({"alg": algorithm.as_str(), "typ": "at+jwt", "kid": key.kid()}));
        assert_eq!(serde_json::from_slice::<Value>(&parts[1]).unwrap(), claims());
        let length = match algorithm {
            Algorithm::EdDsa | Algorithm::Es256 => 64,
            Algorithm::Rs256 => 256,
            Algorithm::Hs256 => 32,
        };
        assert_eq!(parts[2].len(), length);
    }
}

#[test]
fn j87_25_eddsa_signatures_are_deterministic() {
    let desk = Desk::new();
    assert_eq!(desk.key.sign("at+jwt", &claims()).unwrap(), desk.key.sign("at+jwt", &claims()).unwrap());
}

#[test]
fn claims_that_are_no_object_or_too_large_are_not_signed() {
    let key = Desk::new().key;
    for claims in [json!(null), json!([1]), json!("text"), json!(1)] {
        assert_eq!(key.sign("at+jwt", &claims), Err(KeyError::BadClaims));
    }
    assert_eq!(key.sign("at+jwt", &with("x", json!("a".repeat(MAX_TOKEN)))), Err(KeyError::TooLarge));
}

#[test]
fn a_key_survives_being_stored() {
    for algorithm in Algorithm::ALL {
        let key = SigningKey::generate(algorithm, "k").unwrap();
        let stored = SigningKey::from_secret_bytes(algorithm, "k", &key.to_secret_bytes()).unwrap();
        assert_eq!(stored.public_jwk(), key.public_jwk());
        assert_eq!((stored.algorithm(), stored.kid()), (algorithm, "k"));
        let token = stored.sign("at+jwt", &claims()).unwrap();
        let keys = KeySet::new(vec![key.verifying_key()]).unwrap();
        assert_eq!(verify::<AccessClaims>(&token, &keys, &EXPECT, 1_000).unwrap().kid(), "k");
    }
}

#[test]
fn what_the_jwks_shows_verifies_and_holds_no_secret() {
    let signing: Vec<_> = Algorithm::ALL
        .into_iter()
        .map(|algorithm| SigningKey::generate(algorithm, algorithm.as_str()).unwrap())
        .collect();
    let shown = JwkSet::new(signing.iter().filter_map(SigningKey::public_jwk).collect());
    let text = serde_json::to_string(&shown).unwrap();
    let members: Value = serde_json::from_str(&text).unwrap();
    for key in members["keys"].as_array().unwrap() {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none());
        }
        assert_eq!(key["use"], "sig");
    }
    let read = JwkSet::parse(text.as_bytes()).unwrap();
    assert_eq!(read, shown);
    let keys = KeySet::from_jwks(&read).unwrap();
    assert_eq!(keys.len(), 3);
    for key in &signing {
        let token = key.sign("at+jwt", &claims()).unwrap();
        let outcome = verify::<AccessClaims>(&token, &keys, &EXPECT, 1_000).err();
        assert_eq!(outcome, (key.algorithm() == Algorithm::Hs256).then_some(Refused::UnknownKey));
    }
}

#[test]
fn j87_03_a_private_key_of_another_algorithm_is_refused() {
    for made in Algorithm::ALL {
        let secret = SigningKey::generate(made, "k").unwrap().to_secret_bytes();
        for read in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256] {
            assert_eq!(SigningKey::from_secret_bytes(read, "k", &secret).is_ok(), made == read, "{made} as {read}");
        }
    }
    let long = vec![0; 17 * 1024];
    assert_eq!(SigningKey::from_secret_bytes(Algorithm::Rs256, "k", &long).err(), Some(KeyError::TooLarge));
}

#[test]
fn j87_09_an_hmac_key_has_at_least_32_bytes() {
    let read = |length: usize| SigningKey::from_secret_bytes(Algorithm::Hs256, "k", &vec![7; length]).err();
    assert_eq!(read(0), Some(KeyError::TooShort));
    assert_eq!(read(31), Some(KeyError::TooShort));
    assert_eq!(read(32), None);
    assert_eq!(read(1_024), None);
    assert_eq!(read(1_025), Some(KeyError::TooLarge));
}

#[test]
fn j87_15_a_kid_is_short_printable_ascii_and_belongs_to_one_key() {
    for kid in ["", "a\n", "\0", "ä", &"k".repeat(257)] {
        assert_eq!(SigningKey::generate(Algorithm::EdDsa, kid).err(), Some(KeyError::BadKid), "{kid:?}");
    }
    let one = SigningKey::generate(Algorithm::EdDsa, &"k".repeat(256)).unwrap().verifying_key();
    assert_eq!(KeySet::new(vec![one.clone(), one]).err(), Some(KeyError::DuplicateKid));
}

fn ed25519(kid: &str) -> Jwk {
    SigningKey::generate(Algorithm::EdDsa, kid).unwrap().public_jwk().unwrap()
}

fn p256(kid: &str) -> Jwk {
    SigningKey::generate(Algorithm::Es256, kid).unwrap().public_jwk().unwrap()
}

#[test]
fn j87_21_ed25519_is_answered_to_only_by_a_key_that_says_so() {
    let key = SigningKey::generate(Algorithm::EdDsa, "k").unwrap();
    let jwk = key.public_jwk().unwrap();
    let modern = VerifyingKey::from_jwk(&Jwk { alg: Some("Ed25519".into()), ..jwk.clone() }).unwrap();
    assert_eq!(modern.algorithm(), Algorithm::EdDsa);
    let token = key.sign("at+jwt", &claims()).unwrap();
    let check =
        |key: VerifyingKey| verify::<AccessClaims>(&token, &KeySet::new(vec![key]).unwrap(), &EXPECT, 1_000).err();
    assert_eq!(check(modern), Some(Refused::AlgorithmNotAllowed));
    assert_eq!(check(VerifyingKey::from_jwk(&Jwk { alg: None, ..jwk }).unwrap()), None);
}

#[test]
fn j87_08_points_off_the_curve_of_wrong_length_or_of_low_order_are_refused() {
    let error = |jwk: Jwk| VerifyingKey::from_jwk(&jwk).err();
    let good = p256("k");
    assert_eq!(error(good.clone()), None);
    let text = |bytes: &[u8]| Some(URL_SAFE_NO_PAD.encode(bytes));
    let y = URL_SAFE_NO_PAD.decode(good.y.clone().unwrap()).unwrap();
    for position in 0..256 {
        let mut off = y.clone();
        off[position / 8] ^= 1 << (position % 8);
        assert_eq!(error(Jwk { y: text(&off), ..good.clone() }), Some(KeyError::Malformed), "bit {position}");
    }
    for wrong in [&[0; 32][..], &[0xff; 32], &[], &y[1..], &[&[0], &y[..]].concat()] {
        assert_eq!(error(Jwk { y: text(wrong), ..good.clone() }), Some(KeyError::Malformed));
        assert_eq!(error(Jwk { x: text(wrong), ..good.clone() }), Some(KeyError::Malformed));
    }
    assert_eq!(error(Jwk { x: text(&[0; 32]), y: text(&[0; 32]), ..good.clone() }), Some(KeyError::Malformed));
    assert_eq!(error(Jwk { y: None, ..good.clone() }), Some(KeyError::Malformed));
    assert_eq!(error(Jwk { y: good.y.clone().map(|y| y + "="), ..good.clone() }), Some(KeyError::Malformed));
    assert_eq!(error(Jwk { crv: Some("P-384".into()), ..good.clone() }), Some(KeyError::Unsupported));
    assert_eq!(error(Jwk { crv: None, ..good }), Some(KeyError::Unsupported));

    let good = ed25519("k");
    for (first, rest, last) in
        [(0, 0, 0), (1, 0, 0), (1, 0, 0x80), (0xec, 0xff, 0x7f), (0xec, 0xff, 0xff), (0xee, 0xff, 0x7f)]
    {
        let mut point = [rest; 32];
        (point[0], point[31]) = (first, last);
        assert_eq!(error(Jwk { x: text(&point), ..good.clone() }), Some(KeyError::Weak), "{first} {last}");
    }
    assert_eq!(error(Jwk { x: text(&[2; 31]), ..good.clone() }), Some(KeyError::Malformed));
    assert_eq!(error(Jwk { crv: Some("X25519".into()), ..good }), Some(KeyError::Unsupported));
}

#[test]
fn j87_03_use_key_ops_and_alg_of_a_jwk_are_obeyed() {
    let error = |jwk: Jwk| VerifyingKey::from_jwk(&jwk).err();
    let text = |text: &str| Some(text.to_owned());
    let operations = |all: &[&str]| Some(all.iter().map(|&one| one.to_owned()).collect());
    for good in [ed25519("k"), p256("k")] {
        assert_eq!(error(Jwk { usage: None, alg: None, ..good.clone() }), None);
        assert_eq!(error(Jwk { key_ops: operations(&["sign", "verify"]), ..good.clone() }), None);
        for unsupported in [
            Jwk { usage: text("enc"), ..good.clone() },
            Jwk { usage: text("SIG"), ..good.clone() },
            Jwk { usage: text(""), ..good.clone() },
            Jwk { key_ops: operations(&[]), ..good.clone() },
            Jwk { key_ops: operations(&["sign"]), ..good.clone() },
            Jwk { key_ops: operations(&["sign, verify"]), ..good.clone() },
            Jwk { alg: text("none"), ..good.clone() },
            Jwk { alg: text("HS256"), ..good.clone() },
            Jwk { alg: text("RS256"), ..good.clone() },
            Jwk { kty: "oct".into(), ..good.clone() },
            Jwk { kty: "ec".into(), ..good.clone() },
        ] {
            assert_eq!(error(unsupported.clone()), Some(KeyError::Unsupported), "{unsupported:?}");
        }
        assert_eq!(error(Jwk { kid: None, ..good }), Some(KeyError::BadKid));
    }
}

#[test]
fn a_set_keeps_what_it_understands_and_refuses_what_is_broken() {
    let parse = |keys: Value| JwkSet::parse(json!({"keys": keys, "further": 1}).to_string().as_bytes());
    let good = serde_json::to_value(ed25519("good")).unwrap();
    let kept = |key: Value| parse(json!([key, good])).map(|set| set.keys().len());
    assert_eq!(kept(json!({"kty": "AKP", "kid": "new", "x": 7, "pub": "AA"})), Ok(1));
    assert_eq!(kept(json!({"kty": "oct", "kid": "s", "k": "AAAA"})), Ok(1));
    assert_eq!(kept(json!({"kty": "RSA", "kid": "e", "use": "enc", "n": "AQAB", "e": "AQAB"})), Ok(1));
    assert_eq!(kept(json!({"kty": "EC", "crv": "P-256"})), Ok(1), "without a name");
    assert_eq!(kept(serde_json::to_value(p256("other")).unwrap()), Ok(2));
    assert_eq!(kept(serde_json::to_value(p256("good")).unwrap()), Err(KeyError::DuplicateKid));
    assert_eq!(kept(json!({"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"})), Err(KeyError::TooShort));
    assert_eq!(
        kept(json!({"kty": "EC", "crv": "P-256", "kid": "off", "x": "AA", "y": "AA"})),
        Err(KeyError::Malformed)
    );
    for broken in
        [json!(null), json!([]), json!("key"), json!({}), json!({"kty": 1}), json!({"kty": "EC", "kid": "k", "x": 1})]
    {
        assert_eq!(kept(broken.clone()), Err(KeyError::Malformed), "{broken}");
    }
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, r#"{"keys":[]} x"#] {
        assert_eq!(JwkSet::parse(text.as_bytes()), Err(KeyError::Malformed), "{text}");
    }
    let twice = format!(r#"{{"keys":[{}]}}"#, good.to_string().replacen('{', r#"{"kty":"OKP","#, 1));
    assert_eq!(JwkSet::parse(twice.as_bytes()), Err(KeyError::Malformed));
}

#[test]
fn j87_26_a_set_is_at_most_64_kib_and_64_keys() {
    let unknown = |count: usize| json!({"keys": vec![json!({"kty": "x"}); count]}).to_string();
    assert_eq!(JwkSet::parse(unknown(64).as_bytes()), Ok(JwkSet::default()));
    assert_eq!(JwkSet::parse(unknown(65).as_bytes()), Err(KeyError::TooLarge));
    let padded = |length: usize| format!(r#"{{"keys":[]{}}}"#, " ".repeat(length - 11));
    assert_eq!(JwkSet::parse(padded(64 * 1024).as_bytes()), Ok(JwkSet::default()));
    assert_eq!(JwkSet::parse(padded(64 * 1024 + 1).as_bytes()), Err(KeyError::TooLarge));
    let deep = format!(r#"{{"keys":[{{"kty":"x","a":{}}}]}}"#, "[".repeat(60_000));
    assert_eq!(JwkSet::parse(deep.as_bytes()), Err(KeyError::Malformed));
}
