//! Stories against the shipped binary: its commands, its signals, its limits, and what it does when it is killed. Each
//! story starts the program as its users do, with a configuration in a file and the real clock.
//!
//! What the protocol says in all its cases is told elsewhere (`dev/testbed`), on a clock that tests move.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod accounts;
mod admin;
mod clients;
mod commands;
mod deadline;
mod demo;
mod doctor;
mod floods;
mod forward_auth;
mod house;
mod keys;
mod killed;
#[cfg(feature = "postgres-tests")]
mod killed_postgres;
mod line;
mod operators;
#[cfg(feature = "peers")]
mod peers;
mod program;
mod signals;
mod slow_clients;
mod tls;
mod together;
mod upstream;
mod visitor;
mod websocket;
