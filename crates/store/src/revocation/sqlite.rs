//! The revocation feed in SQLite. `AUTOINCREMENT` keeps a number that was swept from coming back, its counter is rolled
//! back with a unit that fails, and because there is one writer at a time, numbers become visible in their order.

use crate::Error;
use crate::sqlite::statement::{all, insert, one, touch};
use crate::sqlite::value::{Cells, id, instant, sequence, text, whole};
use cloakroom_core::access::Revocation;
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

const SESSION: &str = "session";
const ISSUES: &str = "issues";
const KEY: &str = "key";
const ACCOUNT: &str = "account";
const EVERYTHING: &str = "everything";

/// What an entry about everything has for a subject.
const NOBODY: [u8; 16] = [0; 16];

const COLUMNS: &str = "seq, kind, subject, generation, oldest_issue, good_from, until";

pub(crate) fn revocations_after(
    connection: &Connection,
    seq: u64,
    limit: u32,
) -> Result<Vec<(u64, Revocation, Timestamp)>, Error> {
    let sql = "SELECT seq, kind, subject, generation, oldest_issue, good_from, until
               FROM revocation WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    all(connection, sql, params![sequence(seq), limit], read)
}

pub(crate) fn newest_revocation(connection: &Connection) -> Result<u64, Error> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'revocation'";
    let newest = one(connection, sql, [], |row| Cells::new(row, "sqlite_sequence", "seq").take(whole))?;
    Ok(newest.unwrap_or(0))
}

pub(crate) fn revoke(connection: &Connection, entry: &Revocation, until: Timestamp) -> Result<(), Error> {
    let (kind, subject, issues, from) = match entry {
        Revocation::Session(session) => (SESSION, session.as_bytes(), None, None),
        Revocation::Issues { session, generation, oldest, from } => {
            (ISSUES, session.as_bytes(), Some((*generation, *oldest)), Some(from))
        }
        Revocation::Key(key) => (KEY, key.as_bytes(), None, None),
        Revocation::Account { account, before } => (ACCOUNT, account.as_bytes(), None, Some(before)),
        Revocation::Everything { before } => (EVERYTHING, &NOBODY, None, Some(before)),
    };
    insert(
        connection,
        "INSERT INTO revocation (kind, subject, generation, oldest_issue, good_from, until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            kind,
            subject,
            issues.map(|(generation, _)| generation),
            issues.map(|(_, oldest)| oldest),
            from.map(|from| from.millis()),
            until.millis()
        ],
    )
}

/// One entry for every session of an account that has not ended, but for `except`.
pub(crate) fn revoke_sessions(
    connection: &Connection,
    account: AccountId,
    except: Option<&[u8; 16]>,
    until: Timestamp,
) -> Result<(), Error> {
    touch(
        connection,
        "INSERT INTO revocation (kind, subject, until)
         SELECT ?4, id, ?3 FROM session WHERE account = ?1 AND ended_at IS NULL AND id IS NOT ?2 ORDER BY id",
        params![account.as_bytes(), except, until.millis(), SESSION],
    )
}

pub(crate) fn sweep(connection: &Connection, now: Timestamp) -> Result<(), Error> {
    touch(connection, "DELETE FROM revocation WHERE until <= ?1", [now.millis()])
}

fn read(row: &Row<'_>) -> Result<(u64, Revocation, Timestamp), Error> {
    let mut cells = Cells::new(row, "revocation", COLUMNS);
    let seq = cells.take(whole)?;
    let kind =
        cells.take(|value| text(value).filter(|kind| [SESSION, ISSUES, KEY, ACCOUNT, EVERYTHING].contains(kind)))?;
    let subject = cells.take(id)?;
    let entry = match kind {
        SESSION => {
            cells.skip(3);
            Revocation::Session(SessionId::from_bytes(subject))
        }
        KEY => {
            cells.skip(3);
            Revocation::Key(KeyId::from_bytes(subject))
        }
        ACCOUNT => {
            cells.skip(2);
            Revocation::Account { account: AccountId::from_bytes(subject), before: cells.take(instant)? }
        }
        EVERYTHING => {
            cells.skip(2);
            Revocation::Everything { before: cells.take(instant)? }
        }
        _ => Revocation::Issues {
            session: SessionId::from_bytes(subject),
            generation: cells.take(whole)?,
            oldest: cells.take(whole)?,
            from: cells.take(instant)?,
        },
    };
    Ok((seq, entry, cells.take(instant)?))
}
