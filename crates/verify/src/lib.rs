//! For authors of APIs: verifies access tokens locally, without a call per request, and sees revocations.
//!
//! What follows is the README; it is compiled as a test.
//!
#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

mod address;
mod backoff;
mod bearer;
mod builder;
mod cache;
pub mod clock;
#[cfg(feature = "axum")]
mod extractor;
mod feed;
mod fetch;
mod keys;
mod layer;
mod marks;
mod problem;
mod sightings;
mod token;
mod verifier;

pub use address::BadAddress;
pub use builder::{BuildError, Builder};
pub use cloakroom_jose::Refused;
pub use feed::OnStale;
pub use layer::{Answer, Answering, Verify, VerifyLayer};
pub use problem::Refusal;
pub use token::AccessToken;
pub use verifier::{Status, Verifier};
