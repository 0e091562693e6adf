//! What can go wrong with remembering, as far as a use case can tell the difference.
//!
//! Deliberately absent: the driver's own error types, and any stored value: a value can be a secret.

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Something that the unit of work was judged against is no longer so, or a name in it is taken. Nothing of the unit
    /// happened: read again, judge again.
    #[error("what this was judged against has changed meanwhile")]
    Conflict,
    /// Not now; later perhaps.
    #[error("the store is not available: {0}")]
    Unavailable(Outage),
    /// A stored value is none that this program writes. Nothing is guessed in its place.
    #[error("the store holds a value that makes no sense: table {table}, column {column}, row {row}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The row: an identifier as logs write it, or a sequence number.
        row: String,
    },
    /// The store was written by a later version of this program.
    #[error(
        "the store has schema version {found}, and this program knows versions up to {known}: \
         start the newer program that wrote it, or restore the backup from before the update"
    )]
    SchemaTooNew {
        /// The version of the store.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// What was opened belongs to another program, or is no database at all. Nothing in it was touched.
    #[error("this is not a database of Cloakroom: {0}")]
    Foreign(String),
    /// The backend refused what it was told, or is damaged: a mistake of this program or a broken disk. Says what the
    /// backend said, which holds names of columns and never their values.
    #[error("the store failed: {0}")]
    Fault(String),
}

/// Why the store cannot answer now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outage {
    /// Somebody else held the store for longer than it was worth waiting.
    #[error("it is locked by another process")]
    Busy,
    /// There is no room left to write to.
    #[error("its disk is full")]
    Full,
    /// [`Store::close`](crate::Store::close) was called, or the writer has died.
    #[error("it is closed")]
    Closed,
    /// Reading, writing or opening failed below the store.
    #[error("{0}")]
    Io(String),
}
