//! The columns in a real browser: rows of which everybody knows how they behave.

use crate::beside::{Beside, Place};
use cloakroom_browser::{Browser, Engine, Launch, ThirdParty};

use super::{COLUMNS, Measure, measure, restarts};
use crate::world::World;

async fn all(engine: Engine, rows: &[&str]) -> Vec<Vec<Measure>> {
    let world = World::build(engine).await.unwrap();
    let launch = Launch {
        third_party_cookies: Some(ThirdParty::Allow),
        trusted: Some(world.trusted()),
        device_bound_sessions: engine == Engine::Chromium,
        ..Launch::default()
    };
    let browser = Browser::launch_with(engine, &launch).await.unwrap();
    let beside = Beside::default();
    let mut measured = Vec::new();
    for (row, number) in rows.iter().zip(1..) {
        let place = Place { world: &world, browser: &browser, launch: &launch, beside: &beside };
        measured.push(measure(&place, row, number).await);
    }
    browser.close().await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (*row).to_owned()).collect();
    for (row, restart) in measured.iter_mut().zip(restarts(&world, engine, &launch, &rows, 1000).await) {
        row.insert(1, restart);
    }
    measured
}

/// The values of the columns, in their order.
fn values(measures: &[Measure]) -> Vec<&str> {
    assert_eq!(measures.iter().map(|measure| measure.usability).collect::<Vec<_>>(), COLUMNS);
    measures.iter().map(|measure| if measure.usability == "bytes" { "bytes" } else { measure.value.as_str() }).collect()
}

fn bytes(measures: &[Measure]) -> usize {
    measures.iter().find(|measure| measure.usability == "bytes").unwrap().value.parse().unwrap()
}

/// S1: tokens in `localStorage`. S2: the same in `sessionStorage`. S10: a token in an `HttpOnly` cookie with Lax. S15: an opaque
/// session with a fixed header.
async fn known_rows_measure_as_known(engine: Engine) {
    let measured = all(engine, &["S1", "S2", "S10", "S15"]).await;
    let expected = [
        [
            "yes",
            "yes",
            "yes",
            "no",
            "with the token",
            "with the token",
            "yes",
            "bytes",
            "no",
            "yes",
            "not before it expires",
        ],
        [
            "yes",
            "no",
            "no",
            "yes",
            "with the token",
            "with the token",
            "yes",
            "bytes",
            "no",
            "yes",
            "not before it expires",
        ],
        ["yes", "yes", "yes", "no", "yes", "no", "no", "bytes", "yes", "no", "not before it expires"],
        ["yes", "no", "yes", "no", "yes", "no", "no", "bytes", "no", "no", "at once"],
    ];
    for (measures, expected) in measured.iter().zip(expected) {
        assert_eq!(values(measures), expected, "{measures:#?}");
    }
    let bytes: Vec<_> = measured.iter().map(|measures| bytes(measures)).collect();
    assert!(bytes.iter().all(|bytes| (50..1000).contains(bytes)) && bytes[3] < bytes[0], "{bytes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_rows_measure_as_known_in_chromium() {
    known_rows_measure_as_known(Engine::Chromium).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn known_rows_measure_as_known_in_firefox() {
    known_rows_measure_as_known(Engine::Firefox).await;
}
