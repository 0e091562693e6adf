//! The feed without its notifications, and a node that is cut off from the database while the others are not.

use crate::database::Database;
use crate::deadline::until;
use cloakroom_testbed::{Nodes, Wire};
use std::time::Duration;

async fn with_wires(database: &Database) -> (Nodes, [Wire; 3]) {
    let wires = [Wire::to(database.url()).await, Wire::to(database.url()).await, Wire::to(database.url()).await];
    let urls = [wires[0].url(), wires[1].url(), wires[2].url()];
    (Nodes::with(&urls, "").await.unwrap(), wires)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_every_notification_is_lost_a_log_out_is_still_heard_of_within_stale_after() {
    /// `revocation.stale_after` as it is without configuration: what is promised.
    const STALE_AFTER: Duration = Duration::from_secs(10);
    let database = Database::new().await;
    let (nodes, wires) = with_wires(&database).await;
    let ann = nodes.signed_in("ann@example.com").await;
    let copied = ann.copied();
    for node in 0..nodes.count() {
        assert_eq!(copied.on(node).app().await.0, 200);
    }
    for wire in &wires {
        wire.swallow_notifications();
    }
    assert_eq!(ann.on(2).fetch("POST", "/auth/logout", None).await.status, 204);
    let heard = async {
        for node in [0, 1] {
            until("the log-out is heard of", async || copied.on(node).app().await.1 == "signed-out").await;
        }
    };
    tokio::time::timeout(STALE_AFTER, heard).await.expect("without notifications a revocation takes too long");
    for wire in &wires {
        until("the notification was really lost", async || wire.swallowed() > 0).await;
    }
    nodes.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_cut_off_lets_nobody_in_after_stale_after_and_comes_back_by_itself() {
    let database = Database::new().await;
    let (nodes, wires) = with_wires(&database).await;
    let (ann, bob) = (nodes.signed_in("ann@example.com").await, nodes.signed_in("bob@example.com").await);
    let copied = ann.copied();
    for node in 0..nodes.count() {
        assert_eq!(copied.on(node).app().await.0, 200);
    }
    wires[1].cut();
    assert_eq!(ann.on(2).fetch("POST", "/auth/logout", None).await.status, 204);
    until("node 0 has heard", async || copied.on(0).app().await.1 == "signed-out").await;
    // Node 1 cannot know. That is what `stale_after` bounds.
    nodes.advance(10);
    assert_eq!(copied.on(1).app().await.0, 200);
    nodes.advance(1);
    for cut_off in [&copied, &bob] {
        assert_eq!(cut_off.on(1).app().await, (503, "revocations-stale".into()));
    }
    assert_eq!(bob.on(0).app().await.0, 200, "the others go on");
    wires[1].mend();
    until("node 1 is back", async || bob.on(1).app().await.0 == 200).await;
    assert_eq!(copied.on(1).app().await, (401, "signed-out".into()));
    nodes.close().await;
}
