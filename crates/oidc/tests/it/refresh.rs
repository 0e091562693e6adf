//! Refresh and revocation.

use cloakroom_jose::Refused;
use cloakroom_oidc::{Earlier, Error, FetchError, Method, Tokens};
use serde_json::{Value, json};

use super::fake::{Answer, Desk, NOW};

const EARLIER: Earlier<'_> = Earlier { sub: "u1", nonce: Some("n1") };

async fn refresh(desk: &Desk, earlier: Earlier<'_>) -> Result<Tokens, Error> {
    desk.provider.refresh("old", &earlier, NOW).await.and_then(|refreshed| refreshed.identity.map(|_| refreshed.tokens))
}

/// The claims of a refreshed ID token, changed.
async fn with(change: impl FnOnce(&mut Value)) -> Option<Error> {
    let desk = Desk::new();
    let mut claims = desk.claims(&desk.begin());
    claims.as_object_mut().unwrap().remove("nonce");
    change(&mut claims);
    desk.issue(&claims);
    refresh(&desk, EARLIER).await.err()
}

#[tokio::test]
async fn rfc_6749_6_a_refresh_hands_out_new_tokens() {
    let desk = Desk::new();
    desk.answer(200, json!({"access_token": "new", "token_type": "bearer"}));
    let tokens = refresh(&desk, EARLIER).await.ok().unwrap();
    assert_eq!(tokens.access_token.reveal(), "new");
    assert!(tokens.refresh_token.is_none() && tokens.id_token.is_none() && tokens.access_expires_at.is_none());
    let asked = desk.fake.last(&desk.url("token"));
    assert_eq!((asked.field("grant_type"), asked.field("refresh_token")), (Some("refresh_token"), Some("old")));
    assert_eq!(asked.form.len(), 2);
    assert!(asked.header("authorization").unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn openid_core_12_2_a_refreshed_id_token_is_about_the_same_user_of_the_same_issuer_for_us() {
    assert_eq!(with(|_| {}).await, None);
    assert_eq!(with(|claims| claims["sub"] = json!("u2")).await, Some(Error::SubChanged));
    assert_eq!(with(|claims| claims["sub"] = json!("")).await, Some(Error::Subject));
    let wrong = with(|claims| claims["iss"] = json!("https://evil.example")).await;
    assert_eq!(wrong, Some(Error::TokenRefused(Refused::WrongIssuer)));
    assert_eq!(with(|claims| claims["aud"] = json!("other")).await, Some(Error::AudienceMismatch));
    assert_eq!(with(|claims| claims["azp"] = json!("other")).await, Some(Error::AudienceMismatch));
    assert_eq!(with(|claims| claims["at_hash"] = json!("x")).await, Some(Error::AccessTokenMismatch));
    let logout = with(|claims| claims["events"] = json!({})).await;
    assert_eq!(logout, Some(Error::TokenRefused(Refused::WrongType)));
}

#[tokio::test]
async fn openid_core_12_2_a_refreshed_id_token_has_no_other_nonce() {
    assert_eq!(with(|claims| claims["nonce"] = json!("n1")).await, None);
    for nonce in [json!("n2"), json!(""), json!(null)] {
        assert_eq!(with(|claims| claims["nonce"] = nonce).await, Some(Error::NonceMismatch));
    }
    let desk = Desk::new();
    desk.issue(&desk.claims(&desk.begin()));
    let unknown = Earlier { nonce: None, ..EARLIER };
    assert_eq!(refresh(&desk, unknown).await.err(), Some(Error::NonceMismatch));
}

#[tokio::test]
async fn bba_14_a_dead_refresh_token_is_told_apart_from_an_outage() {
    for (answer, wanted) in [
        (Answer::Json(400, json!({"error": "invalid_grant"})), Error::InvalidGrant),
        (Answer::Json(500, json!({"error": "invalid_grant"})), Error::Outage),
        (Answer::Json(429, json!({"error": "invalid_grant"})), Error::Outage),
        (Answer::Fails(FetchError::Exchange("reset".to_owned())), Error::Outage),
        (Answer::Json(307, json!({})), Error::Redirected),
        (Answer::Json(401, json!({"error": "invalid_client"})), Error::Denied { error: "invalid_client" }),
    ] {
        let desk = Desk::new();
        desk.fake.set(&desk.url("token"), answer);
        assert_eq!(refresh(&desk, EARLIER).await.err(), Some(wanted));
    }
}

#[tokio::test]
async fn r97_29_no_refresh_token_is_used_up_while_its_answer_could_not_be_judged() {
    let desk = Desk::new();
    desk.fake.set(&desk.url("keys"), Answer::Fails(FetchError::Late));
    desk.answer(200, json!({"access_token": "new", "token_type": "bearer"}));
    assert_eq!(refresh(&desk, EARLIER).await.err(), Some(Error::Outage));
    assert_eq!(desk.fake.count(&desk.url("token")), 0);
}

#[tokio::test]
async fn rfc_7009_2_1_a_refresh_token_is_revoked_where_that_is_offered() {
    let desk = Desk::new();
    desk.fake.set(&desk.url("revoke"), Answer::Raw(200, None, Vec::new()));
    assert_eq!(desk.provider.revoke("old", NOW).await, Ok(()));
    let asked = desk.fake.last(&desk.url("revoke"));
    assert_eq!(asked.method, Method::Post);
    assert_eq!((asked.field("token"), asked.field("token_type_hint")), (Some("old"), Some("refresh_token")));
    assert!(asked.header("authorization").is_some());
    desk.fake.set(&desk.url("revoke"), Answer::Json(503, json!({})));
    assert_eq!(desk.provider.revoke("old", NOW).await, Err(Error::Outage));
    desk.fake.set(&desk.url("revoke"), Answer::Json(400, json!({"error": "unsupported_token_type"})));
    assert_eq!(desk.provider.revoke("old", NOW).await, Err(Error::Denied { error: "unsupported_token_type" }));

    let desk = Desk::new();
    desk.describe_with("revocation_endpoint", None);
    assert_eq!(desk.provider.revoke("old", NOW).await, Ok(()));
    assert_eq!(desk.fake.urls(), [desk.discovery()]);
}
