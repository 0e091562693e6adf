//! A session of which every step happens on another node: what one revokes, the others refuse.

use crate::EXPIRED;
use crate::deadline::until;
use crate::device::{ALL, Device, STRATEGIES};
use crate::place::Place;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_every_strategy_log_in_refresh_and_log_out_may_each_happen_on_another_node() {
    let place = Place::on_postgres(ALL).await;
    let nodes = &place.nodes;
    nodes.roamer().sign_up("ann@example.com").await;
    for strategy in STRATEGIES {
        let mut ann = Device::logged_in(nodes, 0, "ann@example.com", strategy).await;
        let before = ann.copied();
        if ann.refreshes() {
            nodes.advance(EXPIRED);
            assert_eq!(ann.app(2).await, (401, "access-expired".into()), "{strategy}");
            assert_eq!(ann.refresh(1).await.status, 200, "{strategy}");
        }
        for node in 0..nodes.count() {
            assert_eq!(ann.app(node).await.0, 200, "{strategy} on node {node}");
        }
        let copied = ann.copied();
        assert_eq!(ann.log_out(2).await.status, 204, "{strategy}");
        for node in 0..nodes.count() {
            // The row says so at once, and the feed soon.
            for mut copied in [copied.clone(), before.clone()] {
                assert_eq!(copied.refresh(node).await.code(), "session-ended", "{strategy} on node {node}");
            }
            until("a copy is refused", async || copied.app(node).await == (401, "signed-out".into())).await;
        }
    }
    place.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_balancer_nobody_notices_how_many_nodes_there_are() {
    let place = Place::on_postgres("").await;
    let nodes = &place.nodes;
    let (ann, phone) = (nodes.signed_in("ann@example.com").await, nodes.roamer());
    phone.log_in("ann@example.com").await;
    for _ in 0..6 {
        nodes.advance(EXPIRED);
        for device in [&ann, &phone] {
            assert_eq!(device.app().await, (401, "access-expired".into()));
            assert_eq!(device.refresh().await.status, 200);
            assert_eq!(device.app().await.0, 200);
        }
    }
    let list = ann.fetch("GET", "/auth/sessions", None).await.json();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 2, "{list}");
    assert_eq!(ann.fetch("POST", "/auth/logout/others", None).await.status, 204);
    for node in 0..nodes.count() {
        until("the other device is out", async || phone.on(node).app().await == (401, "signed-out".into())).await;
        assert_eq!(ann.on(node).app().await.0, 200);
    }
    place.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_an_operator_and_a_withdrawn_key_are_heard_of_everywhere() {
    let place = Place::on_postgres("").await;
    let nodes = &place.nodes;
    let ann = nodes.signed_in("ann@example.com").await;
    let copied = ann.copied();
    let next =
        serde_json::json!({ "current": cloakroom_testbed::PASSWORD, "password": "a horse that staples batteries" });
    nodes.watch.secret("a horse that staples batteries");
    assert_eq!(ann.on(1).fetch("POST", "/auth/password/change", Some(next)).await.status, 200);
    for node in 0..nodes.count() {
        until("the password is heard of", async || copied.on(node).app().await.1 == "signed-out").await;
        assert_eq!(ann.on(node).app().await.0, 200, "the one that asked goes on");
    }

    let bob = nodes.signed_in("bob@example.com").await;
    let account = bob.fetch("GET", "/auth/me", None).await.json()["account"]["id"].as_str().unwrap().parse().unwrap();
    nodes.advance(1);
    nodes.node(2).app().disable_account(account, true).await.unwrap();
    for node in 0..nodes.count() {
        until("the end is heard of", async || bob.on(node).app().await.1 == "signed-out").await;
    }

    let carol = nodes.signed_in("carol@example.com").await;
    let key = nodes.node(0).app().ring().records().iter().find(|key| key.algorithm == "EdDSA").unwrap().id;
    nodes.node(0).app().withdraw_key(key).await.unwrap();
    for node in 0..nodes.count() {
        until("the key is heard of", async || carol.on(node).app().await.1 == "signed-out").await;
    }
    // A node takes over another's ring with its chores, a second later at most.
    nodes.do_chores().await;
    carol.log_in("carol@example.com").await;
    for node in 0..nodes.count() {
        assert_eq!(carol.on(node).app().await.0, 200, "the next key is known on node {node}");
    }
    place.close().await;
}
