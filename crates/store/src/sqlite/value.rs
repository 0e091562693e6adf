//! Reading rows: every cell is checked, and one that makes no sense is named, not shown.

use crate::Error;
use cloakroom_core::id::SessionId;
use cloakroom_core::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::ValueRef;

/// The cells of a row from left to right. The first one names the row.
pub(crate) struct Cells<'row> {
    row: &'row Row<'row>,
    table: &'static str,
    columns: &'static str,
    at: usize,
}

impl<'row> Cells<'row> {
    /// `columns` as the statement lists them, separated by commas.
    pub(crate) fn new(row: &'row Row<'row>, table: &'static str, columns: &'static str) -> Self {
        Self { row, table, columns, at: 0 }
    }

    /// Reads the next cell; [`Error::Corrupt`] when `read` can make nothing of it.
    pub(crate) fn take<T>(&mut self, read: impl FnOnce(ValueRef<'row>) -> Option<T>) -> Result<T, Error> {
        let value = self.row.get_ref(self.at).ok();
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
        match self.row.get_ref(0) {
            Ok(ValueRef::Integer(seq)) => seq.to_string(),
            // Identifiers of every kind are written the same way.
            Ok(ValueRef::Blob(blob)) => match <[u8; 16]>::try_from(blob) {
                Ok(id) => SessionId::from_bytes(id).to_string(),
                Err(_) => format!("with an id of {} bytes", blob.len()),
            },
            _ => "without an id".to_owned(),
        }
    }
}

/// Sixteen bytes.
pub(crate) fn id(value: ValueRef<'_>) -> Option<[u8; 16]> {
    bytes(value)?.try_into().ok()
}

/// Bytes, of any number.
pub(crate) fn bytes(value: ValueRef<'_>) -> Option<&[u8]> {
    match value {
        ValueRef::Blob(bytes) => Some(bytes),
        _ => None,
    }
}

/// Text in UTF-8.
pub(crate) fn text(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(text) => std::str::from_utf8(text).ok(),
        _ => None,
    }
}

/// A whole number that fits.
pub(crate) fn whole<T: TryFrom<i64>>(value: ValueRef<'_>) -> Option<T> {
    match value {
        ValueRef::Integer(number) => number.try_into().ok(),
        _ => None,
    }
}

/// Zero or one.
pub(crate) fn flag(value: ValueRef<'_>) -> Option<bool> {
    match value {
        ValueRef::Integer(0) => Some(false),
        ValueRef::Integer(1) => Some(true),
        _ => None,
    }
}

/// Milliseconds since the epoch.
pub(crate) fn instant(value: ValueRef<'_>) -> Option<Timestamp> {
    whole(value).map(Timestamp::from_millis)
}

/// What `read` reads, or nothing.
pub(crate) fn maybe<'row, T>(
    read: impl FnOnce(ValueRef<'row>) -> Option<T>,
) -> impl FnOnce(ValueRef<'row>) -> Option<Option<T>> {
    |value| match value {
        ValueRef::Null => Some(None),
        value => read(value).map(Some),
    }
}

/// A sequence number to compare with. SQLite's end at `i64::MAX`, and nothing comes after that.
pub(crate) fn sequence(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
