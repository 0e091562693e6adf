//! Another library agrees, in both directions and for every algorithm: `jsonwebtoken` accepts what is signed here, and
//! what it signs is accepted here. Where the two differ on purpose, here is the stricter one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloakroom_jose::{AccessClaims, Algorithm, Expect, KeySet, Refused, SigningKey, verify};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use proptest::prelude::*;

const EXPECT: Expect<'_> =
    Expect { typ: "at+jwt", issuer: "https://i.example", audience: "https://a.example", leeway: 0 };

static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    Algorithm::ALL.into_iter().map(|algorithm| SigningKey::generate(algorithm, algorithm.as_str()).unwrap()).collect()
});

fn claims(sub: &str, exp: i64) -> AccessClaims {
    AccessClaims {
        iss: EXPECT.issuer.into(),
        sub: sub.into(),
        aud: EXPECT.audience.into(),
        client_id: "c".into(),
        exp,
        iat: 100,
        jti: "j".into(),
        sid: "s".into(),
        r#gen: 7,
        iss_no: 3,
        auth_time: 90,
        amr: vec!["pwd".into()],
        roles: vec![],
        groups: vec![],
    }
}

fn their_algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    algorithm.as_str().parse().unwrap()
}

fn their_signing_key(key: &SigningKey) -> EncodingKey {
    let secret = key.to_secret_bytes();
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&*secret));
    match key.algorithm() {
        Algorithm::EdDsa => EncodingKey::from_ed_pem(pem.as_bytes()).unwrap(),
        Algorithm::Es256 => EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
        Algorithm::Rs256 => EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
        Algorithm::Hs256 => EncodingKey::from_secret(&secret),
    }
}

/// By way of the JWK that we publish, as a stranger's library would.
fn their_verifying_key(key: &SigningKey) -> DecodingKey {
    match key.public_jwk() {
        Some(jwk) => {
            let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_str(&serde_json::to_string(&jwk).unwrap()).unwrap();
            DecodingKey::from_jwk(&jwk).unwrap()
        }
        None => DecodingKey::from_secret(&key.to_secret_bytes()),
    }
}

fn their_validation(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(their_algorithm(algorithm));
    validation.set_audience(&[EXPECT.audience]);
    validation.set_issuer(&[EXPECT.issuer]);
    // Their clock is the wall's.
    validation.validate_exp = false;
    validation
}

#[test]
fn what_is_signed_here_is_accepted_there() {
    for key in KEYS.iter() {
        let claims = claims("ä\"\\\u{0}😀", 200);
        let token = key.sign(EXPECT.typ, &claims).unwrap();
        let theirs =
            jsonwebtoken::decode::<AccessClaims>(&token, &their_verifying_key(key), &their_validation(key.algorithm()))
                .unwrap();
        assert_eq!(theirs.claims, claims, "{}", key.algorithm());
        assert_eq!((theirs.header.typ.as_deref(), theirs.header.kid.as_deref()), (Some("at+jwt"), Some(key.kid())));
        assert_eq!(theirs.header.alg, their_algorithm(key.algorithm()));
    }
}

#[test]
fn what_is_signed_there_is_accepted_here() {
    for key in KEYS.iter() {
        let claims = claims("ä\"\\\u{0}😀", 200);
        let mut header = Header::new(their_algorithm(key.algorithm()));
        header.typ = Some("at+jwt".into());
        header.kid = Some(key.kid().into());
        let token = jsonwebtoken::encode(&header, &claims, &their_signing_key(key)).unwrap();
        let keys = KeySet::new(vec![key.verifying_key()]).unwrap();
        let verified = verify::<AccessClaims>(&token, &keys, &EXPECT, 150).unwrap();
        assert_eq!(verified.into_claims(), claims, "{}", key.algorithm());
        assert_eq!(verify::<AccessClaims>(&token, &keys, &EXPECT, 200).err(), Some(Refused::Expired));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// With one character replaced or none. The other library may accept more: it reads lenient base64url.
    #[test]
    fn nothing_is_accepted_here_that_is_refused_there(
        algorithm in 0..4_usize,
        sub in ".{0,40}",
        at in any::<prop::sample::Index>(),
        with in any::<prop::sample::Selector>(),
        change in any::<bool>(),
    ) {
        let key = KEYS.get(algorithm).unwrap();
        let mut token: Vec<char> = key.sign(EXPECT.typ, &claims(&sub, 200)).unwrap().chars().collect();
        if change {
            let index = at.index(token.len());
            *token.get_mut(index).unwrap() = with.select("AZaz09-_.=+/ {}\"%é".chars());
        }
        let token: String = token.into_iter().collect();
        let keys = KeySet::new(vec![key.verifying_key()]).unwrap();
        let ours = verify::<AccessClaims>(&token, &keys, &EXPECT, 150);
        let theirs =
            jsonwebtoken::decode::<AccessClaims>(&token, &their_verifying_key(key), &their_validation(key.algorithm()));
        prop_assert!(theirs.is_ok() || ours.is_err(), "{token}");
        if !change {
            prop_assert_eq!(ours.unwrap().into_claims().sub, sub);
        }
    }
}
