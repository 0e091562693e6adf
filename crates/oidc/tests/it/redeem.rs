//! From the redirect back to a log-in: what is handed on, and what ends it before anything is sent.

use cloakroom_jose::random;
use cloakroom_oidc::{Callback, Error, claim};
use serde_json::{Value, json};

use super::fake::{Answer, Desk, NOW, secret_basic};

#[tokio::test]
async fn a_log_in_hands_on_who_it_is_and_what_the_provider_gave() {
    let desk = Desk::new();
    let logged_in = desk
        .log_in_with(|claims| {
            claims["amr"] = json!(["pwd", "otp", 7]);
            claims["acr"] = json!("silver");
            claims["auth_time"] = json!(NOW - 10);
            claims["realm_access"] = json!({"roles": ["admin"]});
        })
        .await
        .ok()
        .unwrap();
    let identity = logged_in.identity;
    assert_eq!((identity.sub.as_str(), identity.sid.as_deref()), ("u1", Some("s1")));
    assert_eq!((identity.email.as_deref(), identity.email_verified), (Some("ann@example.com"), true));
    assert_eq!((identity.name.as_deref(), identity.acr.as_deref()), (Some("Ann"), Some("silver")));
    assert_eq!((identity.auth_time, identity.amr.join(" ").as_str()), (Some(NOW - 10), "pwd otp"));
    assert_eq!(claim(&identity.claims, "realm_access.roles"), ["admin"]);
    let tokens = logged_in.tokens;
    assert_eq!((tokens.access_token.reveal(), tokens.access_expires_at), ("access", Some(NOW + 300)));
    assert_eq!(tokens.refresh_token.unwrap().reveal(), "refresh");
    assert_eq!(tokens.id_token.unwrap().reveal().split('.').count(), 3);
}

/// What is refused before the code is sent anywhere.
async fn refused(desk: &Desk, change: impl FnOnce(&mut Callback)) -> Error {
    let attempt = desk.begin();
    desk.issue(&desk.claims(&attempt));
    let mut callback = desk.callback(&attempt);
    change(&mut callback);
    let error = desk.provider.redeem(&attempt, &callback, NOW).await.err().unwrap();
    assert_eq!(desk.fake.count(&desk.url("token")), 0, "the code was sent");
    error
}

#[tokio::test]
async fn r97_03_and_r97_04_an_answer_without_the_attempts_state_is_refused() {
    let desk = Desk::new();
    assert_eq!(refused(&desk, |callback| callback.state = None).await, Error::WrongState);
    let other = desk.begin();
    for state in [String::new(), "A".repeat(43), other.state.clone(), other.nonce.clone()] {
        assert_eq!(refused(&desk, |callback| callback.state = Some(state)).await, Error::WrongState);
    }
    // An error of nobody's attempt is nobody's error.
    let forged = refused(&desk, |callback| {
        *callback = Callback { error: Some("access_denied".to_owned()), ..Callback::default() };
    });
    assert_eq!(forged.await, Error::WrongState);
}

#[tokio::test]
async fn r97_04_an_attempt_without_a_state_matches_nothing() {
    let desk = Desk::new();
    let mut attempt = desk.provider.begin(random().unwrap(), None);
    attempt.state.clear();
    for state in [None, Some(String::new())] {
        let callback = Callback { state, ..desk.callback(&attempt) };
        assert_eq!(desk.provider.redeem(&attempt, &callback, NOW).await.err(), Some(Error::WrongState));
    }
}

