//! Durable refresh rotations beside raw commits of the same database on the same disk.

mod raw_postgres;
mod raw_sqlite;
mod use_case;
mod whole_store;

use super::Part;
use crate::context::Context;
use crate::figure::{Figure, Goal};
use crate::tools::Tool;
use anyhow::{Result, anyhow};
use cloakroom_store::{Postgres, Sqlite};
use raw_postgres::RawPostgres;
use raw_sqlite::RawSqlite;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use use_case::UseCase;
use whole_store::WholeStore;

pub(super) const SQLITE: Part = Part {
    name: "rotations",
    title: "Durable refresh rotations per second, SQLite",
    how: "Refresh: `App::refresh` with the access token that has to come along, on a file. Store: `Store::commit` of the same \
          units. Raw: SQLite as such, one thread that puts up to 256 waiting requests into one transaction, each one UPDATE of \
          a row of 400 bytes and one INSERT of an audit row (WAL, `synchronous = FULL`, automatic checkpoints, prepared \
          statements, no savepoints, no reads, nothing signed). All on the disk of the repository and on the same runtime; a \
          task asks for its next rotation as soon as it has the answer to its last.",
    tools: &[],
    builds: false,
    is_long: false,
    run: on_sqlite,
};

pub(super) const POSTGRES: Part = Part {
    name: "rotations-postgres",
    title: "Durable refresh rotations per second, Postgres",
    how: "The same on Postgres (`fsync` and `synchronous_commit` on, a server of its own on the disk of the repository, on \
          the same processors). Raw: tokio-postgres with as many connections as the store has (16), prepared statements, and \
          for each rotation one transaction of one UPDATE of a row of 400 bytes and one INSERT of an audit row, sent at \
          once (`BEGIN`, both, `COMMIT`) as the store sends its units, without the plpgsql function that judges what was \
          expected; or the UPDATE alone, which commits by itself. Nothing is read first and nothing signed.",
    tools: &[Tool::Postgres],
    builds: false,
    is_long: false,
    run: on_postgres,
};

/// Something that rotates, many times at once.
trait Rotates: Send + Sync + 'static {
    /// One durable rotation of the session of one task. No two calls for one task run at once.
    fn rotate(&self, task: usize) -> impl Future<Output = Result<()>> + Send;
}

/// How many tasks at once.
const TASKS: [usize; 3] = [1, 64, 256];

/// What is measured beside each other.
struct Sides<R> {
    /// UPDATE and audit row.
    pair: Arc<R>,
    /// The UPDATE alone.
    update: Arc<R>,
    store: Arc<WholeStore>,
    refresh: Arc<UseCase>,
}

fn most() -> usize {
    TASKS.into_iter().max().unwrap_or(1)
}

fn on_sqlite(cx: &Context) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let file = |name: &str| anyhow::Ok(Arc::new(Sqlite::open(&cx.folder(name)?.join("cloakroom.db"))?));
    let sides = Sides {
        pair: Arc::new(RawSqlite::start(&cx.folder("rotations-raw")?, most(), true)?),
        update: Arc::new(RawSqlite::start(&cx.folder("rotations-update")?, most(), false)?),
        store: Arc::new(runtime.block_on(WholeStore::open(file("rotations-store")?, most()))?),
        refresh: Arc::new(runtime.block_on(UseCase::open(file("rotations-refresh")?, most()))?),
    };
    measure(&runtime, &sides, cx.pick(4, 7), Duration::from_millis(cx.pick(400, 1000)))
}

fn on_postgres(cx: &Context) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let server = crate::postgres::Postgres::start(cx, "rotations-postgres")?;
    let sides = runtime.block_on(async {
        let url = server.database("raw")?;
        let open =
            async |name| anyhow::Ok(Arc::new(Postgres::open(&server.database(name)?, Postgres::CONNECTIONS).await?));
        anyhow::Ok(Sides {
            pair: Arc::new(RawPostgres::start(&url, "pair", most(), true).await?),
            update: Arc::new(RawPostgres::start(&url, "alone", most(), false).await?),
            store: Arc::new(WholeStore::open(open("store").await?, most()).await?),
            refresh: Arc::new(UseCase::open(open("refresh").await?, most()).await?),
        })
    })?;
    measure(&runtime, &sides, cx.pick(3, 5), Duration::from_millis(cx.pick(400, 1000)))
}

fn measure<R: Rotates>(runtime: &Runtime, sides: &Sides<R>, rounds: usize, time: Duration) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for tasks in TASKS {
        let mut rates: [Vec<f64>; 4] = Default::default();
        for round in 0..rounds {
            for turn in 0..rates.len() {
                // Everybody goes first now and then.
                let side = (turn + round) % rates.len();
                let rate = match side {
                    0 => runtime.block_on(rate(&sides.pair, tasks, time)),
                    1 => runtime.block_on(rate(&sides.update, tasks, time)),
                    2 => runtime.block_on(rate(&sides.store, tasks, time)),
                    _ => runtime.block_on(rate(&sides.refresh, tasks, time)),
                };
                rates[side].push(rate?);
            }
        }
        let [pair, update, store, refresh] = rates;
        let name = |what: &str| format!("{what}, {tasks} at once");
        figures.push(Figure::ratio(&name("refresh"), "/s", &refresh, &pair).goal(Goal::AtLeast(0.6)));
        figures.push(Figure::ratio(&name("store"), "/s", &store, &pair).goal(Goal::AtLeast(0.6)));
        let alone = "for information: without the audit row, which a rotation does write";
        let against = [("refresh, against the UPDATE alone", &refresh), ("store, against the UPDATE alone", &store)];
        for (what, ours) in against {
            figures.push(Figure::ratio(&name(what), "/s", ours, &update).note(alone));
        }
    }
    runtime.block_on(async {
        sides.store.close().await;
        sides.refresh.close().await;
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
