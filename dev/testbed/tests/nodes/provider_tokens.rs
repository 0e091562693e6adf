//! A provider's token on several nodes: whichever is called, one of all renews.

use crate::place::Place;
use cloakroom_app::ManualClock;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_testbed::{Answer, Idp, Roamer};
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

const UPSTREAM: &str = "[[upstream]]\nname = \"drive\"\npath = \"/drive\"\nto = \"http://{echo}\"\naccess = \"signed-in\"\ntoken_from = \"example\"";

/// A provider whose clock goes with that of the nodes.
struct Provider {
    clock: Arc<ManualClock>,
    idp: Idp,
}

impl Provider {
    async fn start() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_unix_seconds(1_800_000_000)));
        Self { idp: Idp::start(Arc::clone(&clock)).await, clock }
    }

    fn config(&self) -> String {
        format!("{}{UPSTREAM}", self.idp.config("example", ""))
    }

    fn advance(&self, place: &Place, seconds: u64) {
        self.clock.advance(Lifetime::from_secs(seconds));
        place.nodes.clock.advance(Lifetime::from_secs(seconds));
    }
}

async fn visit_from(site: &str, roamer: &Roamer, path: &str) -> Answer {
    let headers = [
        ("sec-fetch-site", site),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("accept", "text/html"),
    ];
    roamer.send("GET", path, &headers, "").await.unwrap()
}

async fn of_many_calls_on_all_nodes_one_renews(provider: Provider, place: Place) {
    let (nodes, idp) = (&place.nodes, &provider.idp);
    let ann = nodes.roamer();
    let to = visit_from("same-origin", &ann.on(0), "/auth/provider/example").await;
    assert_eq!(to.status, 303, "{}", to.text());
    let back = idp.log_in(to.header("location"), json!({ "sub": "ann", "email": "ann@example.com" }));
    assert_eq!(visit_from("cross-site", &ann.on(1), &back).await.status, 303);
    for round in 0..5 {
        provider.advance(&place, 290);
        assert_eq!(ann.refresh().await.status, 200);
        provider.advance(&place, 290);
        assert_eq!(ann.refresh().await.status, 200);
        idp.asked();
        let calls = (0..24).map(|call| {
            let tab = ann.on(call);
            async move { tab.fetch("GET", "/drive/files", None).await }
        });
        for answer in join_all(calls).await {
            assert_eq!(answer.status, 200, "{round}: {}", answer.text());
        }
        let arrived = nodes.echo.take();
        let tokens: BTreeSet<_> = arrived.iter().filter_map(|one| one.header("authorization")).collect();
        assert_eq!((arrived.len(), tokens.len()), (24, 1), "{round}");
        let renewals = idp.asked().iter().filter(|path| *path == "/token").count();
        assert_eq!(renewals, 1, "{round}");
        for token in tokens {
            nodes.watch.secret(token.strip_prefix("Bearer ").unwrap());
        }
    }
    place.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_calls_one_renews_on_sqlite() {
    let provider = Provider::start().await;
    let place = Place::on_sqlite(&provider.config()).await;
    of_many_calls_on_all_nodes_one_renews(provider, place).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_calls_on_three_nodes_one_renews_on_postgres() {
    let provider = Provider::start().await;
    let place = Place::on_postgres(&provider.config()).await;
    of_many_calls_on_all_nodes_one_renews(provider, place).await;
}
