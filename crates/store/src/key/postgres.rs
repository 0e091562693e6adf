//! The key ring in Postgres. A trigger of the schema counts its changes, so that one made by hand is noticed as well.

use crate::Error;
use crate::postgres::statement::{Statement, statement};
use crate::postgres::value::{Cells, Value, id, instant, maybe, maybe_millis, millis, whole};
use cloakroom_core::id::KeyId;
use cloakroom_core::keyring::{KeyRecord, Purpose};
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;

macro_rules! columns {
    () => {
        "id, purpose, algorithm, sealed, made_at, active_from, withdrawn_at"
    };
}

pub(crate) fn keys() -> Statement {
    statement(concat!("SELECT ", columns!(), " FROM cloakroom.ring_key ORDER BY made_at, id"), [])
}

pub(crate) fn keys_version() -> Statement {
    statement("SELECT version FROM cloakroom.ring", [])
}

/// Under the lock of the ring ([`lock`]), so that no change can come before this unit is done.
pub(crate) fn expect_version(version: u64) -> Statement {
    // A version that is too large for a cell was never given out, and neither was -1.
    let version = i64::try_from(version).unwrap_or(-1);
    statement("SELECT cloakroom.expect(count(*)) FROM cloakroom.ring WHERE version = $1", [Value::Whole(version)])
}

/// Taken by a unit that asks for the ring's version or changes it, before anything that it locks by changing it.
pub(crate) fn lock() -> Statement {
    statement("SELECT 1 FROM cloakroom.ring FOR UPDATE", [])
}

pub(crate) fn add(key: &KeyRecord) -> Statement {
    statement(
        concat!(
            "WITH added AS (INSERT INTO cloakroom.ring_key (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING 1)
             SELECT cloakroom.expect(count(*)) FROM added"
        ),
        [
            Value::Id(*key.id.as_bytes()),
            Value::Text(key.purpose.as_str().to_owned()),
            Value::Text(key.algorithm.clone()),
            Value::Bytes(key.sealed.clone()),
            millis(key.made_at),
            millis(key.active_from),
            maybe_millis(key.withdrawn_at),
        ],
    )
}

pub(crate) fn withdraw(key: KeyId, at: Timestamp) -> Statement {
    statement(
        "WITH changed AS (UPDATE cloakroom.ring_key SET withdrawn_at = $2
                          WHERE id = $1 AND withdrawn_at IS NULL RETURNING 1)
         SELECT cloakroom.expect(count(*)) FROM changed",
        [Value::Id(*key.as_bytes()), millis(at)],
    )
}

pub(crate) fn delete(key: KeyId) -> Statement {
    statement(
        "WITH deleted AS (DELETE FROM cloakroom.ring_key WHERE id = $1 RETURNING 1)
         SELECT cloakroom.expect(count(*)) FROM deleted",
        [Value::Id(*key.as_bytes())],
    )
}

pub(crate) fn read(row: &Row) -> Result<KeyRecord, Error> {
    let mut cells = Cells::new(row, "ring_key", columns!());
    Ok(KeyRecord {
        id: KeyId::from_bytes(cells.take(id)?),
        purpose: cells.take(Purpose::from_text)?,
        algorithm: cells.take(Some::<String>)?,
        sealed: cells.take(Some::<Vec<u8>>)?,
        made_at: cells.take(instant)?,
        active_from: cells.take(instant)?,
        withdrawn_at: cells.take(maybe(instant))?,
    })
}

pub(crate) fn read_version(row: &Row) -> Result<u64, Error> {
    Cells::new(row, "ring", "version").take(whole)
}
