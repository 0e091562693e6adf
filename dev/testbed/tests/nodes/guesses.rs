//! A thousand addresses guess the password of one account for an hour: how many guesses are compared at all, and whether its
//! owner is still let in (issue 4, NIST SP 800-63B-4 §3.2.2).

use crate::place::{Place, on_both};
use cloakroom_app::{Clock as _, Limits};
use cloakroom_core::limit::{Limit, Verdict};
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_testbed::{Answer, PASSWORD, Roamer};
use futures_util::StreamExt as _;
use serde_json::json;

on_both! { "server.trusted_proxies = [\"127.0.0.1\"]";
    asvs_6_3_1_a_thousand_addresses_get_no_more_guesses_than_one_and_lock_nobody_out
}

/// Addresses of networks that have nothing in common.
const ADDRESSES: usize = 1000;

/// Seconds between two waves.
const STEP: u64 = 10;

/// Guesses in each of them, at the same instant.
const WAVE: usize = 6;

const HOUR: u64 = 3600;

struct Attack {
    roamer: Roamer,
    sent: usize,
    let_through: usize,
    refused: usize,
}

impl Attack {
    async fn guess(&mut self, count: usize, password: &str) {
        let first = self.sent;
        self.sent += count;
        let guesses = (first..first + count).map(|number| {
            // Each from a browser without any cookie, on the next node.
            let roamer = self.roamer.copied().on(number);
            let password = password.to_owned();
            async move {
                let number = number % ADDRESSES;
                let address = format!("{}.{}.{}.7", 11 + number / 200, number % 200, number % 7);
                log_in(&roamer, &address, &password).await
            }
        });
        let answers: Vec<Answer> = futures_util::stream::iter(guesses).buffer_unordered(24).collect().await;
        for answer in answers {
            match answer.code().as_str() {
                "wrong-credentials" => self.let_through += 1,
                "too-many-attempts" => {
                    assert!(!answer.header("retry-after").is_empty());
                    self.refused += 1;
                }
                other => panic!("{other}: {}", answer.text()),
            }
        }
    }
}

async fn log_in(roamer: &Roamer, address: &str, password: &str) -> Answer {
    let headers = [
        ("sec-fetch-site", "same-origin"),
        ("origin", roamer.origin()),
        ("content-type", "application/json"),
        ("x-forwarded-for", address),
    ];
    let body = json!({ "email": "ann@example.com", "password": password }).to_string();
    roamer.send("POST", "/auth/login", &headers, body).await.unwrap()
}

/// What the core lets through of guesses that never end, at these instants.
fn allowed(limit: &Limit, start: Timestamp) -> usize {
    let (mut bucket, mut count) = (None, 0);
    for second in (0..HOUR).step_by(usize::try_from(STEP).unwrap()) {
        let now = start.plus(Lifetime::from_secs(second));
        while let Verdict::Try(next) = limit.judge(bucket, now) {
            bucket = Some(next);
            count += 1;
        }
    }
    count
}

async fn asvs_6_3_1_a_thousand_addresses_get_no_more_guesses_than_one_and_lock_nobody_out(place: Place) {
    let nodes = &place.nodes;
    let ann = nodes.signed_in("ann@example.com").await;
    let start = nodes.clock.now();
    let roamer = nodes.roamer();
    let mut attack = Attack { roamer, sent: 0, let_through: 0, refused: 0 };
    // All of them at once, to begin with.
    attack.guess(ADDRESSES, "not the password of ann").await;
    assert!((1..=5).contains(&attack.let_through), "{}", attack.let_through);
    let mut log_ins = 0;
    for wave in 1..HOUR / STEP {
        nodes.advance(STEP);
        attack.guess(WAVE, "not the password of ann").await;
        if wave % 36 == 0 {
            // Her own device is known, wherever it is and whichever node it meets.
            let node = usize::try_from(wave / 36).unwrap();
            let answer = log_in(&ann.on(node), &format!("198.51.{node}.1"), PASSWORD).await;
            assert_eq!(answer.status, 200, "her own device after {} s: {}", wave * STEP, answer.text());
            log_ins += 1;
        }
    }
    assert!(nodes.clock.now().since(start) < Lifetime::from_secs(HOUR));
    let most = allowed(&Limits::default().account, start);
    eprintln!(
        "{} node(s): of {} guesses from {ADDRESSES} addresses within an hour {} were compared (the limit allows {most}), {} were \
         refused unread; the owner's device logged in {log_ins} times of {log_ins}",
        nodes.count(),
        attack.sent,
        attack.let_through,
        attack.refused,
    );
    assert!(attack.let_through <= most, "{} of {most}", attack.let_through);
    // Nothing is counted that was not let through: her log-ins gave the guesser nothing, and the waves cost the limit nothing.
    assert!(attack.let_through + 3 >= most, "{} of {most}", attack.let_through);
    // Even the right one is refused unread from where she never was, so nothing is learned by being refused.
    let right = log_in(&nodes.roamer(), "192.0.2.1", PASSWORD).await;
    assert_eq!(right.code(), "too-many-attempts");
    place.close().await;
}
