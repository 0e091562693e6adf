//! What goes into statements, and reading rows: every cell is checked, and one that makes no sense is named, not shown.

use crate::Error;
use bytes::BytesMut;
use cloakroom_core::id::SessionId;
use cloakroom_core::time::Timestamp;
use std::fmt;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A parameter of a statement. Its `Debug` shows nothing, because the driver writes parameters to its log.
#[derive(Clone)]
pub(crate) enum Value {
    Id([u8; 16]),
    MaybeId(Option<[u8; 16]>),
    Bytes(Vec<u8>),
    Text(String),
    MaybeText(Option<&'static str>),
    Whole(i64),
    MaybeWhole(Option<i64>),
    Flag(bool),
    Ids(Vec<[u8; 16]>),
    Keys(Vec<Vec<u8>>),
    Texts(Vec<&'static str>),
    Wholes(Vec<i64>),
    MaybeWholes(Vec<Option<i64>>),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Id(id) => id.as_slice().to_sql(kind, out),
            Self::MaybeId(id) => id.as_ref().map(<[u8; 16]>::as_slice).to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::MaybeText(text) => text.to_sql(kind, out),
            Self::Whole(number) => number.to_sql(kind, out),
            Self::MaybeWhole(number) => number.to_sql(kind, out),
            Self::Flag(flag) => flag.to_sql(kind, out),
            Self::Ids(ids) => ids.iter().map(<[u8; 16]>::as_slice).collect::<Vec<_>>().to_sql(kind, out),
            Self::Keys(keys) => keys.to_sql(kind, out),
            Self::Texts(texts) => texts.to_sql(kind, out),
            Self::Wholes(numbers) => numbers.to_sql(kind, out),
            Self::MaybeWholes(numbers) => numbers.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Every statement of this crate is run by a test with values of every kind it takes.
        true
    }

    to_sql_checked!();
}

/// An instant.
pub(crate) fn millis(at: Timestamp) -> Value {
    Value::Whole(at.millis())
}

/// An instant, if there is one.
pub(crate) fn maybe_millis(at: Option<Timestamp>) -> Value {
    Value::MaybeWhole(at.map(Timestamp::millis))
}

/// The cells of a row from left to right. The first one names the row.
pub(crate) struct Cells<'row> {
    row: &'row Row,
    table: &'static str,
    columns: &'static str,
    at: usize,
}

impl<'row> Cells<'row> {
    /// `columns` as the statement lists them, separated by commas.
    pub(crate) fn new(row: &'row Row, table: &'static str, columns: &'static str) -> Self {
        Self { row, table, columns, at: 0 }
    }

    /// Reads the next cell; [`Error::Corrupt`] when `read` can make nothing of it.
    pub(crate) fn take<V: FromSql<'row>, T>(&mut self, read: impl FnOnce(V) -> Option<T>) -> Result<T, Error> {
        let value = self.row.try_get(self.at).ok();
        let taken = value.and_then(read).ok_or_else(|| self.corrupt());
        self.at += 1;
        taken
    }

    /// Passes over `count` cells.
    pub(crate) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    fn corrupt(&self) -> Error {
        let column = self.columns.split(',').nth(self.at).unwrap_or("?").trim();
        Error::Corrupt { table: self.table, column, row: self.name() }
    }

    fn name(&self) -> String {
        if let Ok(seq) = self.row.try_get::<_, i64>(0) {
            return seq.to_string();
        }
        match self.row.try_get::<_, &[u8]>(0) {
            // Identifiers of every kind are written the same way.
            Ok(bytes) => match <[u8; 16]>::try_from(bytes) {
                Ok(id) => SessionId::from_bytes(id).to_string(),
                Err(_) => format!("with an id of {} bytes", bytes.len()),
            },
            Err(_) => "without an id".to_owned(),
        }
    }
}

/// Sixteen bytes.
pub(crate) fn id(bytes: &[u8]) -> Option<[u8; 16]> {
    bytes.try_into().ok()
}

/// A whole number that fits.
pub(crate) fn whole<T: TryFrom<i64>>(number: i64) -> Option<T> {
    number.try_into().ok()
}

/// Milliseconds since the epoch.
#[expect(clippy::unnecessary_wraps, reason = "the shape that `take` wants")]
pub(crate) fn instant(millis: i64) -> Option<Timestamp> {
    Some(Timestamp::from_millis(millis))
}

/// What `read` reads, or nothing.
pub(crate) fn maybe<V, T>(read: impl FnOnce(V) -> Option<T>) -> impl FnOnce(Option<V>) -> Option<Option<T>> {
    |value| match value {
        None => Some(None),
        Some(value) => read(value).map(Some),
    }
}

/// A sequence number to compare with. Those of the store end at `i64::MAX`, and nothing comes after that.
pub(crate) fn sequence(seq: u64) -> Value {
    Value::Whole(i64::try_from(seq).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_the_driver_shows_no_value() {
        let values = [Value::Text("hunter2".to_owned()), Value::Bytes(vec![7; 3]), Value::Id([7; 16]), Value::Whole(7)];
        assert_eq!(format!("{values:?}"), "[_, _, _, _]");
    }
}
