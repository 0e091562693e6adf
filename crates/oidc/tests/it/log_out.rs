//! Log-out, both ways.

use cloakroom_jose::Refused;
use cloakroom_oidc::{Error, LogoutToken};
use serde_json::{Value, json};

use super::fake::{Desk, NOW};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn claims(desk: &Desk) -> Value {
    json!({
        "iss": desk.issuer, "aud": "app", "iat": NOW, "exp": NOW + 120, "jti": "j1", "sub": "u1", "sid": "s1",
        "events": {EVENT: {}},
    })
}

async fn judge(typ: &str, change: impl FnOnce(&mut Value)) -> Result<LogoutToken, Error> {
    let desk = Desk::new();
    let mut claims = claims(&desk);
    change(&mut claims);
    desk.provider.judge_logout_token(&desk.key.sign(typ, &claims).unwrap(), NOW).await
}

async fn with(name: &str, value: Value) -> Option<Error> {
    judge("logout+jwt", |claims| claims[name] = value).await.err()
}

async fn without(names: &[&str]) -> Result<LogoutToken, Error> {
    judge("logout+jwt", |claims| {
        for name in names {
            claims.as_object_mut().unwrap().remove(*name);
        }
    })
    .await
}

#[tokio::test]
async fn backchannel_2_4_a_logout_token_names_a_user_or_a_session_or_both() {
    let (jti, exp) = ("j1".to_owned(), NOW + 120);
    let (sub, sid) = (Some("u1".to_owned()), Some("s1".to_owned()));
    let both = LogoutToken { sub: sub.clone(), sid: sid.clone(), jti: jti.clone(), exp };
    for typ in ["logout+jwt", "application/logout+jwt", "JWT"] {
        assert_eq!(judge(typ, |_| {}).await, Ok(both.clone()), "{typ}");
    }
    assert_eq!(without(&["sub"]).await, Ok(LogoutToken { sub: None, sid, jti: jti.clone(), exp }));
    assert_eq!(without(&["sid"]).await, Ok(LogoutToken { sub, sid: None, jti, exp }));
    let nobody = Err(Error::LogoutToken("names neither a user nor a session"));
    assert_eq!(without(&["sub", "sid"]).await, nobody);
}

#[tokio::test]
async fn backchannel_2_6_every_rule_is_checked() {
    let nothing = Some(Error::LogoutToken("does not tell of a log-out"));
    assert_eq!(without(&["events"]).await.err(), nothing);
    for events in [json!({}), json!([EVENT]), json!(EVENT), json!({EVENT: null}), json!({"http://other": {}})] {
        assert_eq!(with("events", events).await, nothing);
    }
    assert_eq!(with("events", json!({EVENT: {}, "https://other.example/event": {}})).await, None);
    for nonce in [json!("n"), json!(null)] {
        assert_eq!(with("nonce", nonce).await, Some(Error::LogoutToken("has a nonce")));
    }
    assert_eq!(without(&["jti"]).await.err(), Some(Error::LogoutToken("has no usable jti")));
    for jti in [json!(""), json!("j".repeat(256)), json!(7)] {
        assert_eq!(with("jti", jti).await, Some(Error::LogoutToken("has no usable jti")));
    }
    for sid in [json!(""), json!("s".repeat(256)), json!(7)] {
        assert_eq!(with("sid", sid).await, Some(Error::LogoutToken("has an unusable sid")));
    }
    assert_eq!(with("sub", json!("")).await, Some(Error::Subject));
    for claim in ["iss", "aud", "iat", "exp"] {
        assert_eq!(without(&[claim]).await.err(), Some(Error::TokenRefused(Refused::BadClaims)), "{claim}");
    }
    assert_eq!(with("aud", json!("other")).await, Some(Error::AudienceMismatch));
    let issuer = with("iss", json!("https://evil.example")).await;
    assert_eq!(issuer, Some(Error::TokenRefused(Refused::WrongIssuer)));
    assert_eq!(with("exp", json!(NOW - 60)).await, Some(Error::TokenRefused(Refused::Expired)));
    assert_eq!(with("iat", json!(NOW + 61)).await, Some(Error::TokenRefused(Refused::NotYetValid)));
    assert_eq!(with("iat", json!(NOW - 86_401)).await, Some(Error::TooOld));
}

#[tokio::test]
async fn j87_17_and_j87_18_other_kinds_of_token_end_no_session() {
    for typ in ["at+jwt", "dpop+jwt", "secevent+jwt", ""] {
        assert_eq!(judge(typ, |_| {}).await, Err(Error::TokenRefused(Refused::WrongType)), "{typ}");
    }
    // An ID token lies in many a log and many a URL.
    let desk = Desk::new();
    let id_token = desk.key.sign("JWT", &desk.claims(&desk.begin())).unwrap();
    let judged = desk.provider.judge_logout_token(&id_token, NOW).await;
    assert_eq!(judged, Err(Error::LogoutToken("does not tell of a log-out")));
}

#[tokio::test]
async fn rp_initiated_2_the_browser_is_sent_to_the_providers_end_of_session() {
    let desk = Desk::new();
    let url = desk.provider.log_out_url(Some("a.b.c"), "https://app.example/?a=b&c", Some("s"), NOW).await.unwrap();
    let query =
        "client_id=app&post_logout_redirect_uri=https%3A%2F%2Fapp.example%2F%3Fa%3Db%26c&id_token_hint=a.b.c&state=s";
    assert_eq!(url.unwrap(), format!("{}?{query}", desk.url("end")));
    let url = desk.provider.log_out_url(None, "https://app.example/", None, NOW).await.unwrap().unwrap();
    assert!(!url.contains("id_token_hint") && !url.contains("state="));
    let desk = Desk::new();
    desk.describe_with("end_session_endpoint", None);
    assert_eq!(desk.provider.log_out_url(None, "https://app.example/", None, NOW).await, Ok(None));
}
