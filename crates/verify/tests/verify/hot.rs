//! The path of a token that was seen before: nothing is allocated on it, and nothing is waited for.

use futures_util::FutureExt as _;

use crate::issuer::Issuer;
use crate::until;

#[tokio::test]
async fn a_token_seen_before_costs_no_allocation() {
    let issuer = Issuer::start().await;
    let sighted = issuer.following().report_sightings(format!("{}/sightings", issuer.url)).build().unwrap();
    let plain = issuer.builder().build().unwrap();
    until("the feed is heard", || sighted.status().is_feed_fresh).await;
    for verifier in [plain, sighted] {
        let token = issuer.token();
        // The first times fill what a thread fills once.
        for _ in 0..100 {
            verifier.verify(&token).await.unwrap();
        }
        let mut let_in = 0;
        let spent = allocation_counter::measure(|| {
            for _ in 0..1000 {
                let_in += usize::from(verifier.verify(&token).now_or_never().is_some_and(|judged| judged.is_ok()));
            }
        });
        assert_eq!((let_in, spent.count_total), (1000, 0));
    }
}
