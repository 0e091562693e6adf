//! Slips in SQLite.

use super::{Slip, SlipKey, SlipKind};
use crate::Error;
use crate::sqlite::statement::{all, change, expect, insert, one, touch};
use crate::sqlite::value::{Cells, bytes, id, instant, maybe, text, whole};
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

macro_rules! columns {
    () => {
        "kind, key, account, version, due_at, expires_at, data"
    };
}

pub(crate) fn slip(connection: &Connection, kind: SlipKind, key: &SlipKey) -> Result<Option<Slip>, Error> {
    let sql = concat!("SELECT ", columns!(), " FROM slip WHERE kind = ?1 AND key = ?2");
    one(connection, sql, params![kind.as_str(), key.as_bytes()], read)
}

pub(crate) fn slips_of(
    connection: &Connection,
    account: AccountId,
    kind: SlipKind,
    limit: u32,
) -> Result<Vec<Slip>, Error> {
    let sql = concat!("SELECT ", columns!(), " FROM slip WHERE account = ?1 AND kind = ?2 ORDER BY key LIMIT ?3");
    all(connection, sql, params![account.as_bytes(), kind.as_str(), limit], read)
}

pub(crate) fn slips_due(
    connection: &Connection,
    kind: SlipKind,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Slip>, Error> {
    let sql =
        concat!("SELECT ", columns!(), " FROM slip WHERE kind = ?1 AND due_at <= ?2 ORDER BY due_at, key LIMIT ?3");
    all(connection, sql, params![kind.as_str(), now.millis(), limit], read)
}

pub(crate) fn add(connection: &Connection, slip: &Slip) -> Result<(), Error> {
    let sql = concat!("INSERT INTO slip (", columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    insert(connection, sql, params_from_iter(cells(slip)))
}

pub(crate) fn put(connection: &Connection, slip: &Slip) -> Result<(), Error> {
    let sql = concat!(
        "INSERT INTO slip (",
        columns!(),
        ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (kind, key) DO UPDATE
         SET account = ?3, version = ?4, due_at = ?5, expires_at = ?6, data = ?7"
    );
    insert(connection, sql, params_from_iter(cells(slip)))
}

pub(crate) fn change_to(connection: &Connection, expected: u32, next: &Slip) -> Result<(), Error> {
    change(
        connection,
        "UPDATE slip SET account = ?3, version = ?4, due_at = ?5, expires_at = ?6, data = ?7
         WHERE kind = ?1 AND key = ?2 AND version = ?8",
        params_from_iter(cells(next).into_iter().chain([Value::from(expected)])),
    )
}

pub(crate) fn remove(connection: &Connection, kind: SlipKind, key: &SlipKey, expected: u32) -> Result<(), Error> {
    let sql = "DELETE FROM slip WHERE kind = ?1 AND key = ?2 AND version = ?3";
    change(connection, sql, params![kind.as_str(), key.as_bytes(), expected])
}

pub(crate) fn remove_all(connection: &Connection, account: AccountId, kind: SlipKind) -> Result<(), Error> {
    let sql = "DELETE FROM slip WHERE account = ?1 AND kind = ?2";
    touch(connection, sql, params![account.as_bytes(), kind.as_str()])
}

pub(crate) fn expect_version(
    connection: &Connection,
    kind: SlipKind,
    key: &SlipKey,
    expected: Option<u32>,
) -> Result<(), Error> {
    // Without a version there must be no slip at all, and then there is none to compare.
    expect(
        connection,
        "SELECT 1 WHERE (SELECT version FROM slip WHERE kind = ?1 AND key = ?2) IS ?3",
        params![kind.as_str(), key.as_bytes(), expected],
    )
}

pub(crate) fn sweep(connection: &Connection, now: Timestamp) -> Result<(), Error> {
    touch(
        connection,
        "DELETE FROM slip WHERE rowid IN (
             SELECT rowid FROM slip WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        params![now.millis(), Slip::SWEPT_AT_ONCE],
    )
}

/// In the order of the columns.
fn cells(slip: &Slip) -> [Value; 7] {
    [
        Value::from(slip.kind.as_str().to_owned()),
        Value::from(slip.key.as_bytes().to_vec()),
        Value::from(slip.account.map(|id| id.as_bytes().to_vec())),
        Value::from(slip.version),
        Value::from(slip.due_at.map(Timestamp::millis)),
        Value::from(slip.expires_at.map(Timestamp::millis)),
        Value::from(slip.data.clone()),
    ]
}

fn read(row: &Row<'_>) -> Result<Slip, Error> {
    let mut cells = Cells::new(row, "slip", columns!());
    Ok(Slip {
        kind: cells.take(|value| SlipKind::from_text(text(value)?))?,
        key: cells.take(|value| SlipKey::new(bytes(value)?))?,
        account: cells.take(maybe(id))?.map(AccountId::from_bytes),
        version: cells.take(whole)?,
        due_at: cells.take(maybe(instant))?,
        expires_at: cells.take(maybe(instant))?,
        data: cells.take(|value| bytes(value).map(<[u8]>::to_vec))?,
    })
}
