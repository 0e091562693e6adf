//! Tokens that somebody made to get in. Where it matters that the signature is right, it is: `forge` signs any header
//! and any payload with the real key, so that only the rule under test can refuse.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use cloakroom_jose::{
    AccessClaims, Algorithm, Expect, Jwk, JwkSet, KeyError, KeySet, MAX_TOKEN, MasterKey, Refused, SigningKey,
    VerifyingKey, verify,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: i64 = 1_000;
const EXPECT: Expect<'_> =
    Expect { typ: "at+jwt", issuer: "https://i.example", audience: "https://a.example", leeway: 0 };

/// One key of every algorithm, each named after its algorithm.
static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    Algorithm::ALL.into_iter().map(|algorithm| SigningKey::generate(algorithm, algorithm.as_str()).unwrap()).collect()
});

static TRUSTED: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::new(KEYS.iter().map(SigningKey::verifying_key).collect()).unwrap());

fn key(algorithm: Algorithm) -> &'static SigningKey {
    KEYS.iter().find(|key| key.algorithm() == algorithm).unwrap()
}

fn claims() -> Value {
    json!({
        "iss": EXPECT.issuer, "sub": "account", "aud": EXPECT.audience, "client_id": "app", "exp": NOW + 300, "iat": NOW,
        "jti": "j", "sid": "s", "gen": 1, "iss_no": 1, "auth_time": NOW, "amr": ["pwd"],
    })
}

fn outcome(token: &str) -> Result<AccessClaims, Refused> {
    verify::<AccessClaims>(token, &TRUSTED, &EXPECT, NOW).map(cloakroom_jose::Verified::into_claims)
}

fn refusal(token: &str) -> Refused {
    outcome(token).err().unwrap()
}

