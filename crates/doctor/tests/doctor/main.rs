//! Examinations of the shipped server over real sockets, through a proxy that meddles in one way each time: every check
//! fires where something is wrong, and stays silent where nothing is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod addresses;
mod answers;
mod certificate;
mod encryption;
mod honest;
mod proxy;
mod requests;
mod stage;
mod strangers;
mod streams;
