//! Stories against the shipped server, over real sockets, on a clock that the tests move.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod accounts;
mod attacks;
mod csrf;
mod every_row;
mod feed;
mod gateway;
mod keys;
mod refresh;
mod sessions;
mod settings;
mod silence;
mod slots;
mod strategies;
mod verifying;
