//! An application that gets the provider's own token, with a Keycloak whose refresh tokens are good once.

use crate::keycloak::house_with;
use cloakroom_providers::{Keycloak, Lifespans, Person};
use cloakroom_testbed::{Guest, House, PASSWORD};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::Value;
use std::time::Duration;
use url::Url;

const UPSTREAM: &str = "[[upstream]]\nname = \"drive\"\npath = \"/drive\"\nto = \"http://{echo}\"\naccess = \"signed-in\"\ntoken_from = \"keycloak\"\n[[upstream]]\nname = \"app\"\npath = \"/app\"\nto = \"http://{echo}\"\naccess = \"signed-in\"\naudience = \"app\"";

/// What the application has got, of all who have asked since: one token, and how often.
fn arrived(house: &House) -> (String, usize) {
    let all = house.echo.take();
    let tokens: Vec<_> = all.iter().filter_map(|one| one.header("authorization")?.strip_prefix("Bearer ")).collect();
    assert_eq!(tokens.iter().collect::<std::collections::BTreeSet<_>>().len(), 1, "{} tokens", tokens.len());
    house.watch.secret(tokens[0]);
    (tokens[0].to_owned(), tokens.len())
}

fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

async fn log_in(keycloak: &Keycloak, house: &House) -> Guest {
    let guest = house.guest();
    let to: Url = guest.visit("/auth/provider/keycloak").await.header("location").parse().unwrap();
    let back = keycloak.log_in(&mut Person::new(), &to, "ada", PASSWORD).await.unwrap();
    let answer = guest.visit_from("cross-site", &format!("{}?{}", back.path(), back.query().unwrap())).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    guest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_gets_keycloaks_token_renewed_once_for_many_calls_until_the_account_is_disabled() {
    let keycloak = Keycloak::shared().await.unwrap();
    let lifespans = Lifespans {
        access_token: Duration::from_mins(20),
        session_idle: Duration::from_hours(2),
        refresh_once: true,
        ..Lifespans::default()
    };
    let (house, realm) = house_with(keycloak, "tokens", lifespans, UPSTREAM).await;
    let guest = log_in(keycloak, &house).await;
    assert_eq!(guest.fetch("GET", "/drive/files", None).await.status, StatusCode::OK);
    let (first, _) = arrived(&house);
    let said = claims(&first);
    assert_eq!((said["iss"].as_str().unwrap(), said["azp"].as_str().unwrap()), (&*realm.issuer(), "cloakroom"));

    // Many calls find it about to end. Keycloak takes each refresh token once: two that asked would be one too many.
    house.advance(1175);
    assert_eq!(guest.refresh().await.status, StatusCode::OK);
    for answer in join_all((0..20).map(|_| guest.fetch("GET", "/drive/files", None))).await {
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    // Whoever came during the renewal got the old one, which was good.
    house.echo.take();
    let renewed = async {
        loop {
            assert_eq!(guest.fetch("GET", "/drive/files", None).await.status, StatusCode::OK);
            let (token, _) = arrived(&house);
            if token != first {
                return token;
            }
        }
    };
    let second = tokio::time::timeout(Duration::from_mins(1), renewed).await.unwrap();
    assert_eq!(claims(&second)["sid"], said["sid"]);

    realm.user("ada").await.unwrap().set_enabled(false).await.unwrap();
    house.advance(1175);
    assert_eq!(guest.refresh().await.status, StatusCode::OK, "nothing has told us");
    // Found out by the first call that renews, whichever application it is for.
    let out = async { while guest.fetch("GET", "/app/x", None).await.status == StatusCode::OK {} };
    tokio::time::timeout(Duration::from_mins(1), out).await.unwrap();
    assert_eq!(guest.fetch("GET", "/drive/files", None).await.code(), "signed-out");
    assert_eq!(guest.fetch("GET", "/auth/me", None).await.status, StatusCode::UNAUTHORIZED);
    house.close().await;
}
