//! The audit trail in SQLite.

use crate::Error;
use crate::sqlite::statement::{all, insert};
use crate::sqlite::value::{Cells, id, instant, maybe, sequence, text, whole};
use cloakroom_core::event::{Event, EventKind};
use cloakroom_core::id::{AccountId, EventId, KeyId, SessionId};
use rusqlite::{Connection, Row, params};

macro_rules! columns {
    () => {
        "id, at, kind, account, session, ring_key"
    };
}

pub(crate) fn events_after(connection: &Connection, seq: u64, limit: u32) -> Result<Vec<(u64, Event)>, Error> {
    let sql = concat!("SELECT seq, ", columns!(), " FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    all(connection, sql, params![sequence(seq), limit], read)
}

pub(crate) fn events_of(connection: &Connection, account: AccountId, limit: u32) -> Result<Vec<(u64, Event)>, Error> {
    let sql = concat!("SELECT seq, ", columns!(), " FROM event WHERE account = ?1 ORDER BY seq DESC LIMIT ?2");
    all(connection, sql, params![account.as_bytes(), limit], read)
}

pub(crate) fn record(connection: &Connection, event: &Event) -> Result<(), Error> {
    insert(
        connection,
        concat!("INSERT INTO event (", columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)"),
        params![
            event.id.as_bytes(),
            event.at.millis(),
            event.kind.as_str(),
            event.account.as_ref().map(AccountId::as_bytes),
            event.session.as_ref().map(SessionId::as_bytes),
            event.key.as_ref().map(KeyId::as_bytes),
        ],
    )
}

fn read(row: &Row<'_>) -> Result<(u64, Event), Error> {
    let mut cells = Cells::new(row, "event", concat!("seq, ", columns!()));
    let seq = cells.take(whole)?;
    let event = Event {
        id: EventId::from_bytes(cells.take(id)?),
        at: cells.take(instant)?,
        kind: cells.take(|value| EventKind::from_text(text(value)?))?,
        account: cells.take(maybe(id))?.map(AccountId::from_bytes),
        session: cells.take(maybe(id))?.map(SessionId::from_bytes),
        key: cells.take(maybe(id))?.map(KeyId::from_bytes),
    };
    Ok((seq, event))
}
