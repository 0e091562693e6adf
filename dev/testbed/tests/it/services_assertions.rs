//! What clients sign, with each MUST of RFC 7523 §3 broken once, in both of its uses, over real sockets. The rules alone are tried
//! in `crates/jose/src/assertion_tests.rs`; here it is shown that the endpoint asks for them.

use crate::serving::{BY_JWT, JWT_BEARER, SECRET, Stage, key_set, refusal, signed, token};
use cloakroom_jose::{Algorithm, SigningKey};
use cloakroom_testbed::Answer;
use serde_json::{Value, json};

/// Seconds: when the house opens.
const NOW: i64 = 1_800_000_000;

/// Uses an assertion to authenticate (RFC 7523 §2.2), and the same text as a grant (RFC 7523 §2.1).
async fn in_both_uses(stage: &Stage, assertion: &str) -> [Answer; 2] {
    let (by, shown) = (("client_assertion_type", BY_JWT), ("client_assertion", assertion));
    let authenticates = stage.ask("/auth/token", &[], &[("grant_type", "client_credentials"), by, shown]).await;
    let grant = [("grant_type", JWT_BEARER), ("assertion", assertion)];
    [authenticates, stage.ask("/auth/token", &[], &grant).await]
}

async fn refused(stage: &Stage, assertion: &str, why: &str) {
    let [authenticates, grants] = in_both_uses(stage, assertion).await;
    // RFC 7521 §4.2.1 and RFC 6749 §5.2: 401 for who it is; RFC 7523 §3.1: `invalid_grant` for what is granted.
    assert_eq!(refusal(&authenticates), (401, "invalid_client".into()), "{why}");
    assert_eq!(refusal(&grants), (400, "invalid_grant".into()), "{why}");
}

async fn refused_with(stage: &Stage, changes: Value) {
    refused(stage, &stage.assertion(&changes), &changes.to_string()).await;
}

#[tokio::test]
async fn rfc7523_3_1_and_3_2_iss_and_sub_are_the_client() {
    let stage = Stage::set().await;
    for name in ["iss", "sub"] {
        for value in [Value::Null, json!(""), json!("nobody"), json!("reports"), json!(7)] {
            refused_with(&stage, json!({ name: value })).await;
        }
    }
    // A person's name is no client's, and a client cannot sign for a person.
    refused_with(&stage, json!({ "sub": "AAAAAAAAAAAAAAAAAAAAAA" })).await;
    refused_with(&stage, json!({ "iss": "reports", "sub": "reports" })).await;
    stage.house.close().await;
}

#[tokio::test]
async fn rfc7523_3_3_and_r97_14_aud_is_the_issuer_or_the_endpoint_alone() {
    let stage = Stage::set().await;
    let origin = stage.house.origin();
    for audience in [
        Value::Null,
        json!("https://other.example"),
        json!(format!("{origin}/")),
        json!(format!("{origin}/auth")),
        json!(format!("{origin}/auth/token/revoke")),
        json!([origin.clone(), "https://other.example"]),
        json!([]),
        json!(7),
    ] {
        refused_with(&stage, json!({ "aud": audience })).await;
    }
    for audience in [json!(origin), json!(format!("{origin}/auth/token")), json!([origin])] {
        let [authenticates, _] = in_both_uses(&stage, &stage.assertion(&json!({ "aud": audience }))).await;
        token(&authenticates);
    }
    stage.house.close().await;
}

#[tokio::test]
async fn rfc7523_3_4_exp_is_required_ahead_and_near() {
    let stage = Stage::set().await;
    for end in [Value::Null, json!(NOW - 31), json!(NOW + 3600), json!("soon"), json!(-1)] {
        refused_with(&stage, json!({ "exp": end })).await;
    }
    stage.house.close().await;
}

#[tokio::test]
async fn rfc7523_3_5_and_3_6_nbf_and_iat_are_obeyed() {
    let stage = Stage::set().await;
    refused_with(&stage, json!({ "nbf": NOW + 60 })).await;
    refused_with(&stage, json!({ "iat": NOW + 60 })).await;
    refused_with(&stage, json!({ "iat": NOW - 3600 })).await;
    token(&in_both_uses(&stage, &stage.assertion(&json!({ "iat": null, "nbf": NOW - 1 }))).await[0]);
    stage.house.close().await;
}

#[tokio::test]
async fn rfc7523_3_7_an_assertion_is_good_once_in_whichever_use() {
    let mut stage = Stage::set().await;
    refused_with(&stage, json!({ "jti": null })).await;
    refused_with(&stage, json!({ "jti": "" })).await;
    let assertion = stage.assertion(&json!({ "jti": "once" }));
    let [first, second] = in_both_uses(&stage, &assertion).await;
    token(&first);
    assert_eq!(refusal(&second), (400, "invalid_grant".into()), "used up by the other use");
    // Also for another text of the same name, and after a restart.
    refused_with(&stage, json!({ "jti": "once", "exp": NOW + 70 })).await;
    stage.house.restart().await;
    refused(&stage, &assertion, "after a restart").await;
    // Nothing of it is kept when it is over by itself.
    stage.house.advance(3600);
    stage.house.running().do_chores().await.unwrap();
    let kept = rusqlite::Connection::open(stage.house.database()).unwrap();
    let count = "SELECT count(*) FROM slip WHERE kind = 'assertion'";
    assert_eq!(kept.query_row(count, [], |row| row.get::<_, i64>(0)), Ok(0));
    stage.house.close().await;
}

