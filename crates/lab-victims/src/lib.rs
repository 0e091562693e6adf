//! A small bank, once for every way to keep a log-in in a browser, written the way tutorials write it.
//!
//! The victims of the attack lab: log in, see a profile, change the address or the password, transfer money, write a
//! blog post that an administrator previews (the stored script), delete the account. `Bank` takes requests and gives
//! answers; it opens no socket, knows no attacker and passes no verdict, but it says what was done ([`Deed`]).
//! **Weak on purpose.** No other crate than the lab may link it, and passwords are salted SHA-256, since the lab logs in
//! thousands of times.

mod accounts;
mod ask;
mod bank;
mod catalogue;
mod codes;
mod deeds;
mod gadgets;
mod keeping;
mod manner;
mod page;
mod proof;
mod reply;
mod secret;
mod service;
mod token;
mod wiring;
mod world;

pub use bank::Bank;
pub use catalogue::{Kind, StrategyInfo, falls};
pub use deeds::{Deed, What};
