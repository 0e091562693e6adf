//! The store on a server of its own: crashes under load, and TLS.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod crash;
#[expect(dead_code, reason = "it is the testbed's, which shows it and uses all of it")]
#[path = "../../../../dev/testbed/src/postgres/server.rs"]
mod server;
mod tls;
