//! SQLite as such, with group commit: the least that a durable rotation can cost on this disk.

use super::Rotates;
use anyhow::{Context as _, Result, anyhow};
use rusqlite::{Connection, params};
use std::path::Path;
use tokio::sync::{mpsc, oneshot};

/// At most this many requests in one transaction, as in the store.
const GROUP: usize = 256;

/// One writer thread. It ends when this is dropped.
pub(super) struct RawSqlite {
    outbox: mpsc::Sender<Request>,
}

struct Request {
    task: usize,
    reply: oneshot::Sender<()>,
}

impl RawSqlite {
    pub(super) fn start(folder: &Path, rows: usize, with_event: bool) -> Result<Self> {
        let connection = Connection::open(folder.join("raw.db"))?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE session (
                 id BLOB NOT NULL PRIMARY KEY, rest TEXT NOT NULL, generation INTEGER NOT NULL, rotated_at INTEGER NOT NULL
             ) STRICT, WITHOUT ROWID;
             CREATE TABLE event (
                 seq INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL,
                 account BLOB, session BLOB
             ) STRICT;",
        )?;
        // With id, generation and instant: 400 bytes.
        let rest = "x".repeat(370);
        for row in 0..rows {
            connection.execute("INSERT INTO session VALUES (?1, ?2, 0, 0)", params![id(row), rest])?;
        }
        let (outbox, inbox) = mpsc::channel(2 * GROUP);
        std::thread::Builder::new()
            .name("raw-writer".to_owned())
            .spawn(move || write(&connection, inbox, with_event))?;
        Ok(Self { outbox })
    }
}

impl Rotates for RawSqlite {
    async fn rotate(&self, task: usize) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.outbox.send(Request { task, reply }).await.map_err(|_| anyhow!("the raw writer is gone"))?;
        answer.await.context("the raw writer failed")
    }
}

fn write(connection: &Connection, mut inbox: mpsc::Receiver<Request>, with_event: bool) {
    while let Some(first) = inbox.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = inbox.try_recv()
        {
            group.push(next);
        }
        // Its callers see their replies dropped, and say so.
        if let Err(error) = commit(connection, &group, with_event) {
            eprintln!("raw SQLite: {error}");
            return;
        }
        for request in group {
            let _ = request.reply.send(());
        }
    }
}

fn commit(connection: &Connection, group: &[Request], with_event: bool) -> rusqlite::Result<()> {
    const AT: i64 = 1_800_000_000_000;
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for Request { task, .. } in group {
        let id = id(*task);
        connection
            .prepare_cached("UPDATE session SET generation = generation + 1, rotated_at = ?2 WHERE id = ?1")?
            .execute(params![id, AT])?;
        if with_event {
            connection
                .prepare_cached("INSERT INTO event (id, at, kind, account, session) VALUES (?1, ?2, ?3, ?1, ?1)")?
                .execute(params![id, AT, "refresh.rotated"])?;
        }
    }
    connection.prepare_cached("COMMIT")?.execute([]).map(drop)
}

/// Sixteen bytes, spread as random ones are.
pub(super) fn id(row: usize) -> [u8; 16] {
    (row as u128).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835).to_be_bytes()
}
