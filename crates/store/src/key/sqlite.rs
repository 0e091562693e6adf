//! The key ring in SQLite. Triggers of the schema count its changes, so that one made by hand is noticed as well.

use crate::Error;
use crate::sqlite::statement::{all, change, expect, insert, one};
use crate::sqlite::value::{Cells, bytes, id, instant, maybe, text, whole};
use cloakroom_core::id::KeyId;
use cloakroom_core::keyring::{KeyRecord, Purpose};
use cloakroom_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

macro_rules! columns {
    () => {
        "id, purpose, algorithm, sealed, made_at, active_from, withdrawn_at"
    };
}

pub(crate) fn keys(connection: &Connection) -> Result<Vec<KeyRecord>, Error> {
    all(connection, concat!("SELECT ", columns!(), " FROM ring_key ORDER BY made_at, id"), [], read)
}

pub(crate) fn keys_version(connection: &Connection) -> Result<u64, Error> {
    let version =
        one(connection, "SELECT version FROM ring", [], |row| Cells::new(row, "ring", "version").take(whole))?;
    version.ok_or_else(|| Error::Corrupt { table: "ring", column: "version", row: "1".to_owned() })
}

pub(crate) fn expect_version(connection: &Connection, version: u64) -> Result<(), Error> {
    // A version that is too large for a cell was never given out.
    let version = i64::try_from(version).map_err(|_| Error::Conflict)?;
    expect(connection, "SELECT 1 FROM ring WHERE version = ?1", [version])
}

pub(crate) fn add(connection: &Connection, key: &KeyRecord) -> Result<(), Error> {
    insert(
        connection,
        concat!("INSERT INTO ring_key (", columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
        params![
            key.id.as_bytes(),
            key.purpose.as_str(),
            key.algorithm,
            key.sealed,
            key.made_at.millis(),
            key.active_from.millis(),
            key.withdrawn_at.map(Timestamp::millis),
        ],
    )
}

pub(crate) fn withdraw(connection: &Connection, key: KeyId, at: Timestamp) -> Result<(), Error> {
    change(
        connection,
        "UPDATE ring_key SET withdrawn_at = ?2 WHERE id = ?1 AND withdrawn_at IS NULL",
        params![key.as_bytes(), at.millis()],
    )
}

pub(crate) fn delete(connection: &Connection, key: KeyId) -> Result<(), Error> {
    change(connection, "DELETE FROM ring_key WHERE id = ?1", [key.as_bytes()])
}

fn read(row: &Row<'_>) -> Result<KeyRecord, Error> {
    let mut cells = Cells::new(row, "ring_key", columns!());
    Ok(KeyRecord {
        id: KeyId::from_bytes(cells.take(id)?),
        purpose: cells.take(|value| Purpose::from_text(text(value)?))?,
        algorithm: cells.take(text)?.to_owned(),
        sealed: cells.take(bytes)?.to_owned(),
        made_at: cells.take(instant)?,
        active_from: cells.take(instant)?,
        withdrawn_at: cells.take(maybe(instant))?,
    })
}
