//! Tokens that are not what they should be, and tokens of issuers that are not ours.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_jose::{Algorithm, SigningKey};
use cloakroom_verify::{Refusal, Refused, Verifier};
use serde_json::json;

use crate::issuer::{AUDIENCE, Issuer, NOW, key, kid, refusal};
use crate::secs;

async fn why(verifier: &Verifier, token: &str) -> Refused {
    match refusal(verifier.verify(token).await) {
        Refusal::TokenInvalid(refused) => refused,
        other => panic!("{other:?}"),
    }
}

fn part(value: &serde_json::Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn a_header_that_asks_for_trouble_gets_none() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    let good = issuer.token();
    let signature = good.rsplit('.').next().unwrap();
    let with =
        |header: serde_json::Value| format!("{}.{}.{signature}", part(&header), part(&issuer.claims(&json!({}))));
    let cases = [
        (json!({"alg": "none", "typ": "at+jwt", "kid": kid(1)}), Refused::AlgorithmNotAllowed),
        (json!({"alg": "HS256", "typ": "at+jwt", "kid": kid(1)}), Refused::AlgorithmNotAllowed),
        (json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid(1), "jku": issuer.url}), Refused::KeyInHeader),
        (json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid(1), "crit": ["x"]}), Refused::CriticalHeader),
        (json!({"alg": "EdDSA", "typ": "at+jwt"}), Refused::UnknownKey),
        (json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid(1), "x": 1}), Refused::BadSignature),
    ];
    for (header, expected) in cases {
        assert_eq!(why(&verifier, &with(header.clone())).await, expected, "{header}");
    }
    let unsigned = format!("{}.{}.", part(&json!({"alg": "none", "typ": "at+jwt"})), part(&issuer.claims(&json!({}))));
    assert_eq!(why(&verifier, &unsigned).await, Refused::AlgorithmNotAllowed);
    assert_eq!(verifier.status().tokens, 0, "only genuine ones are remembered");
}

#[tokio::test]
async fn the_public_key_as_a_shared_secret_signs_nothing() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    let public = URL_SAFE_NO_PAD.decode(key(1).public_jwk().unwrap().x.unwrap()).unwrap();
    let forger = SigningKey::from_secret_bytes(Algorithm::Hs256, &kid(1), &public).unwrap();
    let token = forger.sign("at+jwt", &issuer.claims(&json!({}))).unwrap();
    assert_eq!(why(&verifier, &token).await, Refused::AlgorithmNotAllowed);
}

#[tokio::test]
async fn claims_that_are_not_for_us_are_refused() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    for (changes, expected) in [
        (json!({"iss": "https://other.example"}), Refused::WrongIssuer),
        (json!({"iss": format!("{}/", issuer.url)}), Refused::WrongIssuer),
        (json!({"iss": null}), Refused::BadClaims),
        (json!({"aud": "https://other.example"}), Refused::WrongAudience),
        (json!({"aud": ["a", "b"]}), Refused::WrongAudience),
        (json!({"aud": []}), Refused::WrongAudience),
        (json!({"aud": null}), Refused::BadClaims),
        (json!({"exp": null}), Refused::BadClaims),
        (json!({"iat": null}), Refused::BadClaims),
        (json!({"iat": NOW + 6}), Refused::NotYetValid),
        (json!({"nbf": NOW + 6}), Refused::NotYetValid),
        (json!({"sub": null}), Refused::BadClaims),
        (json!({"sub": ""}), Refused::BadClaims),
        (json!({"sub": 7}), Refused::BadClaims),
    ] {
        assert_eq!(why(&verifier, &issuer.token_with(&changes)).await, expected, "{changes}");
    }
    for changes in [json!({"iat": NOW + 5}), json!({"nbf": NOW + 5}), json!({"iat": 1_700_000_000.5})] {
        assert!(verifier.verify(&issuer.token_with(&changes)).await.is_ok(), "{changes}");
    }
}

#[tokio::test]
async fn an_expired_token_is_refused_whether_it_was_seen_before_or_not() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().leeway(secs(2)).build().unwrap();
    let token = issuer.token_with(&json!({"exp": NOW + 10}));
    assert!(verifier.verify(&token).await.is_ok());
    issuer.clock.advance(std::time::Duration::from_millis(11_999));
    assert!(verifier.verify(&token).await.is_ok());
    issuer.clock.advance(std::time::Duration::from_millis(1));
    assert_eq!(refusal(verifier.verify(&token).await), Refusal::TokenExpired);
    assert_eq!(verifier.status().tokens, 0);
    assert_eq!(refusal(verifier.verify(&token).await), Refusal::TokenExpired);
}

