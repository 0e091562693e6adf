//! Services of several nodes: a client that one node was told of is known to all, an assertion is good once for all of them, and what
//! one revokes is refused by the others.

use crate::deadline::until;
use crate::place::{Place, on_both};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cloakroom_app::service::NewClient;
use cloakroom_core::service::{Grant, Registration};
use cloakroom_jose::{Algorithm, JwkSet, SigningKey};
use cloakroom_testbed::{Answer, Nodes};
use serde_json::json;

on_both! { "";
    rfc7523_3_7_an_assertion_that_one_node_has_seen_is_refused_by_all
    rfc7009_2_what_one_node_revokes_is_inactive_on_all
    a_client_that_is_removed_on_one_node_gets_nothing_from_any
}

fn registration(id: &str, grant: Grant) -> Registration {
    Registration {
        id: id.parse().unwrap(),
        name: id.to_owned(),
        grants: vec![grant],
        audience: None,
        audiences: vec!["stock".into()],
        scopes: "stock.read".parse().unwrap(),
    }
}

/// A client with a secret, registered on one node.
async fn with_secret(nodes: &Nodes) -> String {
    let new = NewClient { registration: registration("reports", Grant::ClientCredentials), keys: None };
    let secret = nodes.node(0).app().create_client(&new).await.unwrap().unwrap();
    nodes.watch.secret(&secret);
    format!("Basic {}", STANDARD.encode(format!("reports:{secret}")))
}

async fn ask(nodes: &Nodes, node: usize, path: &str, by: Option<&str>, parameters: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(by.map(|by| ("authorization", by)));
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let answer = nodes.roamer().on(node).send("POST", path, &headers, body).await.unwrap();
    if let Some(token) = answer.json()["access_token"].as_str() {
        nodes.watch.secret(token);
    }
    answer
}

const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];

async fn rfc7523_3_7_an_assertion_that_one_node_has_seen_is_refused_by_all(place: Place) {
    let nodes = &place.nodes;
    let key = SigningKey::generate(Algorithm::EdDsa, "one").unwrap();
    let keys = serde_json::to_string(&JwkSet::new(vec![key.public_jwk().unwrap()])).unwrap();
    let new = NewClient { registration: registration("billing", Grant::JwtBearer), keys: Some(keys) };
    assert!(nodes.node(0).app().create_client(&new).await.unwrap().is_none(), "no secret beside a key");
    let origin = nodes.roamer().origin().to_owned();
    let (now, mut granted) = (1_800_000_000, 0);
    for round in 0..5 {
        let claims =
            json!({ "iss": "billing", "sub": "billing", "aud": origin, "exp": now + 60, "jti": round.to_string() });
        let assertion = key.sign("JWT", &claims).unwrap();
        let wish = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion.as_str())];
        // At the same instant on every node, twice; then once more on each.
        let racing = (0..nodes.count() * 2).map(|node| ask(nodes, node, "/auth/token", None, &wish));
        let answers = futures_util::future::join_all(racing).await;
        let of_round = answers.iter().filter(|answer| answer.status.is_success()).count();
        assert_eq!(of_round, 1, "round {round}");
        granted += of_round;
        for node in 0..nodes.count() {
            let late = ask(nodes, node, "/auth/token", None, &wish).await;
            assert_eq!((late.status.as_u16(), late.json()["error"].as_str()), (400, Some("invalid_grant")), "{node}");
        }
    }
    assert_eq!(granted, 5);
    place.close().await;
}

async fn rfc7009_2_what_one_node_revokes_is_inactive_on_all(place: Place) {
    let nodes = &place.nodes;
    let by = with_secret(nodes).await;
    let last = nodes.count() - 1;
    let answer = ask(nodes, last, "/auth/token", Some(&by), &OWN).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let shown = [("token", token.as_str())];
    let is_active = async |node| {
        let told = ask(nodes, node, "/auth/token/introspect", Some(&by), &shown).await;
        told.json()["active"].as_bool().unwrap()
    };
    for node in 0..nodes.count() {
        assert!(is_active(node).await, "{node}");
    }
    assert_eq!(ask(nodes, 0, "/auth/token/revoke", Some(&by), &shown).await.status, 200);
    assert!(!is_active(0).await, "before the answer left");
    for node in 0..nodes.count() {
        until("every node has heard of it", async || !is_active(node).await).await;
    }
    place.close().await;
}

async fn a_client_that_is_removed_on_one_node_gets_nothing_from_any(place: Place) {
    let nodes = &place.nodes;
    let by = with_secret(nodes).await;
    for node in 0..nodes.count() {
        assert_eq!(ask(nodes, node, "/auth/token", Some(&by), &OWN).await.status, 200, "{node}");
    }
    nodes.node(0).app().remove_client(&"reports".parse().unwrap()).await.unwrap();
    for node in 0..nodes.count() {
        let refused = ask(nodes, node, "/auth/token", Some(&by), &OWN).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["error"].as_str()),
            (401, Some("invalid_client")),
            "{node}"
        );
    }
    place.close().await;
}
