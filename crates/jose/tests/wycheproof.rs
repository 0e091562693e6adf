//! Project Wycheproof's vectors, from the folder that `CLOAKROOM_VECTORS` names (it contains `wycheproof/`). Without it
//! the tests say so and pass; with `CLOAKROOM_VECTORS_REQUIRED=1` they fail instead. Every vector whose outcome here
//! differs from its own mark is listed below with the reason, and the numbers are asserted.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use cloakroom_jose::{
    Algorithm, Jwk, JwkSet, KeyError, KeySet, Refused, SigningKey, VerifyingKey, verify_signature,
    verify_signature_with,
};
use serde_json::Value;

/// JWS vectors marked valid that are refused here.
const JWS_REFUSED: &[(std::ops::RangeInclusive<u64>, &str)] = &[
    (264..=267, "RS384 is not among our algorithms"),
    (268..=271, "RS512 is not among our algorithms"),
    (272..=275, "PS256 is not among our algorithms"),
    (287..=288, "PS256 is not among our algorithms"),
    (320..=323, "PS384 is not among our algorithms"),
    (325..=328, "PS512 is not among our algorithms"),
    (346..=346, "PS384 is not among our algorithms; the key says PS256, too"),
    (347..=347, "ES512 is not among our algorithms; the key says ES521, a typo of RFC 7520 figure 27"),
    (350..=350, "PS384 is not among our algorithms; the key says PS256, too"),
    (351..=351, "ES512 is not among our algorithms; the key says ES521, a typo of RFC 7520 figure 27"),
    (372..=373, "a question mark inside of base64url is ignored by lenient decoders only (RFC 7515 §2, RFC 4648 §3.3)"),
];

/// JWS vectors marked invalid that are accepted here: their tokens are the very text of 357, which is marked valid. The
/// names speak of wrong padding, but the data has none; wrong padding is tested in `attacks.rs`. No verifier can answer
/// both as marked.
const JWS_SAME_AS_357: &[u64] = &[367, 370];

/// JWK vectors marked valid that are refused here when the set is read as a set.
const JWK_REFUSED: &[(std::ops::RangeInclusive<u64>, &str)] = &[
    (2..=2, "symmetric keys are never read from a set"),
    (13..=13, "symmetric keys are never read from a set"),
    (14..=15, "symmetric keys are never read from a set; HS384 and HS512 are not among our algorithms"),
];

#[test]
fn every_jws_vector_has_its_outcome() {
    let Some(file) = vectors("json_web_signature_test.json") else { return };
    let (mut ran, mut accepted, mut exceptions) = (0, 0, 0);
    for (group, test) in each(&file) {
        ran += 1;
        let id = test["tcId"].as_u64().unwrap();
        let token = test["jws"].as_str().unwrap();
        let outcome = key_of(group).map_err(|error| format!("{error}")).and_then(|key| {
            let alone = verify_signature_with(token, &key);
            let in_set = verify_signature(token, &KeySet::new(vec![key]).unwrap());
            assert_eq!(alone, in_set, "vector {id}");
            in_set.map_err(|refused| format!("{refused}"))
        });
        let refused_here = JWS_REFUSED.iter().any(|(ids, _)| ids.contains(&id));
        let accepted_here = JWS_SAME_AS_357.contains(&id);
        if accepted_here {
            let valid = each(&file).find(|(_, other)| other["tcId"] == 357).unwrap();
            assert_eq!((group, &test["jws"]), (valid.0, &valid.1["jws"]), "vector {id}");
        }
        let marked_valid = test["result"] == "valid";
        assert!(!refused_here || marked_valid, "vector {id} needs no exception");
        assert!(!accepted_here || !marked_valid, "vector {id} needs no exception");
        let expected = (marked_valid && !refused_here) || accepted_here;
        assert_eq!(outcome.is_ok(), expected, "vector {id} {}: {outcome:?}", test["comment"]);
        exceptions += usize::from(refused_here || accepted_here);
        if let Ok(payload) = outcome {
            assert_eq!(URL_SAFE_NO_PAD.encode(payload), token.split('.').nth(1).unwrap(), "vector {id}");
            accepted += 1;
        }
    }
    assert_eq!((ran, accepted, exceptions), (401, 20, 30));
}

#[test]
fn every_key_set_vector_has_its_outcome() {
    let Some(file) = vectors("json_web_key_test.json") else { return };
    let (mut ran, mut accepted, mut exceptions) = (0, 0, 0);
    for (group, test) in each(&file) {
        ran += 1;
        let id = test["tcId"].as_u64().unwrap();
        let set = group.get("public").unwrap_or(&group["private"]).to_string();
        let parsed = JwkSet::parse(set.as_bytes());
        if id == 7 {
            assert_eq!(parsed, Err(KeyError::Weak), "the key with the mark of CVE-2017-15361");
        }
        let token = test["jws"].as_str().unwrap();
        let outcome = parsed
            .and_then(|set| KeySet::from_jwks(&set))
            .map_err(|error| format!("{error}"))
            .and_then(|keys| verify_signature(token, &keys).map_err(|refused| format!("{refused}")));
        let excepted = JWK_REFUSED.iter().any(|(ids, _)| ids.contains(&id));
        let expected = test["result"] == "valid" && !excepted;
        assert_eq!(outcome.is_ok(), expected, "vector {id} {}: {outcome:?}", test["comment"]);
        exceptions += usize::from(excepted);
        accepted += usize::from(outcome.is_ok());
    }
    assert_eq!((ran, accepted, exceptions), (26, 1, 4));
}

