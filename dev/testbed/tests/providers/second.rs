//! A second, independent provider: the certified npm package `oidc-provider`.

use cloakroom_providers::{Authentication, Client, OidcProvider, OidcSettings, Person};
use cloakroom_testbed::House;
use http::StatusCode;
use url::Url;

const SECRET: &str = "a secret of this test alone 0123456789";

#[tokio::test]
async fn a_log_in_and_a_log_out_there_by_another_implementation() {
    let mut house = House::at_present().await;
    let client = Client {
        id: "cloakroom".to_owned(),
        authentication: Authentication::Secret(SECRET.to_owned()),
        redirect_uris: vec![format!("{}/auth/callback/second", house.origin())],
        post_logout_redirect_uris: vec![format!("{}/auth/logged-out", house.origin())],
        backchannel_logout_url: Some(format!("http://127.0.0.1:{}/auth/backchannel/second", house.port())),
    };
    let ada = serde_json::json!({ "email": "ada@example.com", "email_verified": true });
    let settings = OidcSettings {
        clients: vec![client],
        accounts: [("ada".to_owned(), ada)].into_iter().collect(),
        access_token: std::time::Duration::from_mins(5),
    };
    let provider = OidcProvider::start(settings).await.unwrap();
    let config = format!(
        "[[provider]]\nid = \"second\"\nissuer = {:?}\nclient_id = \"cloakroom\"\nclient_secret = {SECRET:?}",
        provider.issuer()
    );
    house.restart_with(&config).await;

    let (guest, mut ada) = (house.guest(), Person::new());
    let to: Url = guest.visit("/auth/provider/second?return_to=/app/x").await.header("location").parse().unwrap();
    let back = provider.log_in(&mut ada, &to, "ada").await.unwrap();
    let answer = guest.visit_from("cross-site", &format!("{}?{}", back.path(), back.query().unwrap())).await;
    assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/app/x"), "{}", answer.text());
    let me = guest.fetch("GET", "/auth/me", None).await.json();
    assert_eq!(me["account"]["email"], "ada@example.com");

    // Ours leads there, and there it is one form away.
    let out = guest.fetch("POST", "/auth/logout", None).await.json();
    let there: Url = out["continue_at"].as_str().unwrap().parse().unwrap();
    assert!(there.as_str().starts_with(provider.issuer()), "{there}");
    assert_eq!(guest.fetch("GET", "/auth/me", None).await.status, StatusCode::UNAUTHORIZED);
    house.close().await;
}

/// `private_key_jwt` (RFC 7523): what the provider knows is a public key, as `openssl` and `cloakroom keys public` make them.
#[tokio::test]
async fn r97_14_cloakroom_proves_itself_by_a_key_and_a_stranger_s_key_is_none() {
    let mut house = House::at_present().await;
    let ours = cloakroom_jose::SigningKey::generate(cloakroom_jose::Algorithm::Es256, "any").unwrap();
    let mut known = serde_json::to_value(ours.public_jwk().unwrap()).unwrap();
    // RFC 7638 §3: how whoever has the key can tell what it is called.
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, known["x"], known["y"]);
    let digest = cloakroom_jose::sha256(members.as_bytes());
    known["kid"] = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest).into();
    let client = Client {
        id: "cloakroom".to_owned(),
        authentication: Authentication::PrivateKeyJwt(serde_json::json!({ "keys": [known] })),
        redirect_uris: vec![format!("{}/auth/callback/second", house.origin())],
        post_logout_redirect_uris: vec![],
        backchannel_logout_url: None,
    };
    let ada = serde_json::json!({ "email": "ada@example.com", "email_verified": true });
    let settings = OidcSettings {
        clients: vec![client],
        accounts: [("ada".to_owned(), ada)].into_iter().collect(),
        access_token: std::time::Duration::from_mins(5),
    };
    let provider = OidcProvider::start(settings).await.unwrap();
    let stranger = cloakroom_jose::SigningKey::generate(cloakroom_jose::Algorithm::Es256, "any").unwrap();
    for (key, expected) in [(&stranger, None), (&ours, Some("/app/x"))] {
        let file = house.folder().join("client.pem");
        let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &*key.to_secret_bytes());
        house.watch.secret(&text);
        std::fs::write(&file, format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")).unwrap();
        let config = format!(
            "[[provider]]\nid = \"second\"\nissuer = {:?}\nclient_id = \"cloakroom\"\nclient_key_file = {:?}",
            provider.issuer(),
            file.display()
        );
        house.restart_with(&config).await;
        let (guest, mut ada) = (house.guest(), Person::new());
        let to: Url = guest.visit("/auth/provider/second?return_to=/app/x").await.header("location").parse().unwrap();
        let back = provider.log_in(&mut ada, &to, "ada").await.unwrap();
        let answer = guest.visit_from("cross-site", &format!("{}?{}", back.path(), back.query().unwrap())).await;
        let led = answer.headers.get("location").map(|to| to.to_str().unwrap());
        assert_eq!(led, expected, "{} {}", answer.status, answer.text());
        std::fs::remove_file(&file).unwrap();
    }
    house.close().await;
}
