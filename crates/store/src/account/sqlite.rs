//! Accounts in SQLite.

use crate::sqlite::statement::{all, change, expect, insert, one, touch};
use crate::sqlite::value::{Cells, id, instant, maybe, text, whole};
use crate::{Error, revocation};
use cloakroom_core::access::Revocation;
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

macro_rules! columns {
    () => {
        "id, email, password, opened_at, email_verified_at, password_set_at, disabled_at, not_before"
    };
}

pub(crate) fn account(connection: &Connection, id: AccountId) -> Result<Option<Account>, Error> {
    one(connection, concat!("SELECT ", columns!(), " FROM account WHERE id = ?1"), [id.as_bytes()], read)
}

pub(crate) fn account_by_email(connection: &Connection, email: &Email) -> Result<Option<Account>, Error> {
    let sql = concat!("SELECT ", columns!(), " FROM account WHERE canonical_email = ?1");
    one(connection, sql, [email.canonical()], read)
}

pub(crate) fn accounts(connection: &Connection, after: Option<AccountId>, limit: u32) -> Result<Vec<Account>, Error> {
    let sql = concat!("SELECT ", columns!(), " FROM account WHERE id > ?1 ORDER BY id LIMIT ?2");
    // No bytes at all come before every id.
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_bytes());
    all(connection, sql, params![after, limit], read)
}

pub(crate) fn count(connection: &Connection) -> Result<u64, Error> {
    let counted =
        one(connection, "SELECT count(*) FROM account", [], |row| Cells::new(row, "account", "count").take(whole))?;
    Ok(counted.unwrap_or(0))
}

pub(crate) fn open(connection: &Connection, account: &Account) -> Result<(), Error> {
    insert(
        connection,
        concat!("INSERT INTO account (", columns!(), ", canonical_email) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"),
        params![
            account.id.as_bytes(),
            account.email.as_str(),
            account.password.as_phc(),
            account.opened_at.millis(),
            account.email_verified_at.map(Timestamp::millis),
            account.password_set_at.millis(),
            account.disabled_at.map(Timestamp::millis),
            account.not_before.map(Timestamp::millis),
            account.email.canonical(),
        ],
    )
}

pub(crate) fn set_password(
    connection: &Connection,
    account: AccountId,
    expected: &PasswordHash,
    next: &PasswordHash,
    at: Option<Timestamp>,
) -> Result<(), Error> {
    change(
        connection,
        "UPDATE account SET password = ?3, password_set_at = coalesce(?4, password_set_at)
         WHERE id = ?1 AND password = ?2",
        params![account.as_bytes(), expected.as_phc(), next.as_phc(), at.map(Timestamp::millis)],
    )
}

pub(crate) fn expect_password(connection: &Connection, account: AccountId, set_at: Timestamp) -> Result<(), Error> {
    let sql = "SELECT 1 FROM account WHERE id = ?1 AND password_set_at = ?2";
    expect(connection, sql, params![account.as_bytes(), set_at.millis()])
}

pub(crate) fn disable(connection: &Connection, account: AccountId, at: Option<Timestamp>) -> Result<(), Error> {
    change(
        connection,
        "UPDATE account SET disabled_at = ?2 WHERE id = ?1 AND (disabled_at IS NULL) <> (?2 IS NULL)",
        params![account.as_bytes(), at.map(Timestamp::millis)],
    )
}

pub(crate) fn raise_floor(
    connection: &Connection,
    account: AccountId,
    to: Timestamp,
    until: Timestamp,
) -> Result<(), Error> {
    change(
        connection,
        "UPDATE account SET not_before = max(coalesce(not_before, ?2), ?2) WHERE id = ?1",
        params![account.as_bytes(), to.millis()],
    )?;
    revocation::sqlite::revoke(connection, &Revocation::Account { account, before: to }, until)
}

pub(crate) fn verify_email(
    connection: &Connection,
    account: AccountId,
    email: &Email,
    at: Timestamp,
) -> Result<(), Error> {
    change(
        connection,
        "UPDATE account SET email_verified_at = ?3 WHERE id = ?1 AND canonical_email = ?2",
        params![account.as_bytes(), email.canonical(), at.millis()],
    )
}

pub(crate) fn set_email(
    connection: &Connection,
    account: AccountId,
    expected: &Email,
    next: &Email,
    verified_at: Option<Timestamp>,
) -> Result<(), Error> {
    change(
        connection,
        "UPDATE account SET email = ?3, canonical_email = ?4, email_verified_at = ?5
         WHERE id = ?1 AND canonical_email = ?2",
        params![
            account.as_bytes(),
            expected.canonical(),
            next.as_str(),
            next.canonical(),
            verified_at.map(Timestamp::millis)
        ],
    )
}

/// Its slips go with its row, as the schema says.
pub(crate) fn delete(connection: &Connection, account: AccountId) -> Result<(), Error> {
    touch(connection, "DELETE FROM session WHERE account = ?1", [account.as_bytes()])?;
    change(connection, "DELETE FROM account WHERE id = ?1", [account.as_bytes()])
}

fn read(row: &Row<'_>) -> Result<Account, Error> {
    let mut cells = Cells::new(row, "account", columns!());
    Ok(Account {
        id: AccountId::from_bytes(cells.take(id)?),
        email: cells.take(|value| Email::parse(text(value)?).ok())?,
        password: PasswordHash::from_phc(cells.take(text)?.to_owned()),
        opened_at: cells.take(instant)?,
        email_verified_at: cells.take(maybe(instant))?,
        password_set_at: cells.take(instant)?,
        disabled_at: cells.take(maybe(instant))?,
        not_before: cells.take(maybe(instant))?,
    })
}
