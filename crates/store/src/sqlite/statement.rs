//! Running statements, each prepared once per connection, and telling the driver's errors apart.

use crate::{Error, Outage};
use rusqlite::ffi::{
    SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE,
};
use rusqlite::{Connection, ErrorCode, Params, Row};

/// The row that a query finds, if it finds one.
pub(crate) fn one<T>(
    connection: &Connection,
    sql: &'static str,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(driver)?;
    let mut rows = statement.query(parameters).map_err(driver)?;
    rows.next().map_err(driver)?.map(read).transpose()
}

/// Every row that a query finds.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &'static str,
    parameters: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(driver)?;
    let mut rows = statement.query(parameters).map_err(driver)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(driver)? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Changes whatever rows there are, none if there are none.
pub(crate) fn touch(connection: &Connection, sql: &'static str, parameters: impl Params) -> Result<(), Error> {
    execute(connection, sql, parameters).map(|_| ())
}

/// Adds a row. A name that is taken, or a reference to nothing, is a conflict.
pub(crate) fn insert(connection: &Connection, sql: &'static str, parameters: impl Params) -> Result<(), Error> {
    touch(connection, sql, parameters)
}

/// Changes the one row that is as expected; a conflict when there is none.
pub(crate) fn change(connection: &Connection, sql: &'static str, parameters: impl Params) -> Result<(), Error> {
    match execute(connection, sql, parameters)? {
        0 => Err(Error::Conflict),
        _ => Ok(()),
    }
}

/// A conflict when the query finds no row.
pub(crate) fn expect(connection: &Connection, sql: &'static str, parameters: impl Params) -> Result<(), Error> {
    one(connection, sql, parameters, |_| Ok(()))?.ok_or(Error::Conflict)
}

fn execute(connection: &Connection, sql: &'static str, parameters: impl Params) -> Result<usize, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(driver)?;
    statement.execute(parameters).map_err(driver)
}

/// What an error of the driver means. SQLite's own messages name tables and columns, never a value.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
pub(super) fn driver(error: rusqlite::Error) -> Error {
    let code = error.sqlite_error().map(|failure| (failure.code, failure.extended_code));
    match code {
        Some((
            ErrorCode::ConstraintViolation,
            SQLITE_CONSTRAINT_UNIQUE
            | SQLITE_CONSTRAINT_PRIMARYKEY
            | SQLITE_CONSTRAINT_ROWID
            | SQLITE_CONSTRAINT_FOREIGNKEY,
        )) => Error::Conflict,
        Some((ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _)) => Error::Unavailable(Outage::Busy),
        Some((ErrorCode::DiskFull, _)) => Error::Unavailable(Outage::Full),
        Some((ErrorCode::NotADatabase, _)) => Error::Foreign(error.to_string()),
        Some((
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::OutOfMemory
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OperationInterrupted,
            _,
        )) => Error::Unavailable(Outage::Io(error.to_string())),
        _ => Error::Fault(error.to_string()),
    }
}