#[tokio::test]
async fn r97_05_and_rfc_9207_2_4_the_issuer_is_compared_and_required_where_it_was_promised() {
    let desk = Desk::new();
    for issuer in ["https://evil.example", "", "https://id.example/realms/main/"] {
        let error = refused(&desk, |callback| callback.iss = Some(issuer.to_owned())).await;
        assert_eq!(error, Error::WrongIssuer);
    }
    assert_eq!(refused(&desk, |callback| callback.iss = None).await, Error::IssuerMissing);
    let denied = refused(&desk, |callback| {
        (callback.code, callback.iss, callback.error) = (None, None, Some("access_denied".to_owned()));
    });
    assert_eq!(denied.await, Error::IssuerMissing);

    for promise in [None, Some(json!(false)), Some(Value::Null)] {
        let desk = Desk::new();
        desk.describe_with("authorization_response_iss_parameter_supported", promise);
        let attempt = desk.begin();
        desk.issue(&desk.claims(&attempt));
        let callback = Callback { iss: None, ..desk.callback(&attempt) };
        assert!(desk.provider.redeem(&attempt, &callback, NOW).await.is_ok());
        let error = refused_by(&desk, Some("https://evil.example")).await;
        assert_eq!(error, Error::WrongIssuer);
    }
}

async fn refused_by(desk: &Desk, iss: Option<&str>) -> Error {
    let attempt = desk.begin();
    let callback = Callback { iss: iss.map(str::to_owned), ..desk.callback(&attempt) };
    desk.provider.redeem(&attempt, &callback, NOW).await.err().unwrap()
}

#[tokio::test]
async fn a_refusal_of_the_provider_is_handed_on_by_its_registered_code_alone() {
    let desk = Desk::new();
    for (said, wanted) in [
        ("access_denied", "access_denied"),
        ("login_required", "login_required"),
        ("<script>", "unregistered"),
        ("ACCESS_DENIED", "unregistered"),
        ("", "unregistered"),
    ] {
        let error = refused(&desk, |callback| {
            (callback.code, callback.error) = (None, Some(said.to_owned()));
            callback.error_description = Some("free text".to_owned());
        })
        .await;
        assert_eq!(error, Error::Denied { error: wanted });
        assert!(!error.to_string().contains("free text"));
    }
    for code in [None, Some(String::new())] {
        assert_eq!(refused(&desk, |callback| callback.code = code).await, Error::CodeMissing);
    }
}

#[tokio::test]
async fn rfc_6749_5_2_what_the_token_endpoint_answers_is_told_apart() {
    let desk = Desk::new();
    let html = || Answer::Raw(400, Some("text/html"), b"<h1>No</h1>".to_vec());
    let error = |code: &str| json!({"error": code, "error_description": "free text"});
    for (answer, wanted) in [
        (Answer::Json(400, error("invalid_grant")), Error::InvalidGrant),
        (Answer::Json(401, error("invalid_client")), Error::Denied { error: "invalid_client" }),
        (Answer::Json(400, error("of_our_own")), Error::Denied { error: "unregistered" }),
        (Answer::Json(403, json!({})), Error::Denied { error: "unregistered" }),
        (html(), Error::Denied { error: "unregistered" }),
        (Answer::Json(500, error("invalid_grant")), Error::Outage),
        (Answer::Json(503, json!({})), Error::Outage),
        (Answer::Json(429, error("invalid_grant")), Error::Outage),
        (Answer::Json(200, error("invalid_grant")), Error::TokenResponse("is not what RFC 6749 section 5.1 asks for")),
        (
            Answer::Json(200, json!({"access_token": "a", "token_type": "Bearer"})),
            Error::TokenResponse("has no id_token"),
        ),
    ] {
        let attempt = desk.begin();
        desk.fake.set(&desk.url("token"), answer);
        assert_eq!(desk.redeem(&attempt).await.err(), Some(wanted));
    }
}

#[tokio::test]
async fn bba_14_a_provider_that_is_away_says_nothing_about_the_user() {
    let desk = Desk::at("main", "https://id.example", Desk::new().key, secret_basic());
    desk.fake.set(&desk.url("token"), Answer::Fails(cloakroom_oidc::FetchError::Late));
    assert_eq!(desk.redeem(&desk.begin()).await.err(), Some(Error::Outage));
}
