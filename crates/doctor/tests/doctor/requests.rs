//! What the doctor asks: nothing that changes anything, few, and under its own name.

use crate::proxy::Meddling;
use crate::stage::{NOW, Stage, clock_at, ids};
use cloakroom_doctor::{CannotExamine, MOST_REQUESTS, State, Target, examine, listed};
use http::Method;
use std::sync::Mutex;

#[tokio::test]
async fn every_request_is_harmless_and_says_who_asks() {
    let stage = Stage::behind(Meddling::default()).await;
    let report = stage.examine().await;
    let passed = stage.proxy.passed();
    assert!(passed.len() <= report.requests && report.requests <= MOST_REQUESTS);
    for request in &passed {
        assert!([Method::GET, Method::OPTIONS, Method::TRACE].contains(&request.method), "{request:?}");
        assert!(request.agent.starts_with("cloakroom-doctor/"), "{request:?}");
    }
    assert!(passed.iter().any(|request| request.cookie_bytes >= 12 * 1024));
    stage.house.close().await;
}

#[tokio::test]
async fn what_is_skipped_is_not_asked_for() {
    let mut stage = Stage::behind(Meddling::default()).await;
    stage.options.skip = listed().map(|check| check.id.to_owned()).collect();
    let report = stage.examine().await;
    assert_eq!(ids(&report, State::Skipped).len(), listed().count());
    // Whether it is Cloakroom at all has to be known.
    assert_eq!(stage.proxy.passed().len(), 3);
    stage.options.skip = vec!["nonsense".to_owned()];
    assert!(matches!(stage.try_to_examine(NOW).await, Err(CannotExamine::UnknownCheck(id)) if id == "nonsense"));
    stage.house.close().await;
}

#[tokio::test]
async fn the_person_who_waits_is_told_what_is_looked_at() {
    // By the real clock, so the probe is the real one as well.
    let stage = Stage::behind(Meddling { probe: None, ..Meddling::default() }).await;
    let told = Mutex::new(Vec::new());
    let target = Target::parse(&stage.url).unwrap();
    let progress = |title: &str| told.lock().unwrap().push(title.to_owned());
    examine(target, &stage.options, clock_at(NOW), &progress).await.unwrap();
    assert_eq!(told.lock().unwrap().len(), listed().count() + 1);
    stage.house.close().await;
}
