//! Sightings: reported once for each generation, in batches, again when a report was lost.

use std::collections::HashSet;

use cloakroom_core::id::SessionId;
use cloakroom_verify::{OnStale, Verifier};
use serde_json::json;

use crate::issuer::{Issuer, Mood, NOW, session};
use crate::{secs, settle, until};

fn reporting(issuer: &Issuer) -> Verifier {
    // The clock runs faster than the feed can speak.
    let builder = issuer.following().on_stale(OnStale::Accept);
    builder.report_sightings(format!("{}/sightings", issuer.url)).build().unwrap()
}

/// Moves the clock in small steps until so many reports have come.
async fn until_reports(issuer: &Issuer, count: usize) {
    until("reported", || {
        issuer.clock.advance(std::time::Duration::from_millis(100));
        issuer.reports().len() >= count
    })
    .await;
}

#[tokio::test]
async fn a_generation_is_reported_once_however_often_it_is_used() {
    let issuer = Issuer::start().await;
    let verifier = reporting(&issuer);
    let (token, repeated) = (issuer.token(), issuer.token_with(&json!({"iss_no": 1})));
    for _ in 0..10 {
        verifier.verify(&token).await.unwrap();
        verifier.verify(&repeated).await.unwrap();
    }
    until_reports(&issuer, 1).await;
    let at = NOW * 1000;
    let seen = json!({"seen": [{"sid": session(1), "gen": 4, "first_used_at": at, "last_used_at": at}]});
    assert_eq!(issuer.reports(), [seen]);
    verifier.verify(&token).await.unwrap();
    assert_eq!(verifier.status().sightings, 0);

    verifier.verify(&issuer.token_with(&json!({"gen": 5}))).await.unwrap();
    until_reports(&issuer, 2).await;
    assert_eq!(issuer.reports()[1]["seen"][0]["gen"], 5);
}

#[tokio::test]
async fn what_is_refused_is_not_reported() {
    let issuer = Issuer::start().await;
    issuer.write(json!({"kind": "session", "sid": session(1), "until": issuer.until()}));
    let verifier = reporting(&issuer);
    verifier.verify(&issuer.token()).await.unwrap_err();
    verifier.verify(&issuer.token_with(&json!({"exp": NOW}))).await.unwrap_err();
    assert_eq!(verifier.status().sightings, 0);
}

#[tokio::test]
async fn many_are_reported_in_batches_of_a_thousand_about_a_second_apart() {
    let issuer = Issuer::start().await;
    let verifier = reporting(&issuer);
    let name = |number: u16| {
        let mut bytes = [0; 16];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        SessionId::from_bytes(bytes).to_string()
    };
    for number in 0..2500 {
        verifier.verify(&issuer.token_with(&json!({"sid": name(number)}))).await.unwrap();
    }
    assert_eq!(issuer.reports().len(), 0, "off the path of requests");
    until_reports(&issuer, 3).await;
    let reports = issuer.reports();
    let sizes: Vec<usize> = reports.iter().map(|report| report["seen"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [1000, 1000, 500]);
    let seen = reports.iter().flat_map(|report| report["seen"].as_array().unwrap());
    let names: HashSet<&str> = seen.map(|seen| seen["sid"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 2500);
}

#[tokio::test]
async fn a_lost_report_is_sent_again_and_given_up_in_the_end() {
    let issuer = Issuer::start().await;
    let verifier = reporting(&issuer);
    issuer.sightings_mood(Mood::Away);
    verifier.verify(&issuer.token()).await.unwrap();
    until_reports(&issuer, 2).await;
    issuer.sightings_mood(Mood::Good);
    until_reports(&issuer, 3).await;
    until("received", || verifier.status().sightings == 0).await;
    let reports = issuer.reports();
    assert!(reports[0] == reports[1] && reports[1] == reports[2]);

    issuer.sightings_mood(Mood::Away);
    verifier.verify(&issuer.token_with(&json!({"gen": 9, "exp": NOW + 9000}))).await.unwrap();
    until_reports(&issuer, 8).await;
    until("given up", || verifier.status().sightings == 0).await;
    for _ in 0..60 {
        issuer.clock.advance(secs(1));
    }
    settle().await;
    assert_eq!(issuer.reports().len(), 8);
}
