//! Accounts in SQLite.

use crate::sqlite::statement::{change, expect, insert, one};
use crate::sqlite::value::{Cells, id, instant, maybe, text};
use crate::{Error, revocation};
use cloakroom_core::access::Revocation;
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

macro_rules! columns {
    () => {
        "id, email, password, opened_at, password_set_at, disabled_at, not_before"
    };
}

pub(crate) fn account(connection: &Connection, id: AccountId) -> Result<Option<Account>, Error> {
    one(connection, concat!("SELECT ", columns!(), " FROM account WHERE id = ?1"), [id.as_bytes()], read)
}

pub(crate) fn account_by_email(connection: &Connection, email: &Email) -> Result<Option<Account>, Error> {
    let sql = concat!("SELECT ", columns!(), " FROM account WHERE canonical_email = ?1");
    one(connection, sql, [email.canonical()], read)
}

pub(crate) fn open(connection: &Connection, account: &Account) -> Result<(), Error> {
    insert(
        connection,
        concat!("INSERT INTO account (", columns!(), ", canonical_email) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
        params![
            account.id.as_bytes(),
            account.email.as_str(),
            account.password.as_phc(),
            account.opened_at.millis(),
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

fn read(row: &Row<'_>) -> Result<Account, Error> {
    let mut cells = Cells::new(row, "account", columns!());
    Ok(Account {
        id: AccountId::from_bytes(cells.take(id)?),
        email: cells.take(|value| Email::parse(text(value)?).ok())?,
        password: PasswordHash::from_phc(cells.take(text)?.to_owned()),
        opened_at: cells.take(instant)?,
        password_set_at: cells.take(instant)?,
        disabled_at: cells.take(maybe(instant))?,
        not_before: cells.take(maybe(instant))?,
    })
}
