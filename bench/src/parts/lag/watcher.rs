//! Somebody who asks one node over and over, until it refuses.

use super::PATIENCE;
use crate::http::Client;
use anyhow::{Context as _, Result, bail, ensure};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;
use std::time::{Duration, Instant};

/// One session to watch.
pub(super) struct Job {
    pub(super) request: Vec<u8>,
    /// Told once, when the node has answered 200.
    pub(super) known: Sender<Result<()>>,
    /// Told once: when the first 401 had arrived.
    pub(super) refused: Sender<Result<Instant>>,
}

/// Ends when it is dropped.
pub(super) struct Watcher(Sender<Job>);

impl Watcher {
    pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>, door: SocketAddr) -> Result<Self> {
        let mut client = Client::connect(door)?;
        let (outbox, inbox): (_, Receiver<Job>) = channel();
        scope.spawn(move || {
            for job in inbox {
                // Who asked is gone when this cannot be told.
                let known = watch(&mut client, &job.request, 200);
                let failed = known.is_err();
                let _ = job.known.send(known.map(drop));
                if failed {
                    return;
                }
                let _ = job.refused.send(watch(&mut client, &job.request, 401));
            }
        });
        Ok(Self(outbox))
    }

    pub(super) fn watch(&self, job: Job) -> Result<()> {
        self.0.send(job).ok().context("a watcher gave up")
    }
}

/// Asks until it is answered so; before, it may be answered 200 only. Says when.
fn watch(client: &mut Client, request: &[u8], wanted: u16) -> Result<Instant> {
    let started = Instant::now();
    loop {
        ensure!(started.elapsed() < PATIENCE, "a watched session was never answered {wanted}");
        let status = client.send(request)?.status;
        let at = Instant::now();
        match status {
            status if status == wanted => return Ok(at),
            200 => {}
            other => bail!("a watched session was answered {other}"),
        }
        #[expect(clippy::disallowed_methods, reason = "a pace: the processors are left to what is measured")]
        std::thread::sleep(Duration::from_millis(1));
    }
}
