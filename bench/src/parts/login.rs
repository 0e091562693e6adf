//! Log-in beside the bare Argon2id of the same parameters.

use super::{Part, house};
use crate::context::Context;
use crate::figure::{Figure, Goal};
use crate::rounds::in_turns;
use crate::server::PASSWORD;
use anyhow::{Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use cloakroom_app::Hashing;
use cloakroom_store::{Sqlite, Store};
use std::sync::Arc;
use std::time::Instant;

pub(super) const PART: Part = Part {
    name: "login",
    title: "Log-in",
    how: "`App::log_in` with the default parameters on a file, from a device that the account knows (account and devices \
          looked up, the attempt counted and committed durably before anything is compared, password compared on its pool, \
          session, device and audit row committed durably, tokens signed), beside Argon2id with the same parameters in memory that is used again, \
          one at a time.",
    tools: &[],
    builds: false,
    is_long: false,
    run,
};

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(&cx.folder("login")?.join("cloakroom.db"))?);
    let app = runtime.block_on(house::open(Arc::clone(&store), ""))?;
    let (mut visitor, _) = runtime.block_on(house::enter(&app))?;
    let mut bare = Bare::new(app.settings().hashing)?;
    runtime.block_on(visitor.log_in(&app))?;
    bare.hash()?;

    let ours = || millis(|| runtime.block_on(visitor.log_in(&app)).map(drop));
    let theirs = || millis(|| bare.hash());
    let (ours, theirs) = in_turns(cx.pick(30, 200), ours, theirs)?;
    let commits =
        (0..cx.pick(30, 100)).map(|_| millis(|| runtime.block_on(commit(&*store)))).collect::<Result<Vec<_>>>()?;
    runtime.block_on(store.close());
    Ok(vec![
        Figure::ratio("log-in", "ms", &ours, &theirs).goal(Goal::AtMost(1.03)),
        Figure::absolute("one durable commit on this disk", "ms", &commits)
            .note("for information: a log-in contains two"),
    ])
}

async fn commit(store: &dyn Store) -> Result<()> {
    let event = cloakroom_core::event::Event {
        id: cloakroom_core::id::EventId::from_bytes(cloakroom_jose::random()?),
        at: cloakroom_core::time::Timestamp::from_unix_seconds(0),
        kind: cloakroom_core::event::EventKind::LoginSucceeded,
        account: None,
        session: None,
        key: None,
    };
    Ok(store.commit(cloakroom_store::Order::Record(event).into()).await?)
}

fn millis(run: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    run()?;
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}

/// Argon2id and nothing else.
struct Bare {
    argon2: Argon2<'static>,
    memory: Vec<Block>,
}

impl Bare {
    fn new(hashing: Hashing) -> Result<Self> {
        let params =
            Params::new(hashing.memory_kib, hashing.passes, 1, Some(32)).map_err(|error| anyhow!("{error}"))?;
        let memory = vec![Block::default(); params.block_count()];
        Ok(Self { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), memory })
    }

    fn hash(&mut self) -> Result<()> {
        let mut output = [0; 32];
        let (password, salt) = (PASSWORD.as_bytes(), b"0123456789abcdef");
        let done = self.argon2.hash_password_into_with_memory(password, salt, &mut output, &mut self.memory);
        std::hint::black_box(output);
        done.map_err(|error| anyhow!("{error}"))
    }
}
