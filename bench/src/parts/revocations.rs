//! What a revocation costs in memory.

use super::{Part, house};
use crate::context::Context;
use crate::figure::{Figure, Goal};
use crate::resident;
use anyhow::{Result, anyhow, ensure};
use cloakroom_core::access::Revocation;
use cloakroom_core::id::SessionId;
use cloakroom_core::time::{Lifetime, Timestamp};
use cloakroom_jose::random;
use cloakroom_store::{Order, Sqlite, Store, Unit};
use std::path::Path;
use std::sync::Arc;

pub(super) const PART: Part = Part {
    name: "revocations",
    title: "Memory of revocations",
    how: "100 000 sessions are revoked in the feed of a store on a file, and an `App` reads them. Counted is the memory that it \
          asked the allocator for and has not given back; beside it, by how much the process grew.",
    needs_tools: false,
    builds: false,
    is_long: false,
    run,
};

const ENTRIES: u32 = 100_000;

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let rounds = cx.pick(1, 3);
    let (mut asked, mut grown) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (bytes, growth) = one_round(&cx.folder("revocations")?)?;
        asked.push(bytes);
        grown.push(growth);
    }
    Ok(vec![
        Figure::absolute("allocated per entry", "bytes", &asked).goal(Goal::AtMost(150.0)),
        Figure::absolute("growth of the process per entry", "bytes", &grown)
            .note("for information: with what SQLite keeps of the file, and less what was free from earlier rounds"),
    ])
}

fn one_round(folder: &Path) -> Result<(f64, f64)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.join("cloakroom.db"))?);
    let app = runtime.block_on(house::open(Arc::clone(&store), ""))?;
    runtime.block_on(revoke(&*store, app.clock().now()))?;
    let before = resident::of("self").all;
    let mut read = Ok(());
    let counted = allocation_counter::measure(|| read = runtime.block_on(app.follow_feed()));
    read.map_err(|fault| anyhow!("{fault}"))?;
    let growth = resident::of("self").all - before;
    ensure!(app.revocations_held() == ENTRIES as usize, "{} entries are held", app.revocations_held());
    runtime.block_on(store.close());
    Ok((counted.bytes_current as f64 / f64::from(ENTRIES), growth / f64::from(ENTRIES)))
}

async fn revoke(store: &dyn Store, now: Timestamp) -> Result<()> {
    let until = now.plus(Lifetime::from_secs(300));
    for _ in 0..ENTRIES / 1000 {
        let mut unit = Unit::new();
        for _ in 0..1000 {
            let entry = Revocation::Session(SessionId::from_bytes(random()?));
            unit.push(Order::Revoke { entry, until });
        }
        store.commit(unit).await?;
    }
    Ok(())
}