#[tokio::test]
async fn another_kind_of_token_is_refused_unless_plain_ones_were_asked_for() {
    let issuer = Issuer::start().await;
    let strict = issuer.builder().build().unwrap();
    let lenient = issuer.builder().accept_typ_jwt().build().unwrap();
    let of = |typ: &str| key(1).sign(typ, &issuer.claims(&json!({}))).unwrap();
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        assert!(strict.verify(&of(typ)).await.is_ok() && lenient.verify(&of(typ)).await.is_ok(), "{typ}");
    }
    assert_eq!(why(&strict, &of("JWT")).await, Refused::WrongType);
    assert!(lenient.verify(&of("JWT")).await.is_ok());
    for typ in ["logout+jwt", "dpop+jwt", "secevent+jwt", ""] {
        assert_eq!(why(&strict, &of(typ)).await, Refused::WrongType, "{typ}");
        assert_eq!(why(&lenient, &of(typ)).await, Refused::WrongType, "{typ}");
    }
}

#[tokio::test]
async fn rfc_9449_7_2_a_bound_token_is_no_bearer_token_unless_something_else_checks_the_binding() {
    let issuer = Issuer::start().await;
    let token = issuer.token_with(&json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}));
    assert_eq!(why(&issuer.builder().build().unwrap(), &token).await, Refused::BadClaims);
    assert!(issuer.builder().accept_bound_tokens().build().unwrap().verify(&token).await.is_ok());
}

#[tokio::test]
async fn a_token_over_8_kib_is_refused_before_it_is_read() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    assert_eq!(why(&verifier, &"a".repeat(8193)).await, Refused::TooLarge);
    assert_eq!(why(&verifier, &"a".repeat(8192)).await, Refused::Malformed);
    for text in ["", ".", "..", "a.b.c", "a.b.c.d"] {
        assert_eq!(why(&verifier, text).await, Refused::Malformed, "{text}");
    }
}

#[tokio::test]
async fn one_changed_character_of_a_token_that_was_seen_makes_it_another() {
    let issuer = Issuer::start().await;
    let verifier = issuer.builder().build().unwrap();
    let token = issuer.token();
    verifier.verify(&token).await.unwrap();
    let at = token.rfind('.').unwrap() + 5;
    let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
    let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
    assert_eq!(why(&verifier, &changed).await, Refused::BadSignature);
}

/// As Keycloak writes them with `typ: at+jwt`, on ES256 and RS256: several audiences, a UUID as session, no `gen`.
#[tokio::test]
async fn a_token_of_another_kind_of_issuer_is_good_and_shows_its_claims() {
    #[derive(serde::Deserialize)]
    struct Access {
        realm_access: Roles,
        azp: String,
    }
    #[derive(serde::Deserialize)]
    struct Roles {
        roles: Vec<String>,
    }
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let issuer = Issuer::start().await;
        let foreign = SigningKey::generate(algorithm, "rsa-2026/1").unwrap();
        let claims = json!({
            "iss": issuer.url, "aud": ["account", AUDIENCE], "sub": "f:6f1c:jane", "azp": "spa", "typ": "Bearer",
            "iat": NOW, "exp": NOW + 300, "scope": "openid  notes:read", "realm_access": {"roles": ["editor"]},
            "acr": "1", "allowed-origins": ["https://app.example"],
        });
        let token = foreign.sign("at+jwt", &claims).unwrap();
        issuer.set_keys(vec![foreign]);
        let verifier = issuer.builder().build().unwrap();
        let token = verifier.verify(&token).await.unwrap();
        assert_eq!((token.subject(), token.session(), token.client_id()), ("f:6f1c:jane", None, None));
        assert_eq!((token.key_id(), token.expires_at(), token.issued_at()), ("rsa-2026/1", NOW + 300, NOW));
        assert_eq!(token.scopes().collect::<Vec<_>>(), ["openid", "notes:read"]);
        assert_eq!(token.claims(), &claims);
        let access: Access = token.claims_as().unwrap();
        assert_eq!((access.azp.as_str(), access.realm_access.roles[0].as_str()), ("spa", "editor"));
        assert!(token.require_scope("notes:read openid").is_ok());
        let lacking = token.require_scope("notes:read notes:write").unwrap_err();
        assert_eq!(lacking, Refusal::InsufficientScope { scope: "notes:read notes:write".into() });
    }
}
