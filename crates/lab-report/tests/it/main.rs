//! The report against runs as large as real ones, and against evidence that wants to be a program.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod baseline;
#[cfg(feature = "browser")]
mod browser;
mod changes;
mod file;
mod markdown;
mod page;
mod sample;
