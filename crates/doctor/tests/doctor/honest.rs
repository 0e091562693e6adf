//! Deployments with nothing wrong: no check finds anything, and what cannot be told is said.

use crate::proxy::{Body, Meddling};
use crate::stage::{NOW, Stage, clock_at, ids, of};
use cloakroom_doctor::{MOST_REQUESTS, Options, Report, State, Target, examine};
use cloakroom_testbed::House;
use http::{Response, StatusCode, request};
use std::time::Duration;

fn assert_nothing_found(report: &Report) {
    let found: Vec<_> = report.checks.iter().flat_map(|check| &check.findings).collect();
    assert!(found.is_empty(), "{found:#?}");
    assert!(!report.has_findings() && report.requests <= MOST_REQUESTS);
}

#[tokio::test]
async fn behind_an_honest_proxy_nothing_is_wrong_and_everything_can_be_told() {
    let stage = Stage::behind(Meddling::default()).await;
    let report = stage.examine().await;
    assert_nothing_found(&report);
    assert_eq!(ids(&report, State::Fine).len(), report.checks.len(), "{report:#?}");
    stage.house.close().await;
}

#[tokio::test]
async fn of_an_older_server_it_says_what_cannot_be_told() {
    let instead = |parts: &request::Parts| (parts.uri.path() == "/auth/probe").then(not_found);
    let stage = Stage::behind(Meddling { instead, ..Meddling::default() }).await;
    let report = stage.examine().await;
    assert_nothing_found(&report);
    assert_eq!(ids(&report, State::Unknown), ["streams", "forwarded"], "{report:#?}");
    for id in ["streams", "forwarded"] {
        let unknown = &of(&report, id).unknown;
        assert!(unknown.len() == 1 && unknown.iter().all(|why| why.contains("older")), "{unknown:?}");
    }
    stage.house.close().await;
}

fn not_found() -> Response<Body> {
    let mut answer = Response::new(http_body_util::BodyExt::boxed(http_body_util::Empty::new()));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer
}

#[tokio::test]
async fn a_server_that_speaks_tls_itself_is_fine() {
    let house = House::encrypted("").await;
    let options = Options {
        authorities: Some(std::fs::read(house.folder().join("authority.pem")).unwrap()),
        admin_port: house.echo.address.port(),
        // The server dates its answers by the clock of the machine.
        skip: vec!["clock".to_owned()],
        timeout: Duration::from_mins(1),
        ..Options::default()
    };
    let target = Target::parse(&house.origin()).unwrap();
    let report = examine(target, &options, clock_at(NOW), &|_| {}).await.unwrap();
    assert_nothing_found(&report);
    assert_eq!(ids(&report, State::Skipped), ["clock"]);
    assert_eq!(ids(&report, State::Unknown), ["redirect", "forwarded"], "{report:#?}");
    let streams = of(&report, "streams");
    assert_eq!(
        (streams.state, streams.seen.len()),
        (State::Fine, 1),
        "the real probe, by the real clock: {streams:#?}"
    );
    house.close().await;
}

#[tokio::test]
async fn on_this_machine_without_tls_what_needs_tls_cannot_be_told() {
    let house = House::start().await;
    let options = Options {
        admin_port: house.running().admin.port(),
        skip: vec!["clock".to_owned()],
        timeout: Duration::from_mins(1),
        // Any list will do: nothing here speaks TLS.
        authorities: Some(crate::certificate::Authority::new().pem.into_bytes()),
        ..Options::default()
    };
    let target = Target::parse(&house.origin()).unwrap();
    let report = examine(target, &options, clock_at(NOW), &|_| {}).await.unwrap();
    assert_nothing_found(&report);
    let unknown = ["tls", "redirect", "hsts", "admin"];
    assert_eq!(ids(&report, State::Unknown), unknown, "{report:#?}");
    assert!(of(&report, "admin").unknown.iter().any(|why| why.contains("own machine")));
    house.close().await;
}
