//! Random interleavings of a browser, a thief and several nodes on one store, with what must hold after every step.
//!
//! Every node is the use cases as the server has them (`cloakroom_app::App`), without sockets: those are in `tests/nodes`, and
//! every interleaving there is, on a model, in `dev/model`. A case that fails is shrunk to the fewest steps.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[cfg(feature = "postgres-tests")]
#[path = "../nodes/database.rs"]
mod database;
mod ground;
mod promise;
mod step;
mod world;

use cloakroom_store::{Sqlite, Store};
use ground::Ground;
use proptest::prelude::Strategy;
use proptest::test_runner::{Config, TestRunner};
use std::sync::Arc;
use step::Step;
use tokio::runtime::Runtime;
use world::World;

/// Tries this many sequences of steps, each in a world of its own.
fn try_out(cases: u32, steps: &impl Strategy<Value = Vec<Step>>, runtime: &Runtime, ground: &Ground) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let tried = TestRunner::new(config).run(steps, |steps| {
        runtime.block_on(async { World::begin(ground).await.live(&steps).await });
        Ok(())
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Three nodes beside each other on one SQLite store, as far as the use cases can tell.
fn on_sqlite() -> Ground {
    let store: Arc<dyn Store> = Arc::new(Sqlite::in_memory().unwrap());
    Ground::new(vec![Arc::clone(&store), Arc::clone(&store), store])
}

#[test]
fn on_sqlite_an_owner_alone_is_never_logged_out_and_always_finds_a_way_on() {
    try_out(64, &step::alone(), &runtime(), &on_sqlite());
}

#[test]
fn on_sqlite_a_thief_who_copied_the_jar_never_goes_on_beside_the_owner() {
    try_out(64, &step::with_a_thief(), &runtime(), &on_sqlite());
}

#[test]
fn an_issue_that_was_outdated_stays_so_however_often_the_owner_has_to_ask_again() {
    let again = |millis| [Step::Wait { millis }, Step::Refresh { node: 0, arrives: false }, Step::Follow { node: 1 }];
    let (runtime, ground) = (runtime(), on_sqlite());
    for millis in [100, 1500, 9900, 50_000] {
        let steps: Vec<_> = (0..8).flat_map(|_| again(millis)).collect();
        runtime.block_on(async { World::begin(&ground).await.live(&steps).await });
    }
}

#[cfg(feature = "postgres-tests")]
mod on_postgres {
    use super::*;
    use cloakroom_store::Postgres;
    use database::Database;

    /// Three nodes, each with connections of its own.
    async fn ground(database: &Database) -> Ground {
        let mut stores: Vec<Arc<dyn Store>> = Vec::new();
        for _ in 0..3 {
            stores.push(Arc::new(Postgres::open(database.url(), 4).await.unwrap()));
        }
        Ground::new(stores)
    }

    fn on_postgres(cases: u32, steps: &impl Strategy<Value = Vec<Step>>) {
        let runtime = runtime();
        let database = runtime.block_on(Database::new());
        let ground = runtime.block_on(ground(&database));
        try_out(cases, steps, &runtime, &ground);
        runtime.block_on(ground.close());
    }

    #[test]
    fn on_postgres_an_owner_alone_is_never_logged_out_and_always_finds_a_way_on() {
        on_postgres(24, &step::alone());
    }

    #[test]
    fn on_postgres_a_thief_who_copied_the_jar_never_goes_on_beside_the_owner() {
        on_postgres(24, &step::with_a_thief());
    }
}
