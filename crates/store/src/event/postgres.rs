//! The audit trail in Postgres. Lines get their place in the trail when they are first read: see the schema.

use crate::Error;
use crate::postgres::statement::{Statement, statement};
use crate::postgres::value::{Cells, Value, id, instant, maybe, millis, sequence, whole};
use cloakroom_core::event::{Event, EventKind};
use cloakroom_core::id::{AccountId, EventId, KeyId, SessionId};
use tokio_postgres::Row;

macro_rules! columns {
    () => {
        "id, at, kind, account, session, ring_key"
    };
}

/// The first gives places to as many lines as the second can want.
pub(crate) fn events_after(seq: u64, limit: u32) -> [Statement; 2] {
    [
        place(limit),
        statement(
            concat!("SELECT seq, ", columns!(), " FROM cloakroom.event WHERE seq > $1 ORDER BY seq LIMIT $2"),
            [sequence(seq), Value::Whole(limit.into())],
        ),
    ]
}

/// Whether an account has lines that have no place in the trail yet; answers a row if so.
pub(crate) fn has_unread(account: AccountId) -> Statement {
    statement(
        "SELECT 1 FROM cloakroom.event WHERE account = $1 AND seq IS NULL LIMIT 1",
        [Value::Id(*account.as_bytes())],
    )
}

/// Gives places to so many lines, whosever they are: a place says what was written before, so none can be left out.
pub(crate) fn place(lines: u32) -> Statement {
    statement("SELECT cloakroom.place_events($1)", [Value::Whole(lines.into())])
}

pub(crate) fn events_of(account: AccountId, limit: u32) -> Statement {
    let sql = concat!(
        "SELECT seq, ",
        columns!(),
        " FROM cloakroom.event WHERE account = $1 AND seq IS NOT NULL ORDER BY seq DESC LIMIT $2"
    );
    statement(sql, [Value::Id(*account.as_bytes()), Value::Whole(limit.into())])
}

/// One of the lines of a unit, `line` from 1. The first takes a number for the unit; the others find it on the connection.
pub(crate) fn record(event: &Event, line: i64) -> Statement {
    let sql = if line == 1 {
        concat!(
            "INSERT INTO cloakroom.event (unit, line, ",
            columns!(),
            ") VALUES (nextval('cloakroom.event_unit'), $1::bigint::integer, $2, $3, $4, $5, $6, $7)"
        )
    } else {
        concat!(
            "INSERT INTO cloakroom.event (unit, line, ",
            columns!(),
            ") VALUES (currval('cloakroom.event_unit'), $1::bigint::integer, $2, $3, $4, $5, $6, $7)"
        )
    };
    statement(
        sql,
        [
            Value::Whole(line),
            Value::Id(*event.id.as_bytes()),
            millis(event.at),
            Value::Text(event.kind.as_str().to_owned()),
            Value::MaybeId(event.account.map(|id| *id.as_bytes())),
            Value::MaybeId(event.session.map(|id| *id.as_bytes())),
            Value::MaybeId(event.key.map(|id| *id.as_bytes())),
        ],
    )
}

pub(crate) fn read(row: &Row) -> Result<(u64, Event), Error> {
    let mut cells = Cells::new(row, "event", concat!("seq, ", columns!()));
    let seq = cells.take(whole)?;
    let event = Event {
        id: EventId::from_bytes(cells.take(id)?),
        at: cells.take(instant)?,
        kind: cells.take(EventKind::from_text)?,
        account: cells.take(maybe(id))?.map(AccountId::from_bytes),
        session: cells.take(maybe(id))?.map(SessionId::from_bytes),
        key: cells.take(maybe(id))?.map(KeyId::from_bytes),
    };
    Ok((seq, event))
}
