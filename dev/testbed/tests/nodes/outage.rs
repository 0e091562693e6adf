//! Postgres stopped: what still works and for how long, what is answered meanwhile, and the way back.

use crate::deadline::until;
use crate::{EXPIRED, REFRESH};
use cloakroom_testbed::{Answer, Nodes, PASSWORD, Postgres, Roamer};
use serde_json::json;

/// A problem document that says when to come again, and that sets and clears nothing.
fn says_later(answer: &Answer, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, code), "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() > 0);
    assert_eq!(answer.cookies(), Vec::<String>::new());
}

async fn is_ready(nodes: &Nodes, node: usize) -> bool {
    let request = format!("http://{}/readyz", nodes.node(node).admin).parse().unwrap();
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .build_http::<http_body_util::Empty<bytes::Bytes>>();
    client.get(request).await.unwrap().status() == 200
}

/// Refresh, log-in and log-out need the store.
async fn is_refused_what_must_be_stored(nodes: &Nodes, ann: &Roamer) {
    let before = ann.cookie(REFRESH);
    for node in 0..nodes.count() {
        says_later(&ann.on(node).refresh().await, "unavailable");
        let login = json!({ "email": "ann@example.com", "password": PASSWORD });
        says_later(&nodes.roamer().on(node).fetch("POST", "/auth/login", Some(login)).await, "unavailable");
        says_later(&ann.on(node).fetch("POST", "/auth/logout", None).await, "unavailable");
        until("it is not ready", async || !is_ready(nodes, node).await).await;
    }
    assert_eq!(ann.cookie(REFRESH), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_postgres_sessions_go_on_until_stale_after_and_nobody_is_logged_out() {
    let postgres = Postgres::start().await;
    // The second set looks sessions up where the feed is silent; where the store is silent too it must say the same.
    let (refusing, looking_up) = (postgres.new_database().await, postgres.new_database().await);
    let all = [
        Nodes::start(&refusing).await,
        Nodes::with(&[&looking_up; 3].map(String::as_str), "[revocation]\nwhen_stale = \"look_up\"").await.unwrap(),
    ];
    let mut people = Vec::new();
    for nodes in &all {
        let (ann, bob) = (nodes.signed_in("ann@example.com").await, nodes.signed_in("bob@example.com").await);
        for node in 0..nodes.count() {
            assert_eq!((ann.on(node).app().await.0, bob.on(node).app().await.0), (200, 200));
        }
        people.push((ann, bob));
    }
    postgres.stop().await;
    for (nodes, (ann, bob)) in all.iter().zip(&people) {
        // A second goes by unnoticed on this clock; the nodes try to read the feed and cannot.
        is_refused_what_must_be_stored(nodes, bob).await;
        nodes.advance(10);
        for node in 0..nodes.count() {
            assert_eq!(ann.on(node).app().await.0, 200, "what is known is good for stale_after");
        }
        nodes.advance(1);
        for node in 0..nodes.count() {
            says_later(&ann.on(node).fetch("GET", "/app/x", None).await, "revocations-stale");
            assert_eq!(ann.on(node).fetch("GET", "/x", None).await.status, 200, "what is public needs no session");
        }
        is_refused_what_must_be_stored(nodes, bob).await;
    }
    postgres.start_again().await;
    for (nodes, (ann, bob)) in all.iter().zip(&people) {
        for node in 0..nodes.count() {
            until("the node is back", async || is_ready(nodes, node).await).await;
            until("sessions go on", async || ann.on(node).app().await.0 == 200).await;
        }
        nodes.advance(EXPIRED);
        for person in [ann, bob] {
            assert_eq!(person.on(1).refresh().await.status, 200);
            assert_eq!(person.on(2).app().await.0, 200);
        }
        nodes.roamer().on(0).log_in("ann@example.com").await;
        // Notifications too come through again.
        let copied = ann.copied();
        assert_eq!(ann.on(1).fetch("POST", "/auth/logout", None).await.status, 204);
        for node in 0..nodes.count() {
            until("the log-out is heard of", async || copied.on(node).app().await.1 == "signed-out").await;
            assert_eq!(bob.on(node).app().await.0, 200);
        }
    }
    for nodes in all {
        nodes.close().await;
    }
}