fn part(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Any header and payload, with the right signature of the real `EdDSA` key.
fn forge(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    let signed = format!("{}.{}", part(header), part(payload));
    let pair = Ed25519KeyPair::from_pkcs8(&key(Algorithm::EdDsa).to_secret_bytes()).unwrap();
    format!("{signed}.{}", part(pair.sign(signed.as_bytes())))
}

fn forge_header(header: impl AsRef<[u8]>) -> String {
    forge(header, claims().to_string())
}

fn forge_payload(payload: impl AsRef<[u8]>) -> String {
    forge(r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA"}"#, payload)
}

/// The tokens that all changes start from: one of every algorithm, accepted.
fn genuine() -> Vec<String> {
    let tokens: Vec<_> = KEYS.iter().map(|key| key.sign(EXPECT.typ, &claims()).unwrap()).collect();
    for token in &tokens {
        assert_eq!(outcome(token).unwrap().sub, "account");
    }
    tokens
}

#[test]
fn a_forged_token_with_nothing_wrong_is_accepted_so_that_the_others_prove_something() {
    assert!(outcome(&forge_payload(claims().to_string())).is_ok());
    assert!(
        outcome(&forge_header("{ \"kid\":\"EdDSA\",\r\n\"typ\":\"at+jwt\", \"alg\":\"EdDSA\", \"x\":[1,{}] }")).is_ok()
    );
}

#[test]
fn j87_01_j87_04_and_j87_05_no_spelling_of_none_is_an_algorithm() {
    for alg in [
        "none",
        "None",
        "NONE",
        "nOnE",
        "none ",
        " none",
        "none\\u0000",
        "n\\u006fne",
        "n\u{43e}ne",
        "",
        "null",
        "EdDSA\\u0000",
    ] {
        for kid in ["EdDSA", "ES256", "RS256", "HS256", "none", ""] {
            let header = format!(r#"{{"alg":"{alg}","typ":"at+jwt","kid":"{kid}"}}"#);
            let signed = forge_header(&header);
            assert_eq!(refusal(&signed), Refused::AlgorithmNotAllowed, "{header}");
            let unsigned = &signed[..=signed.rfind('.').unwrap()];
            assert_eq!(refusal(unsigned), Refused::AlgorithmNotAllowed, "{header}");
        }
    }
    for alg in ["null", "false", "0", "[]", "[\"EdDSA\"]", "{}"] {
        assert_eq!(
            refusal(&forge_header(format!(r#"{{"alg":{alg},"typ":"at+jwt","kid":"EdDSA"}}"#))),
            Refused::Malformed
        );
    }
    assert_eq!(refusal(&forge_header(r#"{"typ":"at+jwt","kid":"EdDSA"}"#)), Refused::Malformed);
}

#[test]
fn j87_02_and_j87_03_a_key_verifies_its_own_algorithm_only() {
    let signature = part([1; 64]);
    for key in KEYS.iter() {
        for other in [
            "EdDSA", "Ed25519", "ES256", "RS256", "HS256", "RS384", "PS256", "ES384", "HS512", "Ed448", "eddsa",
            "hs256",
        ] {
            if other == key.algorithm().as_str() {
                continue;
            }
            let header = json!({"alg": other, "typ": "at+jwt", "kid": key.kid()}).to_string();
            let token = format!("{}.{}.{signature}", part(header), part(claims().to_string()));
            assert_eq!(refusal(&token), Refused::AlgorithmNotAllowed, "{other} with a key of {}", key.algorithm());
        }
    }
}

#[test]
fn j87_02_a_public_key_is_not_a_secret_of_hmac() {
    for key in KEYS.iter() {
        let Some(jwk) = key.public_jwk() else { continue };
        let mut secrets = vec![serde_json::to_vec(&jwk).unwrap()];
        for text in [&jwk.x, &jwk.y, &jwk.n].into_iter().flatten() {
            secrets.push(text.clone().into_bytes());
            secrets.push(URL_SAFE_NO_PAD.decode(text).unwrap());
        }
        if key.algorithm() == Algorithm::EdDsa {
            let public = Ed25519KeyPair::from_pkcs8(&key.to_secret_bytes()).unwrap().public_key().as_ref().to_vec();
            // SubjectPublicKeyInfo (RFC 8410 §4), as DER and as PEM.
            let der = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &public].concat();
            secrets.push(
                format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(&der)).into(),
            );
            secrets.push(der);
        }
        for secret in secrets {
            let forger = SigningKey::from_secret_bytes(Algorithm::Hs256, key.kid(), &secret).unwrap();
            let token = forger.sign(EXPECT.typ, &claims()).unwrap();
            assert_eq!(refusal(&token), Refused::AlgorithmNotAllowed);
        }
    }
}

#[test]
fn j87_15_a_kid_is_looked_up_and_nothing_else() {
    let kids = [
        "",
        " EdDSA",
        "EdDSA ",
        "eddsa",
        "EdDSA\0",
        "EdDSA\n",
        "EdDSA' OR '1'='1",
        "x' UNION SELECT 'secret' -- ",
        "../../../../../../dev/null",
        "..\\..\\windows\\win.ini",
        "/dev/null",
        "|/bin/id",
        "$(id)",
        "`id`",
        "*)(uid=*))(|(uid=*",
        "%2e%2e%2f",
        "http://127.0.0.1/key",
        "{{7*7}}",
        "__proto__",
        "\u{202e}ASDdE",
        "\u{415}dDSA",
    ];
    for kid in kids.into_iter().map(str::to_owned).chain(["k".repeat(2_500)]) {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid}).to_string();
        assert_eq!(refusal(&forge_header(header)), Refused::UnknownKey, "{kid:?}");
    }
    assert_eq!(refusal(&forge_header(r#"{"alg":"EdDSA","typ":"at+jwt"}"#)), Refused::UnknownKey);
    for kid in ["null", "0", "[\"EdDSA\"]", "{\"EdDSA\":1}", "true"] {
        let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":{kid}}}"#);
        assert_eq!(refusal(&forge_header(header)), Refused::Malformed, "{kid}");
    }
}

#[test]
fn j87_16_a_key_that_the_token_brings_along_is_never_used() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let kid = algorithm.as_str();
        let jwk = SigningKey::generate(algorithm, kid).unwrap().public_jwk().unwrap();
        for (name, value) in [
            ("jwk", serde_json::to_value(&jwk).unwrap()),
            ("jwk", json!(null)),
            ("jku", json!("https://evil.example/jwks.json")),
            ("x5u", json!("http://169.254.169.254/")),
            ("x5c", json!(["MIIB"])),
        ] {
            for kid in [kid, "another"] {
                let header = json!({"alg": kid, "typ": "at+jwt", "kid": kid, name: value}).to_string();
                assert_eq!(refusal(&forge_header(header)), Refused::KeyInHeader, "{name}");
            }
        }
    }
}

#[test]
fn j87_22_and_j87_10_extensions_that_change_the_meaning_are_refused() {
    let with =
        |member: &str| refusal(&forge_header(format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA",{member}}}"#)));
    assert_eq!(with(r#""crit":["exp"],"exp":1"#), Refused::CriticalHeader);
    assert_eq!(with(r#""crit":["b64"],"b64":false"#), Refused::CriticalHeader);
    assert_eq!(with(r#""cri\u0074":[]"#), Refused::CriticalHeader);
    assert_eq!(with(r#""b64":false"#), Refused::UnsupportedHeader);
    assert_eq!(with(r#""zip":"DEF""#), Refused::UnsupportedHeader);
    assert_eq!(with(r#""enc":"A128GCM""#), Refused::UnsupportedHeader);
}

#[test]
fn j87_11_members_twice_byte_order_marks_and_other_encodings_are_refused() {
    for header in [
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","kid":"EdDSA"}"#,
        r#"{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"EdDSA"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","k\u0069d":"EdDSA"}"#,
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","x":1,"x":1}"#,
        "\u{feff}{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"EdDSA\"}",
        r#"{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA"} {}"#,
        r#"[{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA"}]"#,
        "",
        "null",
    ] {
        assert_eq!(refusal(&forge_header(header)), Refused::Malformed, "{header}");
    }
    let claims = claims().to_string();
    for (from, to) in [
        (r#""sub":"account""#, r#""sub":"account","sub":"admin""#),
        (r#""sub":"account""#, r#""sub":"account","su\u0062":"admin""#),
        (r#""exp":1300"#, r#""exp":1300,"exp":9999"#),
        (r#""sub":"account""#, r#""sub":"account","other":1,"other":1"#),
        (r#""sub":"account""#, r#""sub":"account","other":{"a":1,"a":2}"#),
    ] {
        assert!(claims.contains(from));
        assert_eq!(refusal(&forge_payload(claims.replace(from, to))), Refused::BadClaims, "{to}");
    }
    let utf16: Vec<u8> = claims.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let overlong = [claims.replace("account", "acc").replace("acc\"", "").as_bytes(), b"\xc0\xa2\""].concat();
    let latin1: Vec<u8> = claims.bytes().map(|byte| if byte == b'c' { 0xe9 } else { byte }).collect();
    for payload in [format!("\u{feff}{claims}").into_bytes(), utf16, overlong, latin1, Vec::new(), b"foo".to_vec()] {
        assert_eq!(refusal(&forge_payload(payload)), Refused::BadClaims);
    }
}

#[test]
fn j87_26_huge_and_deeply_nested_tokens_are_refused() {
    assert_eq!(refusal(&"A".repeat(MAX_TOKEN + 1)), Refused::TooLarge);
    assert_eq!(refusal(&".".repeat(64 * 1024 * 1024)), Refused::TooLarge);
    assert_eq!(refusal(&".".repeat(MAX_TOKEN)), Refused::Malformed);
    let padded = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","x":"{}"}}"#, "a".repeat(4096));
    assert_eq!(refusal(&forge_header(padded)), Refused::TooLarge);
    for depth in [9, 100, 1_000] {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            let inner = if open == "[" { "" } else { "1" };
            let nested = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
            let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"EdDSA","x":{nested}}}"#);
            let payload = claims().to_string().replacen('{', &format!(r#"{{"x":{nested},"#), 1);
            let expected = if header.len() > 3_072 { Refused::TooLarge } else { Refused::Malformed };
            assert_eq!(refusal(&forge_header(header)), expected, "{depth}");
            let expected = if payload.len() > 6_000 { Refused::TooLarge } else { Refused::BadClaims };
            assert_eq!(refusal(&forge_payload(payload)), expected, "{depth}");
        }
    }
}

#[test]
fn a_token_cut_anywhere_is_refused() {
    for token in genuine() {
        for at in 0..token.len() {
            let (front, back) = token.split_at(at);
            refusal(front);
            if at > 0 {
                refusal(back);
            }
        }
    }
}

#[test]
fn a_token_with_any_bit_flipped_is_refused() {
    for token in genuine() {
        for position in 0..token.len() * 8 {
            let mut bytes = token.clone().into_bytes();
            bytes[position / 8] ^= 1 << (position % 8);
            // A byte above 127 alone is no text; it cannot even be asked about.
            if let Ok(flipped) = String::from_utf8(bytes) {
                refusal(&flipped);
            }
        }
    }
}

#[test]
fn j87_20_a_token_has_one_spelling() {
    for token in genuine() {
        let parts: Vec<&str> = token.split('.').collect();
        for (index, part) in parts.iter().enumerate() {
            let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
            let mut spellings = vec![
                format!("{part}="),
                format!("{part}=="),
                format!(" {part}"),
                format!("{part} "),
                format!("{part}\n"),
                format!("\t{part}"),
                format!("{part}\0"),
                format!("{}\r\n{}", &part[..4], &part[4..]),
                format!("%{:02X}{}", part.as_bytes()[0], &part[1..]),
                format!("\"{part}\""),
            ];
            spellings
                .extend([URL_SAFE.encode(&bytes), STANDARD.encode(&bytes)].into_iter().filter(|other| other != part));
            // The last character may carry bits that no byte takes.
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            spellings.extend(
                alphabet.chars().map(|last| format!("{}{last}", &part[..part.len() - 1])).filter(|other| other != part),
            );
            for spelling in spellings {
                let mut changed = parts.clone();
                changed[index] = &spelling;
                refusal(&changed.join("."));
            }
        }
        for changed in [
            format!(" {token}"),
            format!("{token} "),
            format!("{token}\n"),
            format!("Bearer {token}"),
            format!("{token}."),
        ] {
            assert_eq!(refusal(&changed), Refused::Malformed);
        }
    }
}

#[test]
fn j87_20_and_j87_07_other_serialisations_are_refused() {
    let token = key(Algorithm::EdDsa).sign(EXPECT.typ, &claims()).unwrap();
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { unreachable!() };
    let flattened = json!({"protected": header, "payload": payload, "signature": signature});
    let general = json!({"payload": payload, "signatures": [{"protected": header, "signature": signature}]});
    for other in [
        flattened.to_string(),
        general.to_string(),
        format!("{header}.{payload}.{signature}.{payload}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}"),
    ] {
        assert_eq!(refusal(&other), Refused::Malformed, "{other}");
    }
    // Detached: the content is elsewhere (RFC 7515 appendix F).
    assert_eq!(refusal(&format!("{header}..{signature}")), Refused::BadSignature);
    assert_eq!(refusal(&forge_payload("")), Refused::BadClaims);
    // A token in a token (RFC 7519 appendix A.2): the inner one is no object.
    assert_eq!(
        refusal(&forge(r#"{"alg":"EdDSA","typ":"at+jwt","cty":"JWT","kid":"EdDSA"}"#, &token)),
        Refused::BadClaims
    );
}

#[test]
fn j87_08_signatures_of_zeros_of_wrong_length_or_in_der_are_refused() {
    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    for token in genuine() {
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let genuine = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let mut forged = vec![vec![]];
        for length in [1, 31, 32, 33, 63, 64, 65, 70, 128, 255, 256, 257] {
            forged.extend([vec![0; length], vec![1; length], vec![0xff; length]]);
        }
        forged.push([&genuine[..], &[0]].concat());
        forged.push([&[0], &genuine[..]].concat());
        forged.push(genuine[..genuine.len() - 1].to_vec());
        forged.push([order.clone(), order.clone()].concat());
        forged.push([&[0; 31][..], &[1], &order].concat());
        if genuine.len() == 64 {
            let integer = |half: &[u8]| [&[2, 33, 0][..], half].concat();
            let both = [integer(&genuine[..32]), integer(&genuine[32..])].concat();
            forged.push([&[0x30, 70][..], &both].concat());
        }
        for signature in forged {
            assert_eq!(refusal(&format!("{signed}.{}", part(&signature))), Refused::BadSignature, "{signature:?}");
        }
    }
}

#[test]
fn a_signature_belongs_to_its_token() {
    let signed = |sub: &str| {
        let mut claims = claims();
        claims["sub"] = sub.into();
        key(Algorithm::EdDsa).sign(EXPECT.typ, &claims).unwrap()
    };
    let (one, two) = (signed("one"), signed("two"));
    let (one_signed, _) = one.rsplit_once('.').unwrap();
    let (_, two_signature) = two.rsplit_once('.').unwrap();
    assert_eq!(refusal(&format!("{one_signed}.{two_signature}")), Refused::BadSignature);
    // Same name, other key.
    let stranger = SigningKey::generate(Algorithm::EdDsa, "EdDSA").unwrap();
    assert_eq!(refusal(&stranger.sign(EXPECT.typ, &claims()).unwrap()), Refused::BadSignature);
}

#[test]
fn refusals_and_keys_show_nothing_of_what_is_in_them() {
    let secret = [b's'; 32];
    let key = SigningKey::from_secret_bytes(Algorithm::Hs256, "k", &secret).unwrap();
    assert_eq!(format!("{:?}", key.verifying_key()), r#"VerifyingKey { kid: "k", alg: "HS256", .. }"#);
    let refused = refusal(&forge_payload(claims().to_string().replace("account", "\u{0}")));
    assert_eq!(refused.to_string(), "the token's claims are missing or malformed");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_a_token_by_chance_and_none_panics(token in ".{0,200}", tokenish in "[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,80}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert!(outcome(&token).is_err());
        prop_assert!(outcome(&tokenish).is_err());
    }

    #[test]
    fn no_signed_bytes_panic(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>()) {
        prop_assert!(outcome(&forge(&header, &payload)).is_err());
        prop_assert!(outcome(&forge_payload(&payload)).is_err());
    }

    #[test]
    fn no_bytes_are_a_key_by_chance_and_none_panics(bytes in any::<Vec<u8>>(), text in ".{0,80}") {
        prop_assert!(JwkSet::parse(&bytes).is_err());
        prop_assert!(SigningKey::from_secret_bytes(Algorithm::EdDsa, "k", &bytes).is_err());
        prop_assert!(SigningKey::from_secret_bytes(Algorithm::Es256, "k", &bytes).is_err());
        prop_assert!(SigningKey::from_secret_bytes(Algorithm::Rs256, "k", &bytes).is_err());
        let _: Result<MasterKey, KeyError> = MasterKey::from_text(&text);
        let member = Some(text);
        for (kty, crv) in [("EC", "P-256"), ("RSA", "")] {
            let jwk = Jwk {
                kty: kty.into(), crv: Some(crv.into()), kid: Some("k".into()),
                x: member.clone(), y: member.clone(), n: member.clone(), e: member.clone(), ..Jwk::default()
            };
            prop_assert!(VerifyingKey::from_jwk(&jwk).is_err());
        }
    }
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
