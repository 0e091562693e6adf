//! Every bank by requests, without a browser: its whole function, its refusals, and the weakness that it is there for.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod controls;
mod dbsc;
mod device;
mod dpop;
mod function;
mod refusals;
mod visitor;
