//! Sessions in Postgres.

use crate::Error;
use crate::postgres::statement::{Statement, statement};
use crate::postgres::value::{Cells, Value, id, instant, maybe, maybe_millis, millis, whole};
use crate::session::Sighting;
use cloakroom_core::id::{AccountId, KeyId, SessionId};
use cloakroom_core::refresh::{EndReason, Ended, Family, Version};
use cloakroom_core::session::{Method, Roles, Session, Strategy};
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;

macro_rules! columns {
    () => {
        "id, account, opened_at, last_used_at, absolute_until, remember, method, strategy, user_agent, address, \
         generation, rotated_at, issue, issued_at, acknowledged_at, late_repeats, refresh_key, seed, ended_at, ended_reason, \
         rotated_with, roles"
    };
}

pub(crate) fn session(id: SessionId) -> Statement {
    statement(concat!("SELECT ", columns!(), " FROM cloakroom.session WHERE id = $1"), [Value::Id(*id.as_bytes())])
}

pub(crate) fn sessions_of(account: AccountId, limit: u32) -> Statement {
    let sql = concat!(
        "SELECT ",
        columns!(),
        " FROM cloakroom.session WHERE account = $1 AND ended_at IS NULL
          ORDER BY last_used_at DESC, opened_at DESC, id LIMIT $2"
    );
    statement(sql, [Value::Id(*account.as_bytes()), Value::Whole(limit.into())])
}

/// Locks the account's row, as whoever disables it, raises its floor or counts its sessions does.
pub(crate) fn open(session: &Session) -> Statement {
    let family = &session.family;
    statement(
        concat!(
            "WITH opened AS (INSERT INTO cloakroom.session (",
            columns!(),
            ") (SELECT $1::bytea, id, $3::bigint, $4::bigint, $5::bigint, $6::boolean, $7::text, $8::text, $9::text,
                       $10::text, $11::bigint, $12::bigint, $13::bigint, $14::bigint, $15::bigint, $16::bigint,
                       $17::bytea, $18::bytea, $19::bigint, $20::text, $21::bigint, $22::text
                FROM cloakroom.account
                WHERE id = $2 AND disabled_at IS NULL AND (not_before IS NULL OR not_before <= $3)
                FOR NO KEY UPDATE) ON CONFLICT DO NOTHING RETURNING 1)
             SELECT cloakroom.expect(count(*)) FROM opened"
        ),
        [
            Value::Id(*session.id.as_bytes()),
            Value::Id(*session.account.as_bytes()),
            millis(session.opened_at),
            millis(session.last_used_at),
            millis(session.absolute_until),
            Value::Flag(session.remember),
            Value::Text(session.method.as_str().to_owned()),
            Value::Text(session.strategy.as_str().to_owned()),
            Value::Text(session.user_agent.clone()),
            Value::Text(session.address.clone()),
            Value::Whole(family.generation.into()),
            millis(family.rotated_at),
            Value::Whole(family.issue.into()),
            millis(family.issued_at),
            maybe_millis(family.acknowledged_at),
            Value::Whole(family.late_repeats.into()),
            Value::Id(*family.key.as_bytes()),
            Value::Id(family.seed),
            maybe_millis(family.ended.map(|ended| ended.at)),
            Value::MaybeText(family.ended.map(|ended| ended.reason.as_str())),
            Value::Whole(family.rotated_with.into()),
            Value::Text(session.roles.to_text()),
        ],
    )
}

pub(crate) fn change_family(session: SessionId, expected: Version, next: &Family) -> Statement {
    statement(
        "WITH changed AS (
             UPDATE cloakroom.session
             SET generation = $4, rotated_at = $5, issue = $6, issued_at = $7, acknowledged_at = $8, late_repeats = $9,
                 refresh_key = $10, rotated_with = $11
             WHERE id = $1 AND generation = $2 AND issue = $3 AND ended_at IS NULL
               AND (generation <> $4 OR acknowledged_at IS NOT DISTINCT FROM $8)
             RETURNING 1)
         SELECT cloakroom.expect(count(*)) FROM changed",
        [
            Value::Id(*session.as_bytes()),
            Value::Whole(expected.generation.into()),
            Value::Whole(expected.issue.into()),
            Value::Whole(next.generation.into()),
            millis(next.rotated_at),
            Value::Whole(next.issue.into()),
            millis(next.issued_at),
            maybe_millis(next.acknowledged_at),
            Value::Whole(next.late_repeats.into()),
            Value::Id(*next.key.as_bytes()),
            Value::Whole(next.rotated_with.into()),
        ],
    )
}

pub(crate) fn set_roles(session: SessionId, next: &Roles) -> Statement {
    statement(
        "WITH changed AS (UPDATE cloakroom.session SET roles = $2 WHERE id = $1 AND ended_at IS NULL RETURNING 1)
         SELECT cloakroom.expect(count(*)) FROM changed",
        [Value::Id(*session.as_bytes()), Value::Text(next.to_text())],
    )
}

pub(crate) fn end(session: SessionId, ended: Ended) -> Statement {
    statement(
        "WITH ended AS (UPDATE cloakroom.session SET ended_at = $2, ended_reason = $3
                        WHERE id = $1 AND ended_at IS NULL RETURNING id),
              behind AS (DELETE FROM cloakroom.slip WHERE kind = 'provider-session' AND key IN (SELECT id FROM ended))
         SELECT cloakroom.expect(count(*)) FROM ended",
        [Value::Id(*session.as_bytes()), millis(ended.at), Value::MaybeText(Some(ended.reason.as_str()))],
    )
}

