//! What has to be done now and then: writing sightings, tending keys, forgetting what is over.

use super::edge::Edge;
use super::meters;
use cloakroom_app::Fault;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// Does the chores until it is told to stop.
pub(super) async fn keep_doing(edge: Arc<Edge>, stop: CancellationToken) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 0_u64.. {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        let app = edge.web.app();
        tell("writing sightings", app.flush_sightings().await);
        tell("tending keys", app.tend_keys().await);
        if tick % 5 == 0 {
            meters::upkeep();
        }
        if tick % 60 == 0 {
            tell("ending streams", app.end_streams_that_are_over().await);
            tell("sweeping", app.sweep().await);
        }
    }
}

/// All of them once, for who cannot wait.
pub(super) async fn all_now(edge: &Edge) -> Result<(), Fault> {
    let app = edge.web.app();
    app.flush_sightings().await?;
    app.tend_keys().await?;
    app.end_streams_that_are_over().await?;
    app.sweep().await
}

fn tell(what: &str, done: Result<(), Fault>) {
    if let Err(fault) = done {
        tracing::warn!(%fault, "{what} failed; it is tried again");
    }
}
