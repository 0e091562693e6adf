//! The npm package oidc-provider as an OpenID provider.

use crate::listener::Listener;
use crate::relying_party::{RelyingParty, claims, client, client_of, header, lives, new_key, parameter};
use cloakroom_providers::{Client, OidcProvider, OidcSettings, Person, Whereabouts};
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

fn settings(client: Client) -> OidcSettings {
    let ada = json!({"email": "ada@example.com", "email_verified": true, "groups": ["staff"]});
    OidcSettings {
        clients: vec![client],
        accounts: [("ada".to_owned(), ada)].into_iter().collect(),
        access_token: Duration::from_secs(77),
    }
}

/// Ada logs in and agrees; the tokens.
async fn tokens(provider: &OidcProvider, party: &RelyingParty, ada: &mut Person) -> Value {
    let asked = party.ask("openid email groups");
    let callback = provider.log_in(ada, &asked.url, "ada").await.unwrap();
    assert_eq!(parameter(&callback, "iss").as_deref(), Some(provider.issuer()));
    let answer = party.redeem(&asked, &callback).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let tokens = answer.json();
    assert_eq!(claims(&tokens["id_token"])["nonce"], asked.nonce);
    tokens
}

#[tokio::test]
async fn its_forms_end_in_tokens_and_the_answer_says_who_it_is() {
    let provider = OidcProvider::start(settings(client())).await.unwrap();
    let party = RelyingParty::of(provider.issuer()).await;
    assert_eq!(party.discovery["issuer"], provider.issuer());
    let tokens = tokens(&provider, &party, &mut Person::new()).await;
    let id = claims(&tokens["id_token"]);
    assert_eq!((&id["iss"], &id["aud"], &id["sub"]), (&json!(provider.issuer()), &json!("app"), &json!("ada")));
    assert_eq!(
        (&id["email"], &id["email_verified"], &id["groups"]),
        (&json!("ada@example.com"), &json!(true), &json!(["staff"]))
    );
    assert!(lives(&tokens, 77), "{}", tokens["expires_in"]);
    let second = party.refresh(tokens["refresh_token"].as_str().unwrap()).await;
    assert_eq!(second.status, 200, "{}", second.text());
}

#[tokio::test]
async fn a_client_with_a_key_needs_no_secret_there_either() {
    let key = new_key();
    let provider = OidcProvider::start(settings(client_of(&key))).await.unwrap();
    let party = RelyingParty::of(provider.issuer()).await.with(key);
    tokens(&provider, &party, &mut Person::new()).await;
}

#[tokio::test]
async fn a_request_without_pkce_is_refused() {
    let provider = OidcProvider::start(settings(client())).await.unwrap();
    let party = RelyingParty::of(provider.issuer()).await;
    let asked = party.ask("openid");
    let mut url = asked.url.clone();
    url.query_pairs_mut().clear().extend_pairs(asked.url.query_pairs().filter(|(name, _)| !name.starts_with("code_")));
    let refused = provider.log_in(&mut Person::new(), &url, "ada").await.unwrap();
    assert_eq!(parameter(&refused, "error").unwrap(), "invalid_request");
}

#[tokio::test]
async fn a_log_out_there_posts_a_logout_token() {
    let mut listener = Listener::start().await;
    let client = Client { backchannel_logout_url: Some(listener.url.clone()), ..client() };
    let provider = OidcProvider::start(settings(client)).await.unwrap();
    let party = RelyingParty::of(provider.issuer()).await;
    let mut ada = Person::new();
    let tokens = tokens(&provider, &party, &mut ada).await;
    let id = claims(&tokens["id_token"]);

    let mut url: Url = party.discovery["end_session_endpoint"].as_str().unwrap().parse().unwrap();
    url.query_pairs_mut().append_pair("id_token_hint", tokens["id_token"].as_str().unwrap());
    let Whereabouts::At(page) = ada.open(&url).await.unwrap() else { panic!("no page asks") };
    ada.fill(&page, &[("logout", "yes")]).await.unwrap();

    let logout = claims(&json!(listener.next("logout_token").await));
    assert_eq!((&logout["iss"], &logout["sid"], &logout["aud"]), (&id["iss"], &id["sid"], &json!("app")));
}

#[tokio::test]
async fn after_an_outage_it_has_another_key_and_knows_nobody() {
    let provider = OidcProvider::start(settings(client())).await.unwrap();
    let party = RelyingParty::of(provider.issuer()).await;
    let before = tokens(&provider, &party, &mut Person::new()).await;
    provider.stop().await;
    provider.start_again().await.unwrap();
    let refused = party.refresh(before["refresh_token"].as_str().unwrap()).await;
    assert_eq!(refused.json()["error"], "invalid_grant");
    let after = tokens(&provider, &party, &mut Person::new()).await;
    assert_ne!(header(&before["id_token"])["kid"], header(&after["id_token"])["kid"]);
}
