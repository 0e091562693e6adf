//! Opening an account, and the pool that hashes passwords.

mod pool;
mod signup;

pub(crate) use pool::{Comparison, PasswordPool};
