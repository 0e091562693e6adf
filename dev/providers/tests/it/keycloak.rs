//! Keycloak as an OpenID provider: what a relying party sees of it.

use crate::listener::Listener;
use crate::relying_party::{Asked, RelyingParty, claims, client, client_of, header, lives, new_key, parameter};
use cloakroom_providers::{Client, Keycloak, Lifespans, LiveRealm, Person, Realm, User};
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

pub(crate) const PASSWORD: &str = "amber kettle river thimble";

pub(crate) fn ada() -> User {
    User {
        name: "ada".to_owned(),
        email: Some("ada@example.com".to_owned()),
        email_verified: true,
        password: PASSWORD.to_owned(),
        roles: vec!["auditor".to_owned()],
        groups: vec!["staff".to_owned(), "finance".to_owned()],
    }
}

/// A realm with Ada and one application.
pub(crate) async fn realm(keycloak: &Keycloak, name: &str, client: Client) -> LiveRealm {
    let realm = Realm {
        name: name.to_owned(),
        clients: vec![client],
        users: vec![ada()],
        groups_claim: Some("groups".to_owned()),
        roles_claim: Some("roles".to_owned()),
        lifespans: Lifespans { access_token: Duration::from_secs(77), ..Lifespans::default() },
    };
    keycloak.realm(&realm).await.unwrap()
}

/// Ada logs in with a browser of her own; the callback.
pub(crate) async fn ada_logs_in(keycloak: &Keycloak, asked: &Asked) -> Url {
    keycloak.log_in(&mut Person::new(), &asked.url, "ada", PASSWORD).await.unwrap()
}

/// Ada logs in; the tokens.
pub(crate) async fn tokens(keycloak: &Keycloak, party: &RelyingParty) -> Value {
    let asked = party.ask("openid email");
    let callback = ada_logs_in(keycloak, &asked).await;
    let answer = party.redeem(&asked, &callback).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

pub(crate) fn refresh_token(tokens: &Value) -> &str {
    tokens["refresh_token"].as_str().unwrap()
}

#[tokio::test]
async fn discovery_answers_with_the_issuer_that_was_asked() {
    let keycloak = Keycloak::shared().await.unwrap();
    let realm = realm(keycloak, "discovery", client()).await;
    let party = RelyingParty::of(&realm.issuer()).await;
    assert_eq!(party.discovery["issuer"], realm.issuer());
    assert_eq!(party.discovery["authorization_response_iss_parameter_supported"], true);
    assert_eq!(party.discovery["backchannel_logout_session_supported"], true);
}

#[tokio::test]
async fn the_log_in_form_ends_in_tokens_for_a_client_with_a_secret() {
    let keycloak = Keycloak::shared().await.unwrap();
    let realm = realm(keycloak, "secret", client()).await;
    let party = RelyingParty::of(&realm.issuer()).await;
    let asked = party.ask("openid email");
    let callback = ada_logs_in(keycloak, &asked).await;
    assert_eq!(parameter(&callback, "iss").unwrap(), realm.issuer());

    let tokens = party.redeem(&asked, &callback).await.json();
    let id = claims(&tokens["id_token"]);
    let user = realm.user("ada").await.unwrap();
    assert_eq!((&id["iss"], &id["aud"], &id["nonce"]), (&json!(realm.issuer()), &json!("app"), &json!(asked.nonce)));
    assert_eq!(
        (&id["sub"], &id["email"], &id["email_verified"]),
        (&json!(user.id()), &json!("ada@example.com"), &json!(true))
    );
    let mut groups: Vec<&str> = id["groups"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    groups.sort_unstable();
    assert_eq!(groups, ["finance", "staff"]);
    assert!(id["roles"].as_array().unwrap().contains(&json!("auditor")), "{id}");
    assert!(lives(&tokens, 77), "{}", tokens["expires_in"]);
    assert_eq!(user.sessions().await.unwrap(), [id["sid"].as_str().unwrap()]);
}

#[tokio::test]
async fn a_client_with_a_key_needs_no_secret() {
    let keycloak = Keycloak::shared().await.unwrap();
    let key = new_key();
    let realm = realm(keycloak, "key", client_of(&key)).await;
    let party = RelyingParty::of(&realm.issuer()).await.with(key);
    let first = tokens(keycloak, &party).await;
    assert_eq!(party.refresh(refresh_token(&first)).await.status, 200);

    let stranger = RelyingParty::of(&realm.issuer()).await.with(new_key());
    let answer = stranger.refresh(refresh_token(&first)).await;
    assert_eq!(answer.json()["error"], "invalid_client");
}

#[tokio::test]
async fn a_code_is_worth_nothing_without_its_verifier() {
    let keycloak = Keycloak::shared().await.unwrap();
    let realm = realm(keycloak, "pkce", client()).await;
    let party = RelyingParty::of(&realm.issuer()).await;
    let asked = party.ask("openid");
    let callback = ada_logs_in(keycloak, &asked).await;
    let answer = party.redeem(&Asked { verifier: party.ask("openid").verifier, ..asked }, &callback).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!("invalid_grant")));

    let without = party.ask("openid");
    let mut url = without.url.clone();
    url.query_pairs_mut()
        .clear()
        .extend_pairs(without.url.query_pairs().filter(|(name, _)| !name.starts_with("code_")));
    let refused = keycloak.log_in(&mut Person::new(), &url, "ada", PASSWORD).await.unwrap();
    assert_eq!(parameter(&refused, "error").unwrap(), "invalid_request");
}

