//! Postgres as such: the least that a durable rotation can cost on this server.

use super::Rotates;
use super::raw_sqlite::id;
use crate::postgres::connect;
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join4;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Semaphore;
use tokio_postgres::{Client, Statement};

const AT: i64 = 1_800_000_000_000;

/// As many connections as the store uses.
pub(super) struct RawPostgres {
    free: Mutex<Vec<Connection>>,
    count: Semaphore,
}

struct Connection {
    client: Client,
    update: Statement,
    /// Of the audit row, where one is written.
    insert: Option<Statement>,
}

impl RawPostgres {
    /// In tables of its own, whose names begin so.
    pub(super) async fn start(url: &str, name: &str, rows: usize, with_event: bool) -> Result<Self> {
        let client = connect(url).await?;
        // With room in every page, as the store's table has.
        let tables = format!(
            "CREATE TABLE {name}_session (
                 id BYTEA PRIMARY KEY, rest TEXT NOT NULL, generation BIGINT NOT NULL, rotated_at BIGINT NOT NULL
             ) WITH (fillfactor = 70);
             CREATE TABLE {name}_event (
                 seq BIGSERIAL PRIMARY KEY, id BYTEA NOT NULL, at BIGINT NOT NULL, kind TEXT NOT NULL, account BYTEA, session BYTEA
             );"
        );
        client.batch_execute(&tables).await?;
        // With id, generation and instant: 400 bytes.
        let rest = "x".repeat(370);
        for row in 0..rows {
            let sql = format!("INSERT INTO {name}_session VALUES ($1, $2, 0, 0)");
            client.execute(&sql, &[&id(row).as_slice(), &rest]).await?;
        }
        let mut free = Vec::new();
        for _ in 0..cloakroom_store::Postgres::CONNECTIONS {
            let client = connect(url).await?;
            let update =
                format!("UPDATE {name}_session SET generation = generation + 1, rotated_at = $2 WHERE id = $1");
            let insert =
                format!("INSERT INTO {name}_event (id, at, kind, account, session) VALUES ($1, $2, $3, $1, $1)");
            let update = client.prepare(&update).await?;
            let insert = if with_event { Some(client.prepare(&insert).await?) } else { None };
            free.push(Connection { client, update, insert });
        }
        Ok(Self { count: Semaphore::new(free.len()), free: Mutex::new(free) })
    }
}

impl Rotates for RawPostgres {
    async fn rotate(&self, task: usize) -> Result<()> {
        let _place = self.count.acquire().await?;
        let taken = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = taken.context("fewer connections than places")?;
        let done = connection.rotate(&id(task)).await;
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        done
    }
}

impl Connection {
    async fn rotate(&self, id: &[u8]) -> Result<()> {
        let Self { client, update, insert } = self;
        let changed = match insert {
            None => client.execute(update, &[&id, &AT]).await?,
            Some(insert) => {
                // Each is sent when it is first polled, which happens in this order.
                let ((), changed, _, ()) = try_join4(
                    client.batch_execute("BEGIN"),
                    client.execute(update, &[&id, &AT]),
                    client.execute(insert, &[&id, &AT, &"refresh.rotated"]),
                    client.batch_execute("COMMIT"),
                )
                .await?;
                changed
            }
        };
        ensure!(changed == 1, "no such row");
        Ok(())
    }
}
