//! `cloakroom keys` beside a running server: it follows without a restart.

use crate::deadline::until;
use crate::house::House;
use crate::program::{code, run, text};
use crate::upstream::Upstream;
use crate::visitor::get;
use serde_json::Value;
use std::collections::BTreeSet;

async fn published(house: &House) -> BTreeSet<String> {
    let keys = get(house.port(), "/.well-known/jwks.json").await.unwrap().json();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn listed(house: &House) -> Vec<Value> {
    let output = run(house.folder(), &["keys", "list", "--json"]).await;
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The access key in a state.
async fn access_key(house: &House, state: &str) -> Option<String> {
    let keys = listed(house).await;
    let mut found = keys.iter().filter(|key| key["purpose"] == "access" && key["state"] == state);
    found.next().map(|key| key["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_running_server_follows_what_is_done_to_its_keys() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let mut ann = house.visitor();
    ann.sign_in("ann@example.com").await;
    let first = access_key(&house, "in use").await.unwrap();
    assert_eq!(published(&house).await, BTreeSet::from([first.clone()]));

    // The next key is shown at once and signs later.
    let output = run(house.folder(), &["keys", "rotate"]).await;
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let second = access_key(&house, "announced").await.unwrap();
    let both = BTreeSet::from([first.clone(), second.clone()]);
    until("the announced key is published", async || (published(&house).await == both).then_some(())).await;
    assert_eq!(ann.app().await.unwrap().0, 200);
    assert_eq!(key_of(&ann.bearer().await), first);

    // The one after that signs at once, and what its predecessor signed is still good.
    let output = run(house.folder(), &["keys", "rotate", "--now"]).await;
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let third = access_key(&house, "in use").await.unwrap();
    assert!(third != first && third != second);
    until("the new key is published", async || published(&house).await.contains(&third).then_some(())).await;
    assert!(published(&house).await.contains(&first), "tokens that it signed are still about");
    assert_eq!(ann.app().await.unwrap().0, 200);
    assert_eq!(ann.fetch("POST", "/auth/refresh", None).await.unwrap().status, 200);
    assert_eq!(key_of(&ann.bearer().await), third);

    // A withdrawn key is gone from the set, and everything that it signed with it.
    let mut bob = house.visitor();
    bob.sign_in("bob@example.com").await;
    assert_eq!(bob.app().await.unwrap().0, 200);
    let output = run(house.folder(), &["keys", "revoke", &third]).await;
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains(&third));
    until("the withdrawn key is not published", async || (!published(&house).await.contains(&third)).then_some(()))
        .await;
    assert_eq!(bob.app().await.unwrap().0, 401);
    assert_eq!(access_key(&house, "withdrawn").await.as_ref(), Some(&third));
    bob.log_in("bob@example.com").await;
    assert_eq!(bob.app().await.unwrap().0, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_key_that_is_not_there_cannot_be_withdrawn() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    house.serve().await.stop().await;
    let before = listed(&house).await;
    let unknown = run(house.folder(), &["keys", "revoke", "AAAAAAAAAAAAAAAAAAAAAA"]).await;
    assert_eq!(code(&unknown), 2);
    assert!(text(&unknown.stderr).contains("there is no key AAAAAAAAAAAAAAAAAAAAAA"), "{}", text(&unknown.stderr));
    let nonsense = run(house.folder(), &["keys", "revoke", "nonsense"]).await;
    assert_eq!(code(&nonsense), 2);
    assert_eq!(listed(&house).await, before);
}

#[tokio::test]
async fn the_configuration_may_be_named_before_or_after_the_action() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    house.serve().await.stop().await;
    let file = house.folder().join("cloakroom.toml");
    std::fs::rename(file, house.folder().join("mine.toml")).unwrap();
    for arguments in [["keys", "--config", "mine.toml", "list"], ["keys", "list", "--config", "mine.toml"]] {
        let output = run(house.folder(), &arguments).await;
        assert_eq!(code(&output), 0, "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stdout).contains("in use"));
    }
}

/// The key that a token names.
fn key_of(token: &str) -> String {
    use base64::Engine as _;
    let header = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// A key of openssl's kind (RFC 8410 §10.3): its public half, named by its thumbprint (RFC 7638), and nothing of the other.
#[tokio::test]
async fn the_public_half_of_a_private_key_is_printed_and_nothing_of_the_private_one() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{secret}\n-----END PRIVATE KEY-----\n");
    std::fs::write(folder.path().join("key.pem"), pem).unwrap();
    let output = run(folder.path(), &["keys", "public", "key.pem"]).await;
    assert_eq!((code(&output), text(&output.stderr).as_str()), (0, ""));
    let keys: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // As openssl and sha256sum have it.
    assert_eq!(keys["keys"][0]["x"], "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE");
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
    assert_eq!(keys["keys"][0]["kid"], "3YZxBJ12jO3n_mXt_q-j_Z-TFP1vt-NiI3OCf-fEnHQ");
    assert!(keys["keys"][0].get("d").is_none());
    let none = run(folder.path(), &["keys", "public", "nowhere.pem"]).await;
    assert_eq!(code(&none), 2);
    assert!(text(&none.stderr).contains("nowhere.pem cannot be read"), "{}", text(&none.stderr));
}
