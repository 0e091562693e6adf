//! What happens in the world, told to the stage as it happens: requests on the wire, what arrived at the attacker's collector,
//! and the bank's audit log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use cloakroom_lab_report::Exchange;
use cloakroom_lab_victims::Deed;
use serde_json::json;

use super::feed::Feed;
use crate::world::{LOOT, World};

/// Follows until the world ends.
pub(super) async fn follow(world: Arc<World>, feed: Arc<Feed>) {
    let began = Instant::now();
    let (mut wire, mut deeds) = (world.wire.watch(), world.bank.watch());
    let (mut at, mut seq) = (world.wire.mark(), 0);
    let mut waiting: Vec<Deed> = Vec::new();
    // By request: whether it came from the attacker's own machine.
    let mut known: HashMap<String, bool> = HashMap::new();
    loop {
        let more = tokio::select! {
            more = wire.changed() => more,
            more = deeds.changed() => more,
        };
        if more.is_err() {
            return;
        }
        let told = seq;
        let fresh: Vec<_> = world.bank.deeds().into_iter().filter(|deed| deed.seq > told).collect();
        seq = fresh.last().map_or(seq, |deed| deed.seq);
        waiting.extend(fresh);
        let arrived = world.wire.since(at, |_| true);
        known.extend(arrived.iter().map(|seen| (seen.id.clone(), seen.from_elsewhere)));
        // A deed is written down before its request has been answered and recorded; only then it is known whence it came.
        waiting.retain(|deed| match known.get(&deed.request) {
            None if !deed.request.is_empty() => true,
            elsewhere => {
                let elsewhere = elsewhere.copied().unwrap_or(false);
                let what = json!({ "account": deed.account, "what": deed.what, "strategy": deed.strategy, "elsewhere": elsewhere });
                feed.say("deed", &what);
                false
            }
        });
        for exchange in world.wire.evidence(at, began).into_iter().take(arrived.len()) {
            at += 1;
            if let Some(loot) = collected(&exchange) {
                feed.say("loot", &json!(loot));
            }
            feed.say("wire", &json!(exchange));
        }
    }
}

/// What the attacker's collector got by a request, if it went there.
fn collected(exchange: &Exchange) -> Option<String> {
    let (_, rest) = exchange.url.split_once(LOOT)?;
    let query = rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).trim_start_matches('?');
    (exchange.server == "attacker" && exchange.method != "OPTIONS").then(|| format!("{query}{}", exchange.body))
}
