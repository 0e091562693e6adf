//! The gateway between real sockets: raw clients on one side, raw or hyper upstreams on the other.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod forwarding;
mod framing;
mod harness;
mod identity;
mod lifetimes;
mod paths;
mod step_up;
mod streams;
mod tls;
mod websocket;
mod websocket_close;
