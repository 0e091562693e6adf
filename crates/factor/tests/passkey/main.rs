//! Ceremonies with an authenticator in software: the honest ones, and everything that has to be refused.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod authenticator;
mod browser;
mod honest;
mod refused;
mod vectors;