/// The symmetric ones again, the way such keys do come in here: as raw bytes.
#[test]
fn j87_09_every_key_vector_of_hmac_has_its_outcome_as_raw_keys() {
    let Some(file) = vectors("json_web_key_test.json") else { return };
    let (mut ran, mut accepted) = (0, 0);
    for (group, test) in each(&file) {
        let keys = group["private"]["keys"].as_array().unwrap();
        if keys.iter().any(|key| key["kty"] != "oct") {
            continue;
        }
        ran += 1;
        let id = test["tcId"].as_u64().unwrap();
        let set = keys.iter().map(symmetric_key).collect::<Result<Vec<_>, _>>().and_then(KeySet::new);
        assert_eq!(set.as_ref().err() == Some(&KeyError::DuplicateKid), id == 4, "vector {id}");
        let outcome = set.map_err(|error| format!("{error}")).and_then(|keys| {
            verify_signature(test["jws"].as_str().unwrap(), &keys).map_err(|refused| format!("{refused}"))
        });
        // 14 and 15: HS384 and HS512 are not among our algorithms.
        let expected = test["result"] == "valid" && id != 14 && id != 15;
        assert_eq!(outcome.is_ok(), expected, "vector {id} {}: {outcome:?}", test["comment"]);
        accepted += usize::from(outcome.is_ok());
    }
    assert_eq!((ran, accepted), (14, 2));
}

#[test]
fn j87_07_every_encrypted_token_is_refused_for_its_form() {
    let Some(file) = vectors("json_web_encryption_test.json") else { return };
    let mut ran = 0;
    for (_, test) in each(&file) {
        ran += 1;
        let outcome = verify_signature(test["jwe"].as_str().unwrap(), &KeySet::default());
        assert!(matches!(outcome, Err(Refused::Malformed | Refused::TooLarge)), "vector {}: {outcome:?}", test["tcId"]);
    }
    assert_eq!(ran, 139);
}

#[test]
fn every_ed25519_vector_has_its_outcome() {
    let Some(file) = vectors("ed25519_test.json") else { return };
    assert_eq!(primitives(&file, |group| serde_json::from_value(group["publicKeyJwk"].clone()).unwrap()), (151, 88));
}

#[test]
fn j87_08_every_p256_vector_has_its_outcome() {
    let Some(file) = vectors("ecdsa_secp256r1_sha256_p1363_test.json") else { return };
    let jwk = |group: &Value| {
        // Not every group has a JWK; the point is in all of them.
        let point = hex(&group["publicKey"]["uncompressed"]);
        Jwk {
            kty: "EC".into(),
            crv: Some("P-256".into()),
            kid: Some("k".into()),
            x: Some(URL_SAFE_NO_PAD.encode(&point[1..33])),
            y: Some(URL_SAFE_NO_PAD.encode(&point[33..])),
            ..Jwk::default()
        }
    };
    assert_eq!(primitives(&file, jwk), (262, 173));
}

/// Runs bare signatures; answers how many there were, and how many were accepted.
fn primitives(file: &Value, jwk: impl Fn(&Value) -> Jwk) -> (usize, usize) {
    let (mut ran, mut accepted) = (0, 0);
    for (group, test) in each(file) {
        ran += 1;
        let outcome = VerifyingKey::from_jwk(&jwk(group)).map(|key| key.signed(&hex(&test["msg"]), &hex(&test["sig"])));
        let expected = match test["result"].as_str().unwrap() {
            "valid" => true,
            "invalid" => false,
            other => panic!("vector {}: unknown result {other}", test["tcId"]),
        };
        assert_eq!(outcome == Ok(true), expected, "vector {} {}: {outcome:?}", test["tcId"], test["comment"]);
        accepted += usize::from(outcome == Ok(true));
    }
    (ran, accepted)
}

fn key_of(group: &Value) -> Result<VerifyingKey, KeyError> {
    match group.get("public") {
        Some(public) => VerifyingKey::from_jwk(&serde_json::from_value(public.clone()).unwrap()),
        None => symmetric_key(&group["private"]),
    }
}

fn symmetric_key(jwk: &Value) -> Result<VerifyingKey, KeyError> {
    assert_eq!(jwk["kty"], "oct");
    let algorithm: Algorithm = jwk["alg"].as_str().unwrap().parse()?;
    // Leniently, because the second key of vector 4 has stray bits at its end, and its point is another one.
    let lenient = GeneralPurpose::new(&alphabet::URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));
    let secret = lenient.decode(jwk["k"].as_str().unwrap()).unwrap();
    Ok(SigningKey::from_secret_bytes(algorithm, jwk["kid"].as_str().unwrap(), &secret)?.verifying_key())
}

fn each(file: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = file["testGroups"].as_array().unwrap();
    groups.iter().flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |test| (group, test)))
}

fn hex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn vectors(name: &str) -> Option<Value> {
    let Some(folder) = std::env::var_os("CLOAKROOM_VECTORS") else {
        let required = std::env::var_os("CLOAKROOM_VECTORS_REQUIRED").is_some_and(|value| value == "1");
        assert!(!required, "CLOAKROOM_VECTORS is not set, so {name} cannot run");
        eprintln!("SKIPPED: the vectors of {name}, because CLOAKROOM_VECTORS is not set");
        return None;
    };
    let path = std::path::Path::new(&folder).join("wycheproof").join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_slice(&text).unwrap())
}
