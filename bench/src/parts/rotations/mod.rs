//! Durable refresh rotations beside raw SQLite commits on the same disk.

mod raw;
mod use_case;
mod whole_store;

use super::Part;
use crate::context::Context;
use crate::figure::{Figure, Goal};
use anyhow::{Result, anyhow};
use raw::Raw;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use use_case::UseCase;
use whole_store::WholeStore;

pub(super) const PART: Part = Part {
    name: "rotations",
    title: "Durable refresh rotations per second",
    how: "Refresh: `App::refresh` with the access token that has to come along, on a file. Store: `Store::commit` of the same \
          units. Raw: SQLite as such, one thread that puts up to 256 waiting requests into one transaction, each one UPDATE of \
          a row of 400 bytes and one INSERT of an audit row (WAL, `synchronous = FULL`, automatic checkpoints, prepared \
          statements, no savepoints, no reads, nothing signed). All on the disk of the repository and on the same runtime; a \
          task asks for its next rotation as soon as it has the answer to its last.",
    needs_tools: false,
    builds: false,
    is_long: false,
    run,
};

/// Something that rotates, many times at once.
trait Rotates: Send + Sync + 'static {
    /// One durable rotation of the session of one task. No two calls for one task run at once.
    fn rotate(&self, task: usize) -> impl Future<Output = Result<()>> + Send;
}

/// How many tasks at once.
const TASKS: [usize; 3] = [1, 64, 256];

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let most = TASKS.into_iter().max().unwrap_or(1);
    let pair = Arc::new(Raw::start(&cx.folder("rotations-raw")?, most, true)?);
    let update = Arc::new(Raw::start(&cx.folder("rotations-update")?, most, false)?);
    let store = Arc::new(runtime.block_on(WholeStore::open(&cx.folder("rotations-store")?, most))?);
    let refresh = Arc::new(runtime.block_on(UseCase::open(&cx.folder("rotations-refresh")?, most))?);

    let time = Duration::from_millis(cx.pick(400, 1500));
    let mut figures = Vec::new();
    for tasks in TASKS {
        let mut rates: [Vec<f64>; 4] = Default::default();
        for round in 0..cx.pick(4, 7) {
            for turn in 0..rates.len() {
                // Everybody goes first now and then.
                let side = (turn + round) % rates.len();
                let rate = match side {
                    0 => runtime.block_on(rate(&pair, tasks, time)),
                    1 => runtime.block_on(rate(&update, tasks, time)),
                    2 => runtime.block_on(rate(&store, tasks, time)),
                    _ => runtime.block_on(rate(&refresh, tasks, time)),
                };
                rates[side].push(rate?);
            }
        }
        let [pair, update, store, refresh] = rates;
        let name = |what: &str| format!("{what}, {tasks} at once");
        figures.push(Figure::ratio(&name("refresh"), "/s", &refresh, &pair).goal(Goal::AtLeast(0.6)));
        figures.push(Figure::ratio(&name("store"), "/s", &store, &pair).goal(Goal::AtLeast(0.6)));
        figures.push(
            Figure::ratio(&name("refresh, against the UPDATE alone"), "/s", &refresh, &update)
                .note("for information: without the audit row, which a rotation does write"),
        );
    }
    runtime.block_on(async {
        store.close().await;
        refresh.close().await;
    });
    Ok(figures)
}

/// Rotations per second of so many tasks at once.
async fn rate<R: Rotates>(side: &Arc<R>, tasks: usize, time: Duration) -> Result<f64> {
    let started = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let side = Arc::clone(side);
            tokio::spawn(async move {
                let mut done = 0_u64;
                while started.elapsed() < time {
                    side.rotate(task).await?;
                    done += 1;
                }
                Ok::<_, anyhow::Error>(done)
            })
        })
        .collect();
    let mut all = 0;
    for task in running {
        all += task.await.map_err(|error| anyhow!("{error}"))??;
    }
    Ok(all as f64 / started.elapsed().as_secs_f64())
}
