//! The sample over real sockets: its API with an issuer of the tests' own, and its page.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod api;
mod issuer;
mod live;