/// Answers the ids of the sessions that it ended, for [`read_id`].
pub(crate) fn end_all(account: AccountId, except: Option<SessionId>, ended: Ended) -> Statement {
    statement(
        "WITH ended AS (UPDATE cloakroom.session SET ended_at = $3, ended_reason = $4
                        WHERE account = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $2 RETURNING id),
              behind AS (DELETE FROM cloakroom.slip WHERE kind = 'provider-session' AND key IN (SELECT id FROM ended))
         SELECT id FROM ended",
        [
            Value::Id(*account.as_bytes()),
            Value::MaybeId(except.map(|id| *id.as_bytes())),
            millis(ended.at),
            Value::MaybeText(Some(ended.reason.as_str())),
        ],
    )
}

/// Under the lock of the account, so that no session is opened before this unit is done.
pub(crate) fn expect_room(account: AccountId, below: u32, now: Timestamp, idle_since: Timestamp) -> Statement {
    statement(
        "SELECT cloakroom.expect(CASE WHEN count(*) < $4 THEN 1 ELSE 0 END) FROM cloakroom.session
         WHERE account = $1 AND ended_at IS NULL AND absolute_until > $2 AND last_used_at > $3",
        [Value::Id(*account.as_bytes()), millis(now), millis(idle_since), Value::Whole(below.into())],
    )
}

/// Answers the ids of the sessions that it ended, for [`read_id`].
pub(crate) fn end_oldest(
    account: AccountId,
    keep: u32,
    (now, idle_since): (Timestamp, Timestamp),
    ended: Ended,
) -> Statement {
    statement(
        "WITH ended AS (UPDATE cloakroom.session SET ended_at = $5, ended_reason = $6
                        WHERE ended_at IS NULL AND id IN (
                            SELECT id FROM cloakroom.session
                            WHERE account = $1 AND ended_at IS NULL AND absolute_until > $2 AND last_used_at > $3
                            ORDER BY last_used_at DESC, opened_at DESC, id OFFSET $4)
                        RETURNING id),
              behind AS (DELETE FROM cloakroom.slip WHERE kind = 'provider-session' AND key IN (SELECT id FROM ended))
         SELECT id FROM ended",
        [
            Value::Id(*account.as_bytes()),
            millis(now),
            millis(idle_since),
            Value::Whole(keep.into()),
            millis(ended.at),
            Value::MaybeText(Some(ended.reason.as_str())),
        ],
    )
}

pub(crate) fn end_everything(ended: Ended) -> Statement {
    statement(
        "WITH behind AS (DELETE FROM cloakroom.slip WHERE kind = 'provider-session')
         UPDATE cloakroom.session SET ended_at = $1, ended_reason = $2 WHERE ended_at IS NULL",
        [millis(ended.at), Value::MaybeText(Some(ended.reason.as_str()))],
    )
}

pub(crate) fn sight(sighting: &Sighting) -> Statement {
    statement(
        "UPDATE cloakroom.session
         SET last_used_at = greatest(last_used_at, $4),
             acknowledged_at = CASE WHEN generation = $2 AND acknowledged_at IS NULL AND $3::bigint IS NOT NULL
                                   THEN greatest($3::bigint, rotated_at) ELSE acknowledged_at END
         WHERE id = $1 AND ended_at IS NULL",
        [
            Value::Id(*sighting.session.as_bytes()),
            Value::Whole(sighting.generation.into()),
            maybe_millis(sighting.first_used_at),
            millis(sighting.last_used_at),
        ],
    )
}

/// What somebody else is using at this moment is left to the next sweep. Two statements, because each then follows an index
/// of its own.
pub(crate) fn sweep(ended_before: Timestamp) -> [Statement; 2] {
    [
        statement(
            "DELETE FROM cloakroom.session WHERE id IN (
                 SELECT id FROM cloakroom.session WHERE absolute_until < $1 FOR UPDATE SKIP LOCKED)",
            [millis(ended_before)],
        ),
        statement(
            "DELETE FROM cloakroom.session WHERE id IN (
                 SELECT id FROM cloakroom.session WHERE ended_at < $1 FOR UPDATE SKIP LOCKED)",
            [millis(ended_before)],
        ),
    ]
}

pub(crate) fn read_id(row: &Row) -> Result<SessionId, Error> {
    Cells::new(row, "session", "id").take(id).map(SessionId::from_bytes)
}

pub(crate) fn read(row: &Row) -> Result<Session, Error> {
    let mut cells = Cells::new(row, "session", columns!());
    Ok(Session {
        id: SessionId::from_bytes(cells.take(id)?),
        account: AccountId::from_bytes(cells.take(id)?),
        opened_at: cells.take(instant)?,
        last_used_at: cells.take(instant)?,
        absolute_until: cells.take(instant)?,
        remember: cells.take(Some)?,
        method: cells.take(Method::from_text)?,
        strategy: cells.take(Strategy::from_text)?,
        user_agent: cells.take(Some)?,
        address: cells.take(Some)?,
        family: read_family(&mut cells)?,
        roles: cells.take(Roles::from_text)?,
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
            cells.take(|reason: Option<&str>| match (at, reason.map(EndReason::from_text)) {
                (None, None) => Some(None),
                (Some(at), Some(Some(reason))) => Some(Some(Ended { at, reason })),
                _ => None,
            })?
        },
        rotated_with: cells.take(whole)?,
    })
}
