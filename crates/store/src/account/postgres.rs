//! Accounts in Postgres.

use crate::Error;
use crate::postgres::statement::{Statement, statement};
use crate::postgres::value::{Cells, Value, id, instant, maybe, maybe_millis, millis, whole};
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;

macro_rules! columns {
    () => {
        "id, email, password, opened_at, email_verified_at, password_set_at, disabled_at, not_before"
    };
}

pub(crate) fn account(id: AccountId) -> Statement {
    statement(concat!("SELECT ", columns!(), " FROM cloakroom.account WHERE id = $1"), [Value::Id(*id.as_bytes())])
}

pub(crate) fn account_by_email(email: &Email) -> Statement {
    statement(
        concat!("SELECT ", columns!(), " FROM cloakroom.account WHERE canonical_email = $1"),
        [Value::Text(email.canonical())],
    )
}

pub(crate) fn accounts(after: Option<AccountId>, limit: u32) -> Statement {
    statement(
        concat!("SELECT ", columns!(), " FROM cloakroom.account WHERE id > $1 ORDER BY id LIMIT $2"),
        // No bytes at all come before every id.
        [Value::Bytes(after.map(|id| id.as_bytes().to_vec()).unwrap_or_default()), Value::Whole(limit.into())],
    )
}

pub(crate) fn count() -> Statement {
    statement("SELECT count(*) FROM cloakroom.account", [])
}

pub(crate) fn read_count(row: &Row) -> Result<u64, Error> {
    Cells::new(row, "account", "count").take(whole)
}

pub(crate) fn open(account: &Account) -> Statement {
    // Where it is there already, nothing is said to the server's log, which would show the address.
    statement(
        concat!(
            "WITH opened AS (INSERT INTO cloakroom.account (",
            columns!(),
            ", canonical_email) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING 1)
             SELECT cloakroom.expect(count(*)) FROM opened"
        ),
        [
            Value::Id(*account.id.as_bytes()),
            Value::Text(account.email.as_str().to_owned()),
            Value::Text(account.password.as_phc().to_owned()),
            millis(account.opened_at),
            maybe_millis(account.email_verified_at),
            millis(account.password_set_at),
            maybe_millis(account.disabled_at),
            maybe_millis(account.not_before),
            Value::Text(account.email.canonical()),
        ],
    )
}

pub(crate) fn set_password(
    account: AccountId,
    expected: &PasswordHash,
    next: &PasswordHash,
    at: Option<Timestamp>,
) -> Statement {
    statement(
        "WITH changed AS (UPDATE cloakroom.account SET password = $3, password_set_at = coalesce($4, password_set_at)
                          WHERE id = $1 AND password = $2 RETURNING 1)
         SELECT cloakroom.expect(count(*)) FROM changed",
        [
            Value::Id(*account.as_bytes()),
            Value::Text(expected.as_phc().to_owned()),
            Value::Text(next.as_phc().to_owned()),
            maybe_millis(at),
        ],
    )
}

/// Under the lock of the account, so that it is still so when the unit is done.
pub(crate) fn expect_password(account: AccountId, set_at: Timestamp) -> Statement {
    statement(
        "SELECT cloakroom.expect(count(*)) FROM cloakroom.account WHERE id = $1 AND password_set_at = $2",
        [Value::Id(*account.as_bytes()), millis(set_at)],
    )
}

pub(crate) fn disable(account: AccountId, at: Option<Timestamp>) -> Statement {
    statement(
        "WITH changed AS (UPDATE cloakroom.account SET disabled_at = $2::bigint
                          WHERE id = $1 AND (disabled_at IS NULL) <> ($2::bigint IS NULL) RETURNING 1)
         SELECT cloakroom.expect(count(*)) FROM changed",
        [Value::Id(*account.as_bytes()), maybe_millis(at)],
    )
}

pub(crate) fn raise_floor(account: AccountId, to: Timestamp) -> Statement {
    statement(
        "WITH changed AS (UPDATE cloakroom.account SET not_before = greatest(not_before, $2) WHERE id = $1 RETURNING 1)
         SELECT cloakroom.expect(count(*)) FROM changed",
        [Value::Id(*account.as_bytes()), millis(to)],
    )
}

pub(crate) fn verify_email(account: AccountId, email: &Email, at: Timestamp) -> Statement {
    statement(
        "WITH changed AS (UPDATE cloakroom.account SET email_verified_at = $3
                          WHERE id = $1 AND canonical_email = $2 RETURNING 1)
         SELECT cloakroom.expect(count(*)) FROM changed",
        [Value::Id(*account.as_bytes()), Value::Text(email.canonical()), millis(at)],
    )
}

pub(crate) fn set_email(
    account: AccountId,
    expected: &Email,
    next: &Email,
    verified_at: Option<Timestamp>,
) -> Statement {
    statement(
        "SELECT cloakroom.expect(cloakroom.set_email($1, $2, $3, $4, $5))",
        [
            Value::Id(*account.as_bytes()),
            Value::Text(expected.canonical()),
            Value::Text(next.as_str().to_owned()),
            Value::Text(next.canonical()),
            maybe_millis(verified_at),
        ],
    )
}

/// Under the locks of the account, of its sessions and of its slips, which go with its row as the schema says.
pub(crate) fn delete(account: AccountId) -> Statement {
    statement(
        "WITH sessions AS (DELETE FROM cloakroom.session WHERE account = $1),
              deleted AS (DELETE FROM cloakroom.account WHERE id = $1 RETURNING 1)
         SELECT cloakroom.expect(count(*)) FROM deleted",
        [Value::Id(*account.as_bytes())],
    )
}

pub(crate) fn read(row: &Row) -> Result<Account, Error> {
    let mut cells = Cells::new(row, "account", columns!());
    Ok(Account {
        id: AccountId::from_bytes(cells.take(id)?),
        email: cells.take(|text| Email::parse(text).ok())?,
        password: PasswordHash::from_phc(cells.take(Some::<String>)?),
        opened_at: cells.take(instant)?,
        email_verified_at: cells.take(maybe(instant))?,
        password_set_at: cells.take(instant)?,
        disabled_at: cells.take(maybe(instant))?,
        not_before: cells.take(maybe(instant))?,
    })
}
