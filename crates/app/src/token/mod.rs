//! Tokens in use: minting them, verifying them without a lookup, and noting that they were used.

mod credential;
mod form;
mod mint;
mod sighting;
mod streams;
mod ticket;
mod told;
mod verified;

pub use credential::Credential;
pub use form::Binding;
pub(crate) use mint::{ACCESS_TYPE, OUR_CLIENT, jti};
pub(crate) use sighting::Sightings;
pub use streams::Stream;
pub(crate) use streams::Streams;
pub use told::Address;
pub use verified::Seen;
pub(crate) use verified::Verified;
