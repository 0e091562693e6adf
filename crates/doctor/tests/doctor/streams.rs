//! Event streams that are held back.

use crate::proxy::{Meddling, Probe};
use crate::stage::{Stage, assert_found, of};
use cloakroom_doctor::{Severity, State};

async fn probed(is_held_back: bool) -> Stage {
    let probe = Some(Probe { is_held_back, ..Probe::HONEST });
    Stage::behind(Meddling { probe, ..Meddling::default() }).await
}

#[tokio::test]
async fn a_stream_that_arrives_at_once_was_held_back() {
    let stage = probed(true).await;
    assert_found(&stage.examine().await, "streams", Severity::High, "held back");
    stage.house.close().await;
}

#[tokio::test]
async fn a_stream_that_arrives_as_it_left_was_not() {
    let stage = probed(false).await;
    let report = stage.examine().await;
    let streams = of(&report, "streams");
    assert_eq!((streams.state, streams.seen.len()), (State::Fine, 1), "{streams:#?}");
    stage.house.close().await;
}
