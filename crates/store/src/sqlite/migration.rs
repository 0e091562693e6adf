//! Bringing a database to the schema of today.
//!
//! Migrations only go forward, one embedded file each; the number that were run is the file's `user_version`, which
//! changes together with the schema or not at all. Deliberately absent: going back (a backup does that).

use super::statement::{driver, touch};
use crate::Error;
use rusqlite::Connection;

/// In the order in which they are run. One that was released is never edited.
const MIGRATIONS: [&str; 4] = [
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_floors.sql"),
    include_str!("migrations/0003_slips.sql"),
    include_str!("migrations/0004_roles.sql"),
];

/// Marks a file as ours (`PRAGMA application_id`): the letters of `ClkR`.
const APPLICATION: i64 = 0x436C_6B52;

/// Refuses a file that another program has written, or a later version of this one, before anything in it is changed.
pub(super) fn refuse_what_is_not_ours(connection: &Connection) -> Result<(), Error> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(driver)?;
    let application = pragma(connection, "application_id")?;
    if application != APPLICATION && (application != 0 || tables != 0) {
        return Err(Error::Foreign(format!("its application id is {application}, its number of tables {tables}")));
    }
    position(connection).map(|_| ())
}

/// Runs what is missing. Of several processes that start together one runs it, and the others wait for that.
pub(super) fn run(connection: &Connection) -> Result<(), Error> {
    if position(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    touch(connection, "BEGIN IMMEDIATE", [])?;
    run_rest(connection).inspect_err(|_| {
        // Rolled back already by some errors; the connection is given up in any case.
        let _ = touch(connection, "ROLLBACK", []);
    })
}

fn run_rest(connection: &Connection) -> Result<(), Error> {
    let done = position(connection)?;
    for migration in MIGRATIONS.iter().skip(done) {
        connection.execute_batch(migration).map_err(driver)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION).map_err(driver)?;
    connection.pragma_update(None, "user_version", known()).map_err(driver)?;
    touch(connection, "COMMIT", [])
}

/// How many migrations were run.
fn position(connection: &Connection) -> Result<usize, Error> {
    let found = pragma(connection, "user_version")?;
    let known = known();
    if found > known {
        return Err(Error::SchemaTooNew { found, known });
    }
    usize::try_from(found).map_err(|_| Error::Foreign(format!("its schema version is {found}")))
}

fn known() -> i64 {
    MIGRATIONS.len().try_into().unwrap_or(i64::MAX)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, Error> {
    connection.pragma_query_value(None, name, |row| row.get(0)).map_err(driver)
}
