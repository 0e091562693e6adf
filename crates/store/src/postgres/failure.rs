//! What the errors of the driver and of the pool mean.
//!
//! Only messages are passed on, never the details of an error: those hold values. The URL is in neither.

use crate::{Error, Outage};
use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::error::SqlState;

/// The code of `cloakroom.expect`.
const EXPECTATION: &str = "CLK01";

/// Whether the unit of work can simply be carried out again: the server has undone it because others were in its way.
pub(super) fn is_undone(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&(SqlState::T_R_DEADLOCK_DETECTED | SqlState::T_R_SERIALIZATION_FAILURE)))
}

/// Whether the connection is gone, so that another may do better.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(code) => matches!(code.code().get(..2), Some("08")) || is_shutdown(code),
        None => {
            error.is_closed() || matches!(std::error::Error::source(error), Some(cause) if cause.is::<std::io::Error>())
        }
    }
}

fn is_shutdown(code: &SqlState) -> bool {
    [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW].contains(code)
}

/// What an error of the driver means.
pub(super) fn driver(error: &tokio_postgres::Error) -> Error {
    let Some(refused) = error.as_db_error() else {
        return if is_lost(error) { io(told(error)) } else { lost_or_wrong(error) };
    };
    let code = refused.code();
    let text = format!("{} ({})", refused.message(), code.code());
    match code.code() {
        EXPECTATION => return Error::Conflict,
        // Data errors can quote the data.
        data if data.starts_with("22") => return Error::Fault(format!("a value that it cannot keep ({data})")),
        _ => {}
    }
    match *code {
        SqlState::UNIQUE_VIOLATION | SqlState::FOREIGN_KEY_VIOLATION => Error::Conflict,
        SqlState::LOCK_NOT_AVAILABLE
        | SqlState::QUERY_CANCELED
        | SqlState::TOO_MANY_CONNECTIONS
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::T_R_SERIALIZATION_FAILURE => Error::Unavailable(Outage::Busy),
        SqlState::DISK_FULL => Error::Unavailable(Outage::Full),
        SqlState::READ_ONLY_SQL_TRANSACTION | SqlState::IO_ERROR | SqlState::OUT_OF_MEMORY => io(text),
        // The rest of these classes: connections, log-ins, missing databases, resources, intervention of an operator.
        _ if ["08", "28", "3D", "53", "57", "58"].iter().any(|class| code.code().starts_with(class)) => io(text),
        _ => Error::Fault(text),
    }
}

/// Connecting can fail without the word of a server; everything else that is not its word is a mistake of this program.
fn lost_or_wrong(error: &tokio_postgres::Error) -> Error {
    let text = told(error);
    if text.starts_with("error connecting") || text.starts_with("error performing TLS") || text.starts_with("timeout") {
        io(text)
    } else {
        Error::Fault(text)
    }
}

/// What an error of the pool means.
pub(super) fn pool(error: PoolError) -> Error {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => Error::Unavailable(Outage::Busy),
        PoolError::Timeout(_) => io("the server did not answer in time".to_owned()),
        PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => driver(&error),
        PoolError::Closed => Error::Unavailable(Outage::Closed),
        PoolError::PostCreateHook(HookError::Message(_)) | PoolError::NoRuntimeSpecified => {
            Error::Fault("a pool that was set up wrongly".to_owned())
        }
    }
}

pub(super) fn io(text: String) -> Error {
    Error::Unavailable(Outage::Io(text))
}

/// The error and its causes, each once.
fn told(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        let more = deeper.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = deeper.source();
    }
    text
}
