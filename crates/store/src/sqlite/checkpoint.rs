//! Moving the write-ahead log into its place, on a thread of its own, so that no commit waits for it.
//!
//! The log starts over only when all of it has been moved and nobody is writing, which under a steady load never
//! happens by itself. So when the log has become long, the writer moves the little that its last commits added,
//! and its next commit starts the log over.

use super::connection::checkpointer;
use super::statement::{driver, one};
use crate::{Error, Outage};
use rusqlite::Connection;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// When to do something about the log, in pages of 4096 bytes.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// As many that are not moved yet are worth waking the thread.
    pub(super) worthwhile: i64,
    /// From this length on the log is made to start over, as soon as the thread has moved most of it.
    pub(super) long: i64,
    /// From this length on the writer moves everything itself: the thread does not keep up.
    pub(super) too_long: i64,
}

impl Limits {
    /// 4 MB as is SQLite's own default, 64 MB, 128 MB.
    pub(super) const USUAL: Self = Self { worthwhile: 1000, long: 16_384, too_long: 32_768 };
}

/// The thread that moves the log.
pub(super) struct Checkpoints {
    limits: Limits,
    wake: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    pub(super) fn begin(path: &Path, limits: Limits) -> Result<Self, Error> {
        let connection = checkpointer(path)?;
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&connection, &woken))
            .map_err(|error| Error::Unavailable(Outage::Io(error.to_string())))?;
        Ok(Self { limits, wake, thread })
    }

    /// Called by the writer, with its own connection, when it has committed and answered.
    pub(super) fn tend(&self, writer: &Connection) -> Result<(), Error> {
        let log = log(writer, "PRAGMA wal_checkpoint(NOOP)")?;
        let (limits, waiting) = (self.limits, log.pages - log.moved);
        if log.pages >= limits.too_long || (log.pages >= limits.long && (1..limits.worthwhile).contains(&waiting)) {
            self::log(writer, "PRAGMA wal_checkpoint(PASSIVE)")?;
        } else if waiting >= limits.worthwhile {
            // When it is full, the thread has been woken and has not looked yet.
            let _ = self.wake.try_send(());
        }
        Ok(())
    }

    /// Lets the thread finish what it is at, and waits for that.
    pub(super) fn end(self) {
        drop(self.wake);
        if self.thread.join().is_err() {
            tracing::error!("the checkpoint thread of the store had panicked");
        }
    }
}

/// Moves all of the log and empties it, as far as other processes let it.
pub(super) fn empty(writer: &Connection) -> Result<(), Error> {
    log(writer, "PRAGMA wal_checkpoint(TRUNCATE)").map(|_| ())
}

fn run(connection: &Connection, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        if let Err(error) = log(connection, "PRAGMA wal_checkpoint(PASSIVE)") {
            tracing::warn!(%error, "the store's log could not be moved into its place; it grows until it can be");
        }
    }
}

/// How long the log is, in pages; -1 where there is none.
pub(super) struct Log {
    pub(super) pages: i64,
    pub(super) moved: i64,
}

pub(super) fn log(connection: &Connection, pragma: &'static str) -> Result<Log, Error> {
    let log = one(connection, pragma, [], |row| {
        Ok(Log { pages: row.get(1).map_err(driver)?, moved: row.get(2).map_err(driver)? })
    })?;
    log.ok_or_else(|| Error::Fault("a checkpoint without an answer".to_owned()))
}
