//! Answers that are lost after the commit, and tabs that refresh at the same instant.

use crate::place::{Place, on_both};
use crate::{ACCESS, EXPIRED, REFRESH};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_testbed::{Answer, Lost, Roamer};
use std::collections::BTreeSet;

on_both! { "";
a_lost_answer_is_mended_by_the_next_attempt_however_late tabs_at_once_end_with_one_generation }

/// The generation that the refresh token in the jar claims: `key.session.generation.mac`.
fn generation(roamer: &Roamer) -> u32 {
    roamer.cookie(REFRESH).unwrap().split('.').nth(2).unwrap().parse().unwrap()
}

/// Generation and issue of the access token that an answer sets.
fn issue(answer: &Answer) -> (u64, u64) {
    let cookies = answer.cookies();
    let token = cookies.iter().find_map(|cookie| cookie.strip_prefix(ACCESS)?.strip_prefix('=')).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    (claims["gen"].as_u64().unwrap(), claims["iss_no"].as_u64().unwrap())
}

async fn a_lost_answer_is_mended_by_the_next_attempt_however_late(place: Place) {
    let nodes = &place.nodes;
    let ann = nodes.signed_in("ann@example.com").await;
    // Fewer than five in a row are late; a week is within every lifetime of the default profile.
    for (round, later) in [0, 3, 60, 7 * 86_400].into_iter().enumerate() {
        nodes.advance(EXPIRED);
        nodes.balancer.lose_next_from(round);
        let before = generation(&ann);
        assert_eq!(ann.try_fetch("POST", "/auth/refresh", None).await.err(), Some(Lost));
        assert_eq!(nodes.balancer.lost().pop().unwrap(), "HTTP/1.1 200 OK", "it was committed");
        assert_eq!(generation(&ann), before);
        nodes.advance(later);
        let mended = ann.on(round + 1).refresh().await;
        assert_eq!(mended.status, 200, "after {later} s: {}", mended.text());
        assert_eq!(generation(&ann), before + 1, "the generation of the lost answer, not another one");
        for node in 0..nodes.count() {
            assert_eq!(ann.on(node).app().await.0, 200, "after {later} s, node {node}");
        }
    }
    place.close().await;
}

async fn tabs_at_once_end_with_one_generation(place: Place) {
    let nodes = &place.nodes;
    let ann = nodes.signed_in("ann@example.com").await;
    let mut shared = 0;
    for round in 1..=8 {
        nodes.advance(EXPIRED);
        let tabs: Vec<_> = (0..6).map(|tab| ann.on(tab)).collect();
        let answers = futures_util::future::join_all(tabs.iter().map(Roamer::refresh)).await;
        for answer in &answers {
            assert!(answer.status == 200 || answer.code() == "refresh-raced", "{}", answer.text());
            assert_eq!(answer.status == 200, !answer.cookies().is_empty());
        }
        let tokens: BTreeSet<_> = answers
            .iter()
            .flat_map(Answer::cookies)
            .filter_map(|cookie| cookie.strip_prefix(REFRESH).map(|rest| rest.split(';').next().unwrap().to_owned()))
            .collect();
        assert_eq!(tokens.len(), 1, "one refresh token");
        let issues: Vec<_> = answers.iter().filter(|answer| answer.status == 200).map(issue).collect();
        let different: BTreeSet<_> = issues.iter().collect();
        assert_eq!(different.len(), issues.len(), "each its own access token: {issues:?}");
        assert_eq!(generation(&ann), round, "one generation");
        shared += answers.iter().filter(|answer| answer.status == 200).count() - 1;
        for node in 0..nodes.count() {
            assert_eq!(ann.on(node).app().await.0, 200);
        }
    }
    assert!(shared > 0, "no two tabs were ever answered within one generation: nothing was at once");
    place.close().await;
}
