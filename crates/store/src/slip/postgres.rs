//! Slips in Postgres.

use super::{Slip, SlipKey, SlipKind};
use crate::Error;
use crate::postgres::statement::{Statement, statement};
use crate::postgres::value::{Cells, Value, id, instant, maybe, maybe_millis, millis, whole};
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;

macro_rules! columns {
    () => {
        "kind, key, account, version, due_at, expires_at, data"
    };
}

/// One row, unless it names an account that is not there. The account is locked as a reference to it locks it: so nobody
/// deletes it before this unit is done, and accounts are locked before slips.
macro_rules! row {
    () => {
        "(SELECT $1::text, $2::bytea, $3::bytea, $4::bigint, $5::bigint, $6::bigint, $7::bytea
          WHERE $3::bytea IS NULL OR EXISTS (SELECT FROM cloakroom.account WHERE id = $3 FOR KEY SHARE))"
    };
}

pub(crate) fn slip(kind: SlipKind, key: &SlipKey) -> Statement {
    let sql = concat!("SELECT ", columns!(), " FROM cloakroom.slip WHERE kind = $1 AND key = $2");
    statement(sql, name(kind, key))
}

pub(crate) fn slips_of(account: AccountId, kind: SlipKind, limit: u32) -> Statement {
    let sql =
        concat!("SELECT ", columns!(), " FROM cloakroom.slip WHERE account = $1 AND kind = $2 ORDER BY key LIMIT $3");
    statement(sql, [Value::Id(*account.as_bytes()), text(kind), Value::Whole(limit.into())])
}

pub(crate) fn slips_due(kind: SlipKind, now: Timestamp, limit: u32) -> Statement {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM cloakroom.slip WHERE kind = $1 AND due_at <= $2 ORDER BY due_at, key LIMIT $3"
    );
    statement(sql, [text(kind), millis(now), Value::Whole(limit.into())])
}

pub(crate) fn add(slip: &Slip) -> Statement {
    statement(
        concat!(
            "WITH added AS (INSERT INTO cloakroom.slip (",
            columns!(),
            ") ",
            row!(),
            " ON CONFLICT DO NOTHING RETURNING 1)
             SELECT cloakroom.expect(count(*)) FROM added"
        ),
        cells(slip),
    )
}

pub(crate) fn put(slip: &Slip) -> Statement {
    statement(
        concat!(
            "WITH put AS (INSERT INTO cloakroom.slip (",
            columns!(),
            ") ",
            row!(),
            " ON CONFLICT (kind, key) DO UPDATE
                  SET account = $3, version = $4, due_at = $5, expires_at = $6, data = $7 RETURNING 1)
             SELECT cloakroom.expect(count(*)) FROM put"
        ),
        cells(slip),
    )
}

pub(crate) fn change_to(expected: u32, next: &Slip) -> Statement {
    let sql = "WITH changed AS (
                   UPDATE cloakroom.slip
                   SET account = $3::bytea, version = $4, due_at = $5, expires_at = $6, data = $7
                   WHERE kind = $1 AND key = $2 AND version = $8
                     AND ($3::bytea IS NULL OR EXISTS (SELECT FROM cloakroom.account WHERE id = $3 FOR KEY SHARE))
                   RETURNING 1)
               SELECT cloakroom.expect(count(*)) FROM changed";
    let [kind, key, account, version, due_at, expires_at, data] = cells(next);
    statement(sql, [kind, key, account, version, due_at, expires_at, data, Value::Whole(expected.into())])
}

pub(crate) fn remove(kind: SlipKind, key: &SlipKey, expected: u32) -> Statement {
    let sql = "WITH removed AS (DELETE FROM cloakroom.slip WHERE kind = $1 AND key = $2 AND version = $3 RETURNING 1)
               SELECT cloakroom.expect(count(*)) FROM removed";
    let [kind, key] = name(kind, key);
    statement(sql, [kind, key, Value::Whole(expected.into())])
}

/// Under the lock of the account, so that what another unit has put in their place is seen.
pub(crate) fn remove_all(account: AccountId, kind: SlipKind) -> Statement {
    let sql = "DELETE FROM cloakroom.slip WHERE account = $1 AND kind = $2";
    statement(sql, [Value::Id(*account.as_bytes()), text(kind)])
}

/// The row stays locked to the end of the unit. One that is not there has none; but who relies on that in order to write
/// another slip has the locks of both names (`postgres::lock`), and so one of two who rely on each other comes second.
pub(crate) fn expect_version(kind: SlipKind, key: &SlipKey, expected: Option<u32>) -> Statement {
    let [kind, key] = name(kind, key);
    match expected {
        None => statement(
            "SELECT cloakroom.expect(CASE WHEN EXISTS (SELECT FROM cloakroom.slip WHERE kind = $1 AND key = $2)
                                     THEN 0 ELSE 1 END)",
            [kind, key],
        ),
        Some(version) => statement(
            "SELECT cloakroom.expect(count(*)) FROM (
                 SELECT FROM cloakroom.slip WHERE kind = $1 AND key = $2 AND version = $3 FOR UPDATE) AS found",
            [kind, key, Value::Whole(version.into())],
        ),
    }
}

/// What somebody else is using at this moment is left to the next sweep.
pub(crate) fn sweep(now: Timestamp) -> Statement {
    statement(
        "DELETE FROM cloakroom.slip WHERE (kind, key) IN (
             SELECT kind, key FROM cloakroom.slip WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2
             FOR UPDATE SKIP LOCKED)",
        [millis(now), Value::Whole(Slip::SWEPT_AT_ONCE.into())],
    )
}

/// In the order of the columns.
fn cells(slip: &Slip) -> [Value; 7] {
    let [kind, key] = name(slip.kind, &slip.key);
    [
        kind,
        key,
        Value::MaybeId(slip.account.map(|id| *id.as_bytes())),
        Value::Whole(slip.version.into()),
        maybe_millis(slip.due_at),
        maybe_millis(slip.expires_at),
        Value::Bytes(slip.data.clone()),
    ]
}

fn name(kind: SlipKind, key: &SlipKey) -> [Value; 2] {
    [text(kind), Value::Bytes(key.as_bytes().to_vec())]
}

fn text(kind: SlipKind) -> Value {
    Value::MaybeText(Some(kind.as_str()))
}

pub(crate) fn read(row: &Row) -> Result<Slip, Error> {
    let mut cells = Cells::new(row, "slip", columns!());
    Ok(Slip {
        kind: cells.take(SlipKind::from_text)?,
        key: cells.take(SlipKey::new)?,
        account: cells.take(maybe(id))?.map(AccountId::from_bytes),
        version: cells.take(whole)?,
        due_at: cells.take(maybe(instant))?,
        expires_at: cells.take(maybe(instant))?,
        data: cells.take(Some)?,
    })
}
