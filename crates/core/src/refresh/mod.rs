//! The refresh protocol: what a presented refresh token means, and what to do about it.
//!
//! The contract is `docs/protocol/refresh.md`. This module judges; it neither derives nor compares a MAC
//! (`jose`), and it neither reads nor writes a row (`store`). A deployment that turns sightings off pays for
//! it with [`Policy::sightings`].

mod family;
mod judge;
mod wire;

pub use family::{EndReason, Ended, Family, Version};
pub use judge::{Beside, Policy, Presented, Refusal, Repeat, Replay, Rotate, Verdict, judge, renew};
pub use wire::RefreshToken;
