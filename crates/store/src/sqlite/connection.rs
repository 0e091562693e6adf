//! Opening connections, each set up for its one purpose, and sharing one between threads.

use super::migration;
use super::statement::driver;
use crate::{Error, Outage};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The writer waits this long for another process that is writing.
const WRITER_WAITS: Duration = Duration::from_secs(5);
/// Readers wait only for the moments in which another process opens or closes the database.
const READER_WAITS: Duration = Duration::from_secs(1);
/// More than there are statements in this crate.
const STATEMENTS: usize = 128;
/// How often the change to WAL is tried again while other processes are opening the same new file.
const WAL_ATTEMPTS: usize = 100;

/// A connection that several threads may use one after the other, until it is taken out.
#[derive(Clone)]
pub(super) struct Seat(Arc<Mutex<Option<Connection>>>);

impl Seat {
    pub(super) fn new(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(Some(connection))))
    }

    /// Waits for its turn, if need be.
    pub(super) fn with<T>(&self, run: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        // A panic while it was held leaves nothing half done that the next one would rely on.
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        run(connection.as_ref().ok_or(Error::Unavailable(Outage::Closed))?)
    }

    /// Gives `run` back unused when somebody else has the connection.
    pub(super) fn try_with<T, F>(&self, run: F) -> Result<Result<T, Error>, F>
    where
        F: FnOnce(&Connection) -> Result<T, Error>,
    {
        match self.0.try_lock() {
            Ok(connection) => Ok(connection.as_ref().ok_or(Error::Unavailable(Outage::Closed)).and_then(run)),
            Err(_) => Err(run),
        }
    }

    /// Takes the connection out; from now on the seat is closed.
    pub(super) fn take(&self) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The connection that writes a file, brought to the schema of today.
pub(super) fn writer(path: &Path) -> Result<Connection, Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITER_WAITS)?;
    migration::refuse_what_is_not_ours(&connection)?;
    into_wal(&connection)?;
    // FULL: the log is synced before a commit is answered. Checkpoints are the business of another thread. A log that
    // has grown beyond 64 MB once gives the room back when it starts over.
    connection
        .execute_batch(
            "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 67108864;",
        )
        .map_err(driver)?;
    migration::run(&connection)?;
    Ok(connection)
}

/// A connection that can only read a file that a writer has opened before.
pub(super) fn reader(path: &Path) -> Result<Connection, Error> {
    open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, READER_WAITS)
}

/// A connection that moves the log of a file into its place.
pub(super) fn checkpointer(path: &Path) -> Result<Connection, Error> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_WAITS)?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;").map_err(driver)?;
    Ok(connection)
}

/// The one connection of a database in memory.
pub(super) fn memory() -> Result<Connection, Error> {
    let connection = Connection::open_in_memory().map_err(driver)?;
    set_up(&connection, WRITER_WAITS)?;
    migration::run(&connection)?;
    Ok(connection)
}

fn open(path: &Path, mode: OpenFlags, waits: Duration) -> Result<Connection, Error> {
    // The path is absolute, so none can be read as a URI with options of its own. Connections are guarded by a lock
    // of ours, so SQLite needs none.
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(driver)?;
    set_up(&connection, waits)?;
    Ok(connection)
}

fn set_up(connection: &Connection, waits: Duration) -> Result<(), Error> {
    connection.busy_timeout(waits).map_err(driver)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // trusted_schema: a file that somebody prepared cannot make its views and triggers call functions with effects.
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;").map_err(driver)
}

/// Turns the write-ahead log on, for good. The change asks for a lock in a way that SQLite answers with "busy" at
/// once, without waiting; so wait for whoever has it by asking for the same lock in a way that does wait.
fn into_wal(connection: &Connection) -> Result<(), Error> {
    for _ in 0..WAL_ATTEMPTS {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => return Err(Error::Fault(format!("no write-ahead log on this file system, only {mode}"))),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK;").map_err(driver)?;
            }
            Err(error) => return Err(driver(error)),
        }
    }
    Err(Error::Unavailable(Outage::Busy))
}
