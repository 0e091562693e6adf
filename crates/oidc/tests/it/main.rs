//! The relying party against providers that behave, and against those that do not. The network is `fake`; keys are
//! real.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod authorize;
mod caches;
mod client;
mod discovery;
mod fake;
mod id_token;
mod impostors;
mod log_out;
mod redeem;
mod refresh;
