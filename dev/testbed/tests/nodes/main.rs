//! Stories of several nodes on one Postgres, over real sockets, and of what is promised of refreshing on both backends.
//!
//! `CLOAKROOM_TEST_POSTGRES` names a server in which databases may be made; stories that stop a server have one of their own.
//! Deliberately absent: what one node does by itself (`tests/it`), and how fast it is (`bench`).

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod answers;
mod database;
mod deadline;
mod device;
mod forgeries;
mod guesses;
mod notifications;
mod outage;
mod place;
mod provider_tokens;
mod restart;
mod revocation;
mod rows;
mod schema;
mod services;
mod start;
mod step_up;
mod streams;
mod thieves;

/// Past the life of an access token.
const EXPIRED: u64 = 301;

/// Longer than any two round trips that are believed.
const LONG: u64 = 60;

const ACCESS: &str = "__Host-Http-cloakroom";
const REFRESH: &str = "__Secure-cloakroom-refresh";
