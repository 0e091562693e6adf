//! The verifier against an issuer over real sockets, on a clock that the tests move.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod api;
mod attacks;
mod feed;
mod hot;
mod issuer;
mod keys;
mod logs;
mod services;
mod sightings;
mod tls;

use std::time::Duration;

use cloakroom_verify::{Refusal, Verifier};

/// Asks until it is so. Only a condition that never comes true waits for the deadline.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let asking = async {
        let mut again = tokio::time::interval(Duration::from_millis(2));
        while !condition() {
            again.tick().await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), asking).await.is_ok(), "never: {what}");
}

/// Asks until this token is let in no more, and says why.
async fn until_refused(verifier: &Verifier, token: &str) -> Refusal {
    let asking = async {
        let mut again = tokio::time::interval(Duration::from_millis(2));
        loop {
            if let Err(refusal) = verifier.verify(token).await {
                return refusal;
            }
            again.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.expect("it is let in for ever")
}

/// Lets every task that can go on go on, before something is asserted not to have happened.
async fn settle() {
    let mut again = tokio::time::interval(Duration::from_millis(1));
    for _ in 0..20 {
        again.tick().await;
    }
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
