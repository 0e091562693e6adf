//! Sessions in SQLite.

use crate::session::Sighting;
use crate::sqlite::statement::{all, change, expect, one, touch};
use crate::sqlite::value::{Cells, flag, id, instant, maybe, text, whole};
use crate::{Error, revocation};
use cloakroom_core::access::Revocation;
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_core::refresh::EndReason;
use cloakroom_core::refresh::{Ended, Family, Version};
use cloakroom_core::session::{Method, Roles, Session, Strategy};
use cloakroom_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

macro_rules! columns {
    () => {
        "id, account, opened_at, last_used_at, absolute_until, remember, method, strategy, user_agent, address, \
         generation, rotated_at, issue, issued_at, acknowledged_at, late_repeats, refresh_key, seed, ended_at, ended_reason, \
         rotated_with, roles"
    };
}

pub(crate) fn session(connection: &Connection, id: SessionId) -> Result<Option<Session>, Error> {
    one(connection, concat!("SELECT ", columns!(), " FROM session WHERE id = ?1"), [id.as_bytes()], read)
}

pub(crate) fn sessions_of(connection: &Connection, account: AccountId, limit: u32) -> Result<Vec<Session>, Error> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM session WHERE account = ?1 AND ended_at IS NULL ORDER BY last_used_at DESC, opened_at DESC, id LIMIT ?2"
    );
    all(connection, sql, params![account.as_bytes(), limit], read)
}

pub(crate) fn open(connection: &Connection, session: &Session) -> Result<(), Error> {
    let family = &session.family;
    change(
        connection,
        concat!(
            "INSERT INTO session (",
            columns!(),
            ") SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
             ?21, ?22
             FROM account WHERE id = ?2 AND disabled_at IS NULL AND coalesce(not_before <= ?3, TRUE)"
        ),
        params![
            session.id.as_bytes(),
            session.account.as_bytes(),
            session.opened_at.millis(),
            session.last_used_at.millis(),
            session.absolute_until.millis(),
            session.remember,
            session.method.as_str(),
            session.strategy.as_str(),
            session.user_agent,
            session.address,
            family.generation,
            family.rotated_at.millis(),
            family.issue,
            family.issued_at.millis(),
            family.acknowledged_at.map(Timestamp::millis),
            family.late_repeats,
            family.key.as_bytes(),
            family.seed,
            family.ended.map(|ended| ended.at.millis()),
            family.ended.map(|ended| ended.reason.as_str()),
            family.rotated_with,
            session.roles.to_text(),
        ],
    )
}

pub(crate) fn change_family(
    connection: &Connection,
    session: SessionId,
    expected: Version,
    next: &Family,
) -> Result<(), Error> {
    change(
        connection,
        "UPDATE session SET generation = ?4, rotated_at = ?5, issue = ?6, issued_at = ?7, acknowledged_at = ?8,
                            late_repeats = ?9, refresh_key = ?10, rotated_with = ?11
         WHERE id = ?1 AND generation = ?2 AND issue = ?3 AND ended_at IS NULL
           AND (generation <> ?4 OR acknowledged_at IS ?8)",
        params![
            session.as_bytes(),
            expected.generation,
            expected.issue,
            next.generation,
            next.rotated_at.millis(),
            next.issue,
            next.issued_at.millis(),
            next.acknowledged_at.map(Timestamp::millis),
            next.late_repeats,
            next.key.as_bytes(),
            next.rotated_with,
        ],
    )
}

pub(crate) fn set_roles(connection: &Connection, session: SessionId, next: &Roles) -> Result<(), Error> {
    change(
        connection,
        "UPDATE session SET roles = ?2 WHERE id = ?1 AND ended_at IS NULL",
        params![session.as_bytes(), next.to_text()],
    )
}

pub(crate) fn end(connection: &Connection, session: SessionId, ended: Ended) -> Result<(), Error> {
    change(
        connection,
        "UPDATE session SET ended_at = ?2, ended_reason = ?3 WHERE id = ?1 AND ended_at IS NULL",
        params![session.as_bytes(), ended.at.millis(), ended.reason.as_str()],
    )?;
    let behind = "DELETE FROM slip WHERE kind = 'provider-session' AND key = ?1";
    touch(connection, behind, params![session.as_bytes()])
}

pub(crate) fn end_all(
    connection: &Connection,
    account: AccountId,
    except: Option<SessionId>,
    ended: Ended,
    revoked_until: Timestamp,
) -> Result<(), Error> {
    let except = except.as_ref().map(SessionId::as_bytes);
    revocation::sqlite::revoke_sessions(connection, account, except, revoked_until)?;
    touch(
        connection,
        "DELETE FROM slip WHERE kind = 'provider-session' AND key IN (
             SELECT id FROM session WHERE account = ?1 AND ended_at IS NULL AND id IS NOT ?2)",
        params![account.as_bytes(), except],
    )?;
    touch(
        connection,
        "UPDATE session SET ended_at = ?3, ended_reason = ?4
         WHERE account = ?1 AND ended_at IS NULL AND id IS NOT ?2",
        params![account.as_bytes(), except, ended.at.millis(), ended.reason.as_str()],
    )
}

