//! A copied jar: used beside the owner, or only kept fresh.

use crate::deadline::until;
use crate::device::{ALL, Device, STRATEGIES};
use crate::place::{Place, on_both};
use crate::{EXPIRED, LONG};
use cloakroom_testbed::{Nodes, Roamer};

on_both! { ALL;
    who_uses_what_he_refreshed_is_thrown_out_with_the_owner
    who_comes_after_the_owner_is_thrown_out_with_the_owner
    who_only_refreshes_is_thrown_out_after_five_generations
}

/// The session is over for all who held it, on every node, and nobody is told to forget what they do not hold.
async fn is_over_everywhere(nodes: &Nodes, holders: [&Roamer; 2]) {
    for node in 0..nodes.count() {
        for holder in holders {
            until("the end is heard of", async || holder.on(node).app().await == (401, "signed-out".into())).await;
            assert_eq!(holder.copied().on(node).refresh().await.code(), "session-ended");
        }
    }
}

async fn who_uses_what_he_refreshed_is_thrown_out_with_the_owner(place: Place) {
    let nodes = &place.nodes;
    let ann = nodes.signed_in("ann@example.com").await;
    let thief = ann.copied();
    nodes.advance(EXPIRED);
    assert_eq!(thief.on(0).refresh().await.status, 200);
    assert_eq!(thief.on(1).app().await.0, 200);
    // What node 1 has seen is known to node 2 when it is written.
    nodes.do_chores().await;
    nodes.advance(LONG);
    let caught = ann.copied().on(2).refresh().await;
    assert_eq!((caught.status.as_u16(), caught.code()), (401, "session-ended".into()));
    assert_eq!(thief.on(2).app().await.1, "signed-out", "the node that ended it knows before it answers");
    is_over_everywhere(nodes, [&thief, &thief]).await;
    assert_eq!(ann.on(0).refresh().await.code(), "session-ended");
    place.close().await;
}

async fn who_comes_after_the_owner_is_thrown_out_with_the_owner(place: Place) {
    let nodes = &place.nodes;
    let ann = nodes.signed_in("ann@example.com").await;
    let thief = ann.copied();
    nodes.advance(EXPIRED);
    assert_eq!(ann.on(0).refresh().await.status, 200);
    assert_eq!(ann.on(1).app().await.0, 200);
    nodes.do_chores().await;
    nodes.advance(LONG);
    assert_eq!(thief.copied().on(2).refresh().await.code(), "session-ended");
    is_over_everywhere(nodes, [&ann, &ann]).await;
    assert_eq!(thief.on(1).refresh().await.code(), "session-ended");
    place.close().await;
}

async fn who_only_refreshes_is_thrown_out_after_five_generations(place: Place) {
    let nodes = &place.nodes;
    nodes.roamer().sign_up("ann@example.com").await;
    for strategy in STRATEGIES.into_iter().filter(|strategy| *strategy != "ticket") {
        let mut ann = Device::logged_in(nodes, 0, "ann@example.com", strategy).await;
        let mut thief = ann.copied();
        let mut generations = 0;
        loop {
            nodes.advance(EXPIRED);
            // He is always first, and never shows what he got.
            if thief.refresh(generations).await.status != 200 {
                break;
            }
            generations += 1;
            assert!(generations <= 5, "{strategy}: he goes on");
            nodes.advance(LONG);
            if ann.refresh(generations).await.status != 200 {
                break;
            }
            assert_eq!(ann.app(generations + 1).await.0, 200, "{strategy}");
            nodes.do_chores().await;
        }
        assert!(generations > 0, "{strategy}: he was never in");
        for node in 0..nodes.count() {
            until("the end is heard of", async || thief.app(node).await == (401, "signed-out".into())).await;
            for mut holder in [thief.copied(), ann.copied()] {
                assert_eq!(holder.refresh(node).await.code(), "session-ended", "{strategy}");
            }
        }
    }
    place.close().await;
}
