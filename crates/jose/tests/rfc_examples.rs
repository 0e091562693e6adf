//! The examples of RFC 7515 appendix A, RFC 7517 appendix A and RFC 8037 appendix A.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::{
    Algorithm, Jwk, JwkSet, KeyError, KeySet, Refused, SigningKey, VerifyingKey, verify_signature,
    verify_signature_with,
};
use serde_json::json;

/// The claims of RFC 7515 A.1 to A.3 and A.5, and what they say.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const CLAIMS: &[u8] = b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";

/// RFC 7515 A.3.1, without a name of its own.
fn p256() -> Jwk {
    jwk(json!({
        "kty": "EC", "crv": "P-256", "kid": "k",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }))
}

/// RFC 8037 A.2.
fn ed25519() -> Jwk {
    jwk(json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}))
}

fn jwk(json: serde_json::Value) -> Jwk {
    serde_json::from_value(json).unwrap()
}

#[test]
fn rfc_7515_a_1_hs256_verifies() {
    let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let secret = URL_SAFE_NO_PAD.decode(secret).unwrap();
    let key = SigningKey::from_secret_bytes(Algorithm::Hs256, "k", &secret).unwrap().verifying_key();
    let token =
        format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(verify_signature_with(&token, &key).as_deref(), Ok(CLAIMS));
    // It names no key, so that a set of keys cannot say which one is meant.
    assert_eq!(verify_signature(&token, &KeySet::new(vec![key]).unwrap()), Err(Refused::UnknownKey));
}

#[test]
fn rfc_7515_a_2_rs256_verifies() {
    let key = VerifyingKey::from_jwk(&jwk(json!({
        "kty": "RSA", "kid": "k", "e": "AQAB",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ\
              S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2\
              R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD\
              TW9gb54h4FRWyuXpoQ",
    })))
    .unwrap();
    let token = format!(
        "eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8\
         W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_\
         eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlV\
         mtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    assert_eq!(verify_signature_with(&token, &key).as_deref(), Ok(CLAIMS));
}

#[test]
fn rfc_7515_a_3_es256_verifies() {
    let key = VerifyingKey::from_jwk(&p256()).unwrap();
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let token = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{signature}");
    assert_eq!(verify_signature_with(&token, &key).as_deref(), Ok(CLAIMS));
}

#[test]
fn rfc_7515_a_4_es512_is_not_an_algorithm_here() {
    let token = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB3\
                 4XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
    let key = VerifyingKey::from_jwk(&p256()).unwrap();
    assert_eq!(verify_signature_with(token, &key), Err(Refused::AlgorithmNotAllowed));
    let p521 = jwk(json!({
        "kty": "EC", "crv": "P-521", "kid": "k",
        "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qwxcWceqwQGk",
        "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    }));
    assert_eq!(VerifyingKey::from_jwk(&p521).err(), Some(KeyError::Unsupported));
}

#[test]
fn j87_05_rfc_7515_a_5_none_is_refused() {
    let token = format!("eyJhbGciOiJub25lIn0.{PAYLOAD}.");
    assert_eq!(verify_signature(&token, &KeySet::default()), Err(Refused::AlgorithmNotAllowed));
    for key in [p256(), ed25519()] {
        let key = VerifyingKey::from_jwk(&key).unwrap();
        assert_eq!(verify_signature_with(&token, &key), Err(Refused::AlgorithmNotAllowed));
    }
}

#[test]
fn rfc_8037_a_1_and_a_2_the_private_key_has_that_public_key() {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    // The PKCS#8 wrapping of a seed (RFC 8410 §7).
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let key = SigningKey::from_secret_bytes(Algorithm::EdDsa, "k", &[&prefix[..], &seed].concat()).unwrap();
    let expected = Jwk { alg: Some("EdDSA".into()), usage: Some("sig".into()), ..ed25519() };
    assert_eq!(key.public_jwk(), Some(expected));
}

#[test]
fn rfc_8037_a_4_and_a_5_eddsa_verifies() {
    let key = VerifyingKey::from_jwk(&ed25519()).unwrap();
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let token = format!("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.{signature}");
    assert_eq!(verify_signature_with(&token, &key).as_deref(), Ok(&b"Example of Ed25519 signing"[..]));
}

#[test]
fn rfc_7517_a_1_only_the_signature_key_of_the_set_is_kept() {
    let set = json!({"keys": [
        {"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
         "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "use": "enc", "kid": "1"},
        {"kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
         "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj\
               hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ\
               vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK\
               nqDKgw"},
    ]});
    let set = JwkSet::parse(set.to_string().as_bytes()).unwrap();
    let keys = KeySet::from_jwks(&set).unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys.get("2011-04-29").unwrap().algorithm(), Algorithm::Rs256);
    assert!(keys.get("1").is_none());
}

#[test]
fn rfc_7517_a_3_symmetric_keys_are_never_read_from_a_set() {
    let set = json!({"keys": [
        {"kty": "oct", "alg": "A128KW", "k": "GawgguFyGrWKav7AX4VKUg", "kid": "wrap"},
        {"kty": "oct", "kid": "HMAC key used in JWS spec Appendix A.1 example",
         "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
    ]});
    assert_eq!(JwkSet::parse(set.to_string().as_bytes()).unwrap().keys(), []);
}
