//! Keycloak as a thing that runs: realms beside each other, an outage, the realm of the example.

use crate::keycloak::{PASSWORD, ada, realm, refresh_token, tokens};
use crate::relying_party::{RelyingParty, client, parameter};
use cloakroom_providers::{Keycloak, Person, User};
use tokio::net::TcpStream;
use url::Url;

const EXAMPLE: &str = include_str!("../../../../examples/keycloak/realm.json");

#[tokio::test]
async fn two_realms_do_not_disturb_each_other() {
    let keycloak = Keycloak::shared().await.unwrap();
    let (one, other) = (realm(keycloak, "twin", client()).await, realm(keycloak, "twin", client()).await);
    assert_ne!(one.issuer(), other.issuer());
    let (at_one, at_other) = (RelyingParty::of(&one.issuer()).await, RelyingParty::of(&other.issuer()).await);

    // One browser, both realms: a session in one is none in the other.
    let mut ada = Person::new();
    keycloak.log_in(&mut ada, &at_one.ask("openid").url, "ada", PASSWORD).await.unwrap();
    other.user("ada").await.unwrap().set_password("another password").await.unwrap();
    let asked = at_other.ask("openid");
    keycloak.log_in(&mut ada, &asked.url, "ada", PASSWORD).await.unwrap_err();
    let callback = keycloak.log_in(&mut ada, &asked.url, "ada", "another password").await.unwrap();

    // Who is ended, disabled or removed in one is not in the other.
    let kept = at_other.redeem(&asked, &callback).await.json();
    assert_eq!(at_one.refresh(refresh_token(&kept)).await.json()["error"], "invalid_grant");
    one.end_all_sessions().await.unwrap();
    one.user("ada").await.unwrap().remove().await.unwrap();
    assert!(one.user("ada").await.is_err());
    let kept = at_other.refresh(refresh_token(&kept)).await;
    assert_eq!(kept.status, 200);
    one.remove().await.unwrap();
    assert_eq!(at_other.refresh(refresh_token(&kept.json())).await.status, 200);
}

#[tokio::test]
async fn somebody_who_is_added_later_can_log_in() {
    let keycloak = Keycloak::shared().await.unwrap();
    let realm = realm(keycloak, "later", client()).await;
    let added =
        realm.add(&User { name: "bob".to_owned(), email: Some("bob@example.com".to_owned()), ..ada() }).await.unwrap();
    let party = RelyingParty::of(&realm.issuer()).await;
    let asked = party.ask("openid");
    let callback = keycloak.log_in(&mut Person::new(), &asked.url, "bob", PASSWORD).await.unwrap();
    let id = crate::relying_party::claims(&party.redeem(&asked, &callback).await.json()["id_token"]);
    assert_eq!((id["sub"].as_str(), id["groups"].as_array().map(Vec::len)), (Some(added.id()), Some(2)));
    assert!(id["roles"].as_array().unwrap().iter().any(|role| role == "auditor"), "{id}");
}

#[tokio::test]
async fn an_outage_ends_no_realm_and_no_session() {
    let keycloak = Keycloak::start().await.unwrap();
    let realm = realm(&keycloak, "outage", client()).await;
    let party = RelyingParty::of(&realm.issuer()).await;
    let first = tokens(&keycloak, &party).await;

    let origin: Url = keycloak.origin().parse().unwrap();
    let address = ("127.0.0.1", origin.port().unwrap());
    keycloak.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
    keycloak.start_again().await.unwrap();
    let second = party.refresh(refresh_token(&first)).await;
    assert_eq!(second.status, 200, "{}", second.text());
    realm.user("ada").await.unwrap();

    drop(keycloak);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn the_realm_of_the_example_lets_its_people_in() {
    let keycloak = Keycloak::shared().await.unwrap();
    let realm = keycloak.import(EXAMPLE).await.unwrap();
    assert!(realm.issuer().ends_with("/realms/example"));
    let party = RelyingParty::of(&realm.issuer()).await;
    let mut url: Url = party.discovery["authorization_endpoint"].as_str().unwrap().parse().unwrap();
    url.query_pairs_mut().extend_pairs([
        ("client_id", "cloakroom"),
        ("response_type", "code"),
        ("scope", "openid email"),
        ("redirect_uri", "http://localhost:8080/auth/callback/keycloak"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ]);
    for (name, password) in [("ada", "ada's password"), ("bob", "bob's password")] {
        let callback = keycloak.log_in(&mut Person::new(), &url, name, password).await.unwrap();
        assert!(parameter(&callback, "code").is_some(), "{callback}");
    }
}
