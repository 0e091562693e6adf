//! Postgres loses its power in a storm of rotations: what was answered is kept, what was not is mended by the next attempt.

use crate::REFRESH;
use crate::database::connect;
use crate::deadline::{soon, until};
use crate::rows::texts;
use cloakroom_testbed::{Nodes, Postgres, Roamer};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

const CLIENTS: usize = 8;
const ROUNDS: usize = 3;

/// What all clients together have met.
#[derive(Default)]
struct Storm {
    refreshed: AtomicUsize,
    refused: AtomicUsize,
    is_over: AtomicBool,
}

impl Storm {
    /// Waits for so many refreshes more.
    async fn goes_on_for(&self, refreshes: usize) {
        let goal = self.refreshed.load(Ordering::SeqCst) + refreshes;
        until("clients refresh", async || self.refreshed.load(Ordering::SeqCst) >= goal).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_loses_its_power_in_a_storm_takes_nothing_along_that_was_answered() {
    let postgres = Postgres::start().await;
    let url = postgres.new_database().await;
    let nodes = Nodes::start(&url).await;
    let storm = Arc::new(Storm::default());
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let client = nodes.signed_in(&format!("client{number}@example.com")).await;
        let storm = Arc::clone(&storm);
        clients.push(tokio::spawn(async move { rage(client, &storm).await }));
    }
    for _ in 0..ROUNDS {
        storm.goes_on_for(60).await;
        let refused = storm.refused.load(Ordering::SeqCst);
        postgres.stop().await;
        until("somebody is refused", async || storm.refused.load(Ordering::SeqCst) > refused).await;
        postgres.start_again().await;
        storm.goes_on_for(60).await;
        postgres.restart_immediately().await;
    }
    storm.goes_on_for(60).await;
    storm.is_over.store(true, Ordering::SeqCst);

    let database = connect(&url).await;
    for client in clients {
        let (client, answered) = soon("the client ends", client).await.unwrap();
        let refresh = client.cookie(REFRESH).unwrap();
        let shown: usize = refresh.split('.').nth(2).unwrap().parse().unwrap();
        assert!(shown >= answered, "{answered} refreshes were answered, each with a generation of its own: {shown}");
        // On every node, and for as long as it likes.
        for node in 0..nodes.count() {
            assert_eq!(client.on(node).app().await.0, 200);
            assert_eq!(client.on(node).refresh().await.status, 200);
        }
    }
    let ended = texts(&database, "SELECT count(*) FROM cloakroom.session WHERE ended_at IS NOT NULL").await;
    assert_eq!(ended, ["0"], "nobody was logged out");
    nodes.stop().await;
}

/// Refreshes and uses what it got, again and again, on whichever node the balancer chooses. Answers how many refreshes were
/// answered.
async fn rage(client: Roamer, storm: &Storm) -> (Roamer, usize) {
    let mut answered = 0;
    // Who is refused does not come back at once.
    let mut turns = tokio::time::interval(Duration::from_millis(20));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !storm.is_over.load(Ordering::SeqCst) {
        for (method, path) in [("POST", "/auth/refresh"), ("GET", "/app/x")] {
            let answer = client.try_fetch(method, path, None).await.unwrap();
            match answer.status.as_u16() {
                200 if method == "POST" => {
                    answered += 1;
                    storm.refreshed.fetch_add(1, Ordering::SeqCst);
                }
                200 => {}
                503 => {
                    assert!(answer.cookies().is_empty(), "a refusal sets and clears nothing");
                    storm.refused.fetch_add(1, Ordering::SeqCst);
                    turns.tick().await;
                    break;
                }
                _ => panic!("{method} {path}: {} {}", answer.status, answer.text()),
            }
        }
    }
    (client, answered)
}
