//! Accounts: opened, confirmed, recovered, changed by their owners; created, imported, given out and deleted by operators.

mod confirm;
mod email;
mod export;
mod operate;
mod password;
mod reset;
mod signup;

pub use export::Export;
pub use operate::{Created, Import};