#[tokio::test]
async fn rfc7523_3_8_of_requests_with_one_assertion_at_the_same_instant_one_gets_a_token() {
    let stage = Stage::set().await;
    let assertion = stage.assertion(&json!({}));
    let wish = [("grant_type", JWT_BEARER), ("assertion", assertion.as_str())];
    let racing = (0..8).map(|_| stage.ask("/auth/token", &[], &wish));
    let answers = futures_util::future::join_all(racing).await;
    assert_eq!(answers.iter().filter(|answer| answer.status.is_success()).count(), 1);
    stage.house.close().await;
}

#[tokio::test]
async fn rfc7523_3_9_the_signature_is_of_the_registered_key() {
    let stage = Stage::set().await;
    let origin = stage.house.origin();
    let nothing = json!({});
    let stranger = SigningKey::generate(Algorithm::Es256, "billing-1").unwrap();
    refused(&stage, &signed(&stranger, "JWT", "billing", &origin, &nothing), "another key of that name").await;
    let unknown = SigningKey::generate(Algorithm::Es256, "billing-2").unwrap();
    refused(&stage, &signed(&unknown, "JWT", "billing", &origin, &nothing), "a key of no known name").await;
    // RFC 8725 §2.1: the public key as the secret of HMAC.
    let public = serde_json::to_vec(&key_set(&[&stage.key])).unwrap();
    let secret = SigningKey::from_secret_bytes(Algorithm::Hs256, "billing-1", &public).unwrap();
    refused(&stage, &signed(&secret, "JWT", "billing", &origin, &nothing), "HS256 with the public key").await;
    // A client with a secret has signed nothing that could be checked, even with HMAC.
    let hmac = SigningKey::from_secret_bytes(Algorithm::Hs256, "k", SECRET.as_bytes()).unwrap();
    refused(&stage, &signed(&hmac, "JWT", "reports", &origin, &nothing), "client_secret_jwt").await;
    // Unsigned, cut, and no token at all.
    let good = stage.assertion(&nothing);
    let (signed, _) = good.rsplit_once('.').unwrap();
    for text in [format!("{signed}."), signed.to_owned(), "x".to_owned(), "a.b.c".to_owned()] {
        refused(&stage, &text, &text).await;
    }
    stage.house.close().await;
}

#[tokio::test]
async fn j87_17_no_token_of_ours_is_an_assertion_and_none_is_one_for_the_other_use() {
    let stage = Stage::set().await;
    let origin = stage.house.origin();
    for typ in ["at+jwt", "application/at+jwt", "logout+jwt", "dpop+jwt"] {
        refused(&stage, &signed(&stage.key, typ, "billing", &origin, &json!({})), typ).await;
    }
    let own = stage.token_of_reports().await;
    refused(&stage, &own, "an access token of ours").await;
    let typed = |typ| signed(&stage.key, typ, "billing", &origin, &json!({}));
    let [authenticates, grants] = in_both_uses(&stage, &typed("authorization-grant+jwt")).await;
    assert_eq!(refusal(&authenticates).0, 401);
    token(&grants);
    let [authenticates, grants] = in_both_uses(&stage, &typed("client-authentication+jwt")).await;
    token(&authenticates);
    assert_eq!(refusal(&grants).0, 400);
    stage.house.close().await;
}

#[tokio::test]
async fn rfc7521_4_2_the_name_and_the_type_beside_an_assertion_have_to_fit() {
    let stage = Stage::set().await;
    let (own, id) = (("grant_type", "client_credentials"), ("client_id", "billing"));
    let fitting = stage.assertion(&json!({}));
    token(
        &stage
            .ask("/auth/token", &[], &[own, id, ("client_assertion_type", BY_JWT), ("client_assertion", &fitting)])
            .await,
    );
    let fresh = stage.assertion(&json!({}));
    let shown = ("client_assertion", fresh.as_str());
    for (wish, status) in [
        (vec![own, shown, ("client_assertion_type", BY_JWT), ("client_id", "reports")], 401),
        (vec![own, shown, ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")], 401),
        (vec![own, shown], 400),
        (vec![own, ("client_assertion_type", BY_JWT)], 400),
    ] {
        assert_eq!(refusal(&stage.ask("/auth/token", &[], &wish).await).0, status, "{wish:?}");
    }
    // RFC 7521 §4.1: who authenticates and who is granted a token are one.
    let grant = stage.assertion(&json!({}));
    let wish = [("grant_type", JWT_BEARER), ("assertion", grant.as_str())];
    assert_eq!(refusal(&stage.ask_as("reports", SECRET, &wish).await), (400, "invalid_grant".into()));
    stage.house.close().await;
}