#[tokio::test]
async fn a_wrong_password_logs_nobody_in_and_the_form_says_so() {
    let keycloak = Keycloak::shared().await.unwrap();
    let realm = realm(keycloak, "wrong", client()).await;
    let party = RelyingParty::of(&realm.issuer()).await;
    let asked = party.ask("openid");
    let refusal = keycloak.log_in(&mut Person::new(), &asked.url, "ada", "not hers").await.unwrap_err().to_string();
    assert!(refusal.contains("Invalid username or password"), "{refusal}");
}

#[tokio::test]
async fn who_has_a_session_is_not_asked_again() {
    let keycloak = Keycloak::shared().await.unwrap();
    let realm = realm(keycloak, "again", client()).await;
    let party = RelyingParty::of(&realm.issuer()).await;
    let (first, second) = (party.ask("openid"), party.ask("openid"));
    let mut ada = Person::new();
    let one = keycloak.log_in(&mut ada, &first.url, "ada", PASSWORD).await.unwrap();
    let other = keycloak.log_in(&mut ada, &second.url, "ada", "not needed").await.unwrap();
    let (one, other) = (party.redeem(&first, &one).await.json(), party.redeem(&second, &other).await.json());
    assert_eq!(claims(&one["id_token"])["sid"], claims(&other["id_token"])["sid"]);
}

#[tokio::test]
async fn who_is_disabled_gets_nothing_for_a_refresh_token() {
    let keycloak = Keycloak::shared().await.unwrap();
    let realm = realm(keycloak, "disabled", client()).await;
    let party = RelyingParty::of(&realm.issuer()).await;
    let first = tokens(keycloak, &party).await;
    let second = party.refresh(refresh_token(&first)).await;
    assert_eq!(second.status, 200);

    realm.user("ada").await.unwrap().set_enabled(false).await.unwrap();
    let third = party.refresh(refresh_token(&second.json())).await;
    assert_eq!((third.status.as_u16(), &third.json()["error"]), (400, &json!("invalid_grant")));
}

#[tokio::test]
async fn what_changes_about_somebody_stands_in_the_next_tokens() {
    let keycloak = Keycloak::shared().await.unwrap();
    let realm = realm(keycloak, "changes", client()).await;
    let party = RelyingParty::of(&realm.issuer()).await;
    let first = tokens(keycloak, &party).await;
    let ada = realm.user("ada").await.unwrap();
    ada.set_email("ada@example.org", false).await.unwrap();
    ada.leave("finance").await.unwrap();
    ada.withdraw("auditor").await.unwrap();
    realm.set_lifespans(&Lifespans { access_token: Duration::from_secs(99), ..Lifespans::default() }).await.unwrap();
    let second = party.refresh(refresh_token(&first)).await.json();
    let id = claims(&second["id_token"]);
    assert_eq!((&id["email"], &id["email_verified"]), (&json!("ada@example.org"), &json!(false)));
    assert_eq!(id["groups"], json!(["staff"]));
    assert!(!id["roles"].to_string().contains("auditor"), "{id}");
    assert!(lives(&second, 99), "{}", second["expires_in"]);

    ada.join("finance").await.unwrap();
    ada.grant("auditor").await.unwrap();
    let id = claims(&party.refresh(refresh_token(&second)).await.json()["id_token"]);
    assert_eq!(id["groups"].as_array().unwrap().len(), 2);
    assert!(id["roles"].as_array().unwrap().contains(&json!("auditor")), "{id}");
}

#[tokio::test]
async fn a_new_key_signs_from_now_on() {
    let keycloak = Keycloak::shared().await.unwrap();
    let realm = realm(keycloak, "keys", client()).await;
    let party = RelyingParty::of(&realm.issuer()).await;
    let first = tokens(keycloak, &party).await;
    realm.rotate_keys().await.unwrap();
    let second = party.refresh(refresh_token(&first)).await.json();
    assert_ne!(header(&first["id_token"])["kid"], header(&second["id_token"])["kid"]);
}

#[tokio::test]
async fn a_logout_token_arrives_when_an_administrator_ends_the_session() {
    let keycloak = Keycloak::shared().await.unwrap();
    let mut listener = Listener::start().await;
    let client = Client { backchannel_logout_url: Some(listener.url.clone()), ..client() };
    let realm = realm(keycloak, "backchannel", client).await;
    let party = RelyingParty::of(&realm.issuer()).await;
    let first = tokens(keycloak, &party).await;
    let id = claims(&first["id_token"]);
    realm.user("ada").await.unwrap().end_sessions().await.unwrap();

    let token = json!(listener.next("logout_token").await);
    let logout = claims(&token);
    assert_eq!((&logout["iss"], &logout["sid"], &logout["sub"]), (&id["iss"], &id["sid"], &id["sub"]));
    assert!(logout["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object(), "{logout}");
    assert!(logout["nonce"].is_null() && logout["jti"].is_string(), "{logout}");
    assert_eq!(party.refresh(refresh_token(&first)).await.json()["error"], "invalid_grant");
}
