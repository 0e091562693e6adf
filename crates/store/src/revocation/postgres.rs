//! The revocation feed in Postgres. All entries of a unit are added by one statement, the last one before its end: the
//! row that numbers come from is locked by it until the unit is durable, so entries become visible in their order.

use crate::Error;
use crate::postgres::statement::{Statement, statement};
use crate::postgres::value::{Cells, Value, id, instant, millis, sequence, whole};
use cloakroom_core::access::Revocation;
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;

const SESSION: &str = "session";
const ISSUES: &str = "issues";
const KEY: &str = "key";
const ACCOUNT: &str = "account";
const EVERYTHING: &str = "everything";

/// What an entry about everything has for a subject.
const NOBODY: [u8; 16] = [0; 16];

const COLUMNS: &str = "seq, kind, subject, generation, oldest_issue, good_from, until";

pub(crate) fn revocations_after(seq: u64, limit: u32) -> Statement {
    statement(
        "SELECT seq, kind, subject, generation, oldest_issue, good_from, until
         FROM cloakroom.revocation WHERE seq > $1 ORDER BY seq LIMIT $2",
        [sequence(seq), Value::Whole(limit.into())],
    )
}

pub(crate) fn newest_revocation() -> Statement {
    statement("SELECT newest FROM cloakroom.feed", [])
}

pub(crate) fn revoke(entries: &[(Revocation, Timestamp)]) -> Statement {
    let (mut kinds, mut subjects, mut untils) = (Vec::new(), Vec::new(), Vec::new());
    let (mut generations, mut issues, mut froms) = (Vec::new(), Vec::new(), Vec::new());
    for (entry, until) in entries {
        let (kind, subject, generation, issue, from) = match entry {
            Revocation::Session(session) => (SESSION, *session.as_bytes(), None, None, None),
            Revocation::Issues { session, generation, oldest, from } => {
                (ISSUES, *session.as_bytes(), Some(*generation), Some(*oldest), Some(from))
            }
            Revocation::Key(key) => (KEY, *key.as_bytes(), None, None, None),
            Revocation::Account { account, before } => (ACCOUNT, *account.as_bytes(), None, None, Some(before)),
            Revocation::Everything { before } => (EVERYTHING, NOBODY, None, None, Some(before)),
        };
        kinds.push(kind);
        subjects.push(subject);
        generations.push(generation.map(i64::from));
        issues.push(issue.map(i64::from));
        froms.push(from.map(|from| from.millis()));
        untils.push(until.millis());
    }
    statement(
        "WITH numbered AS (UPDATE cloakroom.feed SET newest = newest + cardinality($1::text[]) RETURNING newest)
         INSERT INTO cloakroom.revocation (seq, kind, subject, generation, oldest_issue, good_from, until)
         SELECT newest - cardinality($1::text[]) + n, kind, subject, generation, oldest_issue, good_from, until
         FROM numbered,
              unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) WITH ORDINALITY
                  AS entry (kind, subject, generation, oldest_issue, good_from, until, n)",
        [
            Value::Texts(kinds),
            Value::Ids(subjects),
            Value::MaybeWholes(generations),
            Value::MaybeWholes(issues),
            Value::MaybeWholes(froms),
            Value::Wholes(untils),
        ],
    )
}

/// What somebody else is sweeping at this moment is left to them.
pub(crate) fn sweep(now: Timestamp) -> Statement {
    statement(
        "DELETE FROM cloakroom.revocation
         WHERE seq IN (SELECT seq FROM cloakroom.revocation WHERE until <= $1 FOR UPDATE SKIP LOCKED)",
        [millis(now)],
    )
}

pub(crate) fn read(row: &Row) -> Result<(u64, Revocation, Timestamp), Error> {
    let mut cells = Cells::new(row, "revocation", COLUMNS);
    let seq = cells.take(whole)?;
    let kind = cells.take(|kind: &str| [SESSION, ISSUES, KEY, ACCOUNT, EVERYTHING].into_iter().find(|k| *k == kind))?;
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

pub(crate) fn read_newest(row: &Row) -> Result<u64, Error> {
    Cells::new(row, "feed", "newest").take(whole)
}