/// The live sessions of account ?1 that were used before the ?4 last used ones: at ?2, not idle since ?3.
macro_rules! spare {
    () => {
        "SELECT id FROM session
         WHERE account = ?1 AND ended_at IS NULL AND absolute_until > ?2 AND last_used_at > ?3
         ORDER BY last_used_at DESC, opened_at DESC, id LIMIT -1 OFFSET ?4"
    };
}

pub(crate) fn expect_room(
    connection: &Connection,
    account: AccountId,
    below: u32,
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<(), Error> {
    // Fewer than `below` are there when none is left beyond the `below` - 1 last used ones.
    let Some(allowed) = below.checked_sub(1) else { return Err(Error::Conflict) };
    expect(
        connection,
        concat!("SELECT 1 WHERE NOT EXISTS (", spare!(), ")"),
        params![account.as_bytes(), now.millis(), idle_since.millis(), allowed],
    )
}

pub(crate) fn end_oldest(
    connection: &Connection,
    account: AccountId,
    keep: u32,
    (now, idle_since): (Timestamp, Timestamp),
    ended: Ended,
    revoked_until: Timestamp,
) -> Result<(), Error> {
    let spare =
        all(connection, spare!(), params![account.as_bytes(), now.millis(), idle_since.millis(), keep], |row| {
            Cells::new(row, "session", "id").take(id).map(SessionId::from_bytes)
        })?;
    for session in spare {
        end(connection, session, ended)?;
        revocation::sqlite::revoke(connection, &Revocation::Session(session), revoked_until)?;
    }
    Ok(())
}

pub(crate) fn end_everything(
    connection: &Connection,
    ended: Ended,
    before: Timestamp,
    until: Timestamp,
) -> Result<(), Error> {
    touch(connection, "DELETE FROM slip WHERE kind = 'provider-session'", params![])?;
    touch(
        connection,
        "UPDATE session SET ended_at = ?1, ended_reason = ?2 WHERE ended_at IS NULL",
        params![ended.at.millis(), ended.reason.as_str()],
    )?;
    revocation::sqlite::revoke(connection, &Revocation::Everything { before }, until)
}

pub(crate) fn sight(connection: &Connection, sighting: &Sighting) -> Result<(), Error> {
    touch(
        connection,
        "UPDATE session SET last_used_at = max(last_used_at, ?4),
                            acknowledged_at = CASE WHEN generation = ?2 THEN coalesce(acknowledged_at, max(?3, rotated_at))
                                                   ELSE acknowledged_at END
         WHERE id = ?1 AND ended_at IS NULL",
        params![
            sighting.session.as_bytes(),
            sighting.generation,
            sighting.first_used_at.map(Timestamp::millis),
            sighting.last_used_at.millis(),
        ],
    )
}

pub(crate) fn sweep(connection: &Connection, ended_before: Timestamp) -> Result<(), Error> {
    // Two statements, because each then follows an index of its own.
    touch(connection, "DELETE FROM session WHERE absolute_until < ?1", [ended_before.millis()])?;
    touch(connection, "DELETE FROM session WHERE ended_at < ?1", [ended_before.millis()])
}

fn read(row: &Row<'_>) -> Result<Session, Error> {
    let mut cells = Cells::new(row, "session", columns!());
    Ok(Session {
        id: SessionId::from_bytes(cells.take(id)?),
        account: AccountId::from_bytes(cells.take(id)?),
        opened_at: cells.take(instant)?,
        last_used_at: cells.take(instant)?,
        absolute_until: cells.take(instant)?,
        remember: cells.take(flag)?,
        method: cells.take(|value| Method::from_text(text(value)?))?,
        strategy: cells.take(|value| Strategy::from_text(text(value)?))?,
        user_agent: cells.take(text)?.to_owned(),
        address: cells.take(text)?.to_owned(),
        family: read_family(&mut cells)?,
        roles: cells.take(|value| Roles::from_text(text(value)?))?,
    })
}

fn read_family(cells: &mut Cells<'_>) -> Result<Family, Error> {
    Ok(Family {
        generation: cells.take(whole)?,
        rotated_at: cells.take(instant)?,
        issue: cells.take(whole)?,
        issued_at: cells.take(instant)?,
        acknowledged_at: cells.take(maybe(instant))?,
        late_repeats: cells.take(whole)?,
        key: KeyId::from_bytes(cells.take(id)?),
        seed: cells.take(id)?,
        ended: {
            let at = cells.take(maybe(instant))?;
            // An end has both or neither.
            cells.take(|value| match (at, maybe(|value| EndReason::from_text(text(value)?))(value)?) {
                (None, None) => Some(None),
                (Some(at), Some(reason)) => Some(Some(Ended { at, reason })),
                _ => None,
            })?
        },
        rotated_with: cells.take(whole)?,
    })
}
