//! Accounts in Postgres.

use crate::Error;
use crate::postgres::statement::{Statement, statement};
use crate::postgres::value::{Cells, Value, id, instant, maybe, maybe_millis, millis};
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use tokio_postgres::Row;

macro_rules! columns {
    () => {
        "id, email, password, opened_at, password_set_at, disabled_at, not_before"
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

pub(crate) fn open(account: &Account) -> Statement {
    // Where it is there already, nothing is said to the server's log, which would show the address.
    statement(
        concat!(
            "WITH opened AS (INSERT INTO cloakroom.account (",
            columns!(),
            ", canonical_email) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING 1)
             SELECT cloakroom.expect(count(*)) FROM opened"
        ),
        [
            Value::Id(*account.id.as_bytes()),
            Value::Text(account.email.as_str().to_owned()),
            Value::Text(account.password.as_phc().to_owned()),
            millis(account.opened_at),
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

pub(crate) fn read(row: &Row) -> Result<Account, Error> {
    let mut cells = Cells::new(row, "account", columns!());
    Ok(Account {
        id: AccountId::from_bytes(cells.take(id)?),
        email: cells.take(|text| Email::parse(text).ok())?,
        password: PasswordHash::from_phc(cells.take(Some::<String>)?),
        opened_at: cells.take(instant)?,
        password_set_at: cells.take(instant)?,
        disabled_at: cells.take(maybe(instant))?,
        not_before: cells.take(maybe(instant))?,
    })
}
