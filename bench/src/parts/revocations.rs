//! What revocations that are alive cost: memory for each, and time at every verification.

use super::Part;
use super::house::{self, House, access_of, is_good};
use crate::context::Context;
use crate::figure::{Figure, Goal};
use crate::resident;
use crate::rounds::nanoseconds;
use anyhow::{Context as _, Result, anyhow, ensure};
use cloakroom_app::token::Credential;
use cloakroom_core::access::Revocation;
use cloakroom_core::id::SessionId;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::{MasterKey, random};
use cloakroom_store::{Order, Sqlite, Store, Unit};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

pub(super) const PART: Part = Part {
    name: "revocations",
    title: "Revocations alive: memory and verification",
    how: "One `App` makes tokens; then so many other sessions are revoked in the feed of its store, on a file; a second `App` \
          (another node, as it were) reads the feed. Memory: what that reading asked the allocator for and did not give \
          back, and by how much the process grew meanwhile. Verification: `App::authenticate_now` of the second one, with none, 10 000 \
          and 1 000 000 entries alive in rounds that take turns, right after they were read and before any sweep; a new token \
          is one that it never saw, so its signature is verified (EdDSA).",
    tools: &[],
    builds: false,
    is_long: false,
    run,
};

/// How many entries are alive.
const ALIVE: [(&str, u32); 3] = [("none", 0), ("10 000", 10_000), ("1 000 000", 1_000_000)];

/// Calls of one round.
const SEEN: u32 = 20_000;
const NEW: u32 = 64;

/// A node that has read a feed.
struct Node {
    house: House,
    store: Arc<dyn Store>,
    /// What the reading left allocated, and what the process grew by, in bytes.
    allocated: f64,
    grown: f64,
    tokens: std::vec::IntoIter<String>,
}

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let rounds = cx.pick(5, 31);
    let mut nodes = Vec::new();
    for (name, alive) in ALIVE {
        let folder = cx.folder(&format!("revocations-{alive}"))?;
        nodes.push(Node::open(&runtime, &folder, alive, rounds).with_context(|| format!("{name} alive"))?);
    }
    let mut seen: [Vec<f64>; ALIVE.len()] = Default::default();
    let mut new: [Vec<f64>; ALIVE.len()] = Default::default();
    let known: Vec<_> = nodes.iter_mut().filter_map(|node| node.tokens.next()).collect();
    for (node, token) in nodes.iter().zip(&known) {
        // A feed that took long to read is read once more before anybody is let in.
        let good = runtime.block_on(node.house.authenticate(Credential::Cookie(token)));
        good.map_err(|error| anyhow!("the first token: {error:?}"))?;
    }
    for round in 0..rounds {
        for turn in 0..nodes.len() {
            // Everybody goes first now and then.
            let which = (turn + round) % nodes.len();
            let Node { house, tokens, .. } = &mut nodes[which];
            let token = &known[which];
            ensure!(is_good(house, token), "the token is not good");
            seen[which].push(nanoseconds(SEEN, || assert!(is_good(house, black_box(token)))));
            let unseen = || assert!(tokens.next().is_some_and(|token| is_good(house, black_box(&token))));
            new[which].push(nanoseconds(NEW, unseen) / 1000.0);
        }
    }
    let mut figures = memory(&nodes);
    figures.extend(times(&seen, &new));
    for node in nodes {
        drop(node.house);
        runtime.block_on(node.store.close());
    }
    Ok(figures)
}

fn memory(nodes: &[Node]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (node, (name, alive)) in nodes.iter().zip(ALIVE).filter(|(_, (_, alive))| *alive > 0) {
        let each = |bytes: f64| [bytes / f64::from(alive)];
        figures.push(
            Figure::absolute(&format!("allocated per entry, {name} alive"), "bytes", &each(node.allocated))
                .goal(Goal::AtMost(150.0)),
        );
        figures.push(
            Figure::absolute(&format!("growth of the process per entry, {name} alive"), "bytes", &each(node.grown))
                .note("for information: with what SQLite keeps of the file, less what was free already"),
        );
    }
    figures
}

fn times(seen: &[Vec<f64>; ALIVE.len()], new: &[Vec<f64>; ALIVE.len()]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for ((name, _), taken) in ALIVE.iter().zip(seen) {
        figures
            .push(Figure::absolute(&format!("token seen before, {name} alive"), "ns", taken).goal(Goal::Below(1000.0)));
    }
    for (what, unit, taken) in [("token seen before", "ns", seen), ("new token", "µs", new)] {
        for which in 1..ALIVE.len() {
            let name = format!("{what}, {} alive, against none", ALIVE[which].0);
            figures.push(Figure::ratio(&name, unit, &taken[which], &taken[0]).note("for information"));
        }
    }
    figures
}

impl Node {
    fn open(runtime: &tokio::runtime::Runtime, folder: &Path, alive: u32, rounds: usize) -> Result<Self> {
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.join("cloakroom.db"))?);
        let master = MasterKey::generate()?;
        let same = MasterKey::from_text(&master.to_text())?;
        let settings = format!("{}[session]\naccess_for = \"1h\"\n", house::CHEAP_PASSWORDS);
        let tokens = runtime.block_on(async {
            let maker = house::open_quietly(Arc::clone(&store), &settings, master).await?;
            let (_, mut opened) = house::enter(&maker).await?;
            let mut tokens = Vec::new();
            while tokens.len() <= rounds * NEW as usize {
                let next = house::refresh(&maker, &opened).await?;
                tokens.push(access_of(std::mem::replace(&mut opened, next))?);
            }
            anyhow::Ok(tokens)
        })?;
        let app = runtime.block_on(house::open_quietly(Arc::clone(&store), &settings, same))?;
        runtime.block_on(revoke(&*store, app.clock().now(), alive))?;
        let before = resident::of("self").all;
        let mut read = Ok(());
        let counted = allocation_counter::measure(|| read = runtime.block_on(app.follow_feed()));
        read.map_err(|fault| anyhow!("{fault}"))?;
        let grown = resident::of("self").all - before;
        ensure!(app.revocations_held() == alive as usize, "{} entries are held", app.revocations_held());
        let house = runtime.block_on(async { house::follow(app) });
        Ok(Self { house, store, allocated: counted.bytes_current as f64, grown, tokens: tokens.into_iter() })
    }
}

async fn revoke(store: &dyn Store, now: Timestamp, entries: u32) -> Result<()> {
    // Longer than it takes to measure: no entry is forgotten meanwhile.
    let until = now.plus(Lifetime::from_secs(3600));
    for _ in 0..entries / 1000 {
        let mut unit = Unit::new();
        for _ in 0..1000 {
            let entry = Revocation::Session(SessionId::from_bytes(random()?));
            unit.push(Order::Revoke { entry, until });
        }
        store.commit(unit).await?;
    }
    Ok(())
}
