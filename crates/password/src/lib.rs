//! Passwords: the pool that hashes them, the hashes of other systems that it can read, and how easily one is guessed.
//!
//! It decides nothing about accounts: who may try how often is the business of its callers. It keeps nothing but
//! the memory of its threads.

#![warn(missing_docs)]

mod attempt;
mod error;
mod foreign;
mod pool;
mod settings;
mod stored;
pub mod strength;
mod worker;

pub use attempt::Attempt;
pub use error::{Error, Fault};
pub use foreign::{Imported, foreign};
pub use pool::PasswordPool;
pub use settings::Hashing;
pub use stored::{NotAHash, Scheme};
pub use strength::Weak;
pub use worker::Comparison;
