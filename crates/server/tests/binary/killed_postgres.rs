//! `kill -9` of one node after the other in a storm of rotations, while two more go on with the same Postgres: what was
//! answered is kept, what was not is mended by the next attempt, on whichever node.
//!
//! `CLOAKROOM_KILL_ROUNDS` asks for more kills than six.

#[expect(dead_code, reason = "it is the testbed's, which uses all of it")]
#[path = "../../../../dev/testbed/src/postgres/server.rs"]
mod server;

use self::server::Server;
use crate::deadline::{soon, until};
use crate::house::House;
use crate::upstream::Upstream;
use crate::visitor::Visitor;
use serde_json::json;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

const NODES: usize = 3;
const CLIENTS: usize = 9;

/// What all clients together have met.
#[derive(Default)]
struct Storm {
    refreshed: AtomicUsize,
    lost: AtomicUsize,
    is_over: AtomicBool,
}

impl Storm {
    async fn goes_on_for(&self, refreshes: usize) {
        let goal = self.refreshed.load(Ordering::SeqCst) + refreshes;
        until("clients refresh", async || (self.refreshed.load(Ordering::SeqCst) >= goal).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_nodes_any_may_be_killed_in_a_storm_and_takes_nothing_along_that_was_answered() {
    let rounds =
        std::env::var_os("CLOAKROOM_KILL_ROUNDS").map_or(6, |rounds| rounds.to_str().unwrap().parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("postgres");
    let postgres = tokio::task::spawn_blocking(move || {
        let postgres = Server::start(&path, &[]).unwrap();
        postgres.make_database("storm").unwrap();
        postgres
    });
    let postgres = soon("Postgres starts", postgres).await.unwrap();
    let upstream = Upstream::start("first").await;
    let keys = tempfile::tempdir().unwrap();
    let houses = houses(upstream.address, &postgres.url("storm"), keys.path());
    let mut nodes = Vec::new();
    for house in &houses {
        nodes.push(house.serve().await);
    }
    let ports: Arc<[u16]> = houses.iter().map(House::port).collect();
    let storm = Arc::new(Storm::default());
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut visitor = houses[number % NODES].visitor();
        visitor.sign_in(&format!("client{number}@example.com")).await;
        clients.push(tokio::spawn(rage(number, visitor, Arc::clone(&ports), Arc::clone(&storm))));
    }
    for round in 0..rounds {
        storm.goes_on_for(30 + 7 * round).await;
        let (killed, lost) = (round % NODES, storm.lost.load(Ordering::SeqCst));
        nodes.remove(killed).kill().await;
        until("somebody notices", async || (storm.lost.load(Ordering::SeqCst) > lost).then_some(())).await;
        // The others go on meanwhile.
        storm.goes_on_for(30).await;
        nodes.insert(killed, houses[killed].serve().await);
    }
    storm.goes_on_for(30).await;
    storm.is_over.store(true, Ordering::SeqCst);
    for (number, client) in clients.into_iter().enumerate() {
        let mut visitor = soon("the client ends", client).await.unwrap();
        for port in &*ports {
            visitor = visitor.moved_to(*port);
            let answer = visitor.fetch("POST", "/auth/refresh", None).await.unwrap();
            assert_eq!(answer.status, 200, "client {number}: {}", answer.text());
            assert_eq!(visitor.app().await.unwrap().0, 200, "client {number}");
        }
    }
    for node in nodes {
        node.stop().await;
    }
    drop(postgres);
}

/// One site on several machines, on one database and with one master key.
fn houses(upstream: std::net::SocketAddr, url: &str, keys: &Path) -> Vec<House> {
    use std::io::Write as _;
    let master_key_file = keys.join("master-key");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&master_key_file).unwrap();
    writeln!(file, "{}", "5a".repeat(32)).unwrap();
    let mut houses: Vec<_> = (0..NODES).map(|_| House::before(upstream)).collect();
    // A visitor says the port that it talks to.
    let origins: Vec<_> = houses.iter().map(|house| house.config["server"]["public_url"].clone()).collect();
    for house in &mut houses {
        house.config["server"]["public_url"] = origins[0].clone();
        house.config["server"]["trusted_origins"] = json!(origins[1..]);
        house.config["store"] = json!({ "url": url, "master_key_file": master_key_file });
    }
    houses
}

/// Refreshes on one node and uses what it got on the next, again and again. Whoever loses an answer goes to the next node
/// with what they have.
async fn rage(number: usize, mut visitor: Visitor, ports: Arc<[u16]>, storm: Arc<Storm>) -> Visitor {
    let mut turns = tokio::time::interval(Duration::from_millis(5));
    for turn in number.. {
        if storm.is_over.load(Ordering::SeqCst) {
            break;
        }
        visitor = visitor.moved_to(ports[turn % NODES]);
        let Ok(answer) = visitor.fetch("POST", "/auth/refresh", None).await else {
            storm.lost.fetch_add(1, Ordering::SeqCst);
            turns.tick().await;
            continue;
        };
        assert_eq!(answer.status, 200, "client {number}: {}", answer.text());
        storm.refreshed.fetch_add(1, Ordering::SeqCst);
        visitor = visitor.moved_to(ports[(turn + 1) % NODES]);
        if let Ok(used) = visitor.app().await {
            assert_eq!(used.0, 200, "client {number}: {}", used.1);
        }
    }
    visitor
}
