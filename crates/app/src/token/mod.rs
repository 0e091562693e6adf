//! Tokens in use: minting them, verifying them without a lookup, and noting that they were used.

mod form;
mod mint;
mod sighting;
mod verified;

pub use form::Binding;
pub(crate) use sighting::Sightings;
pub use verified::Seen;
pub(crate) use verified::Verified;
