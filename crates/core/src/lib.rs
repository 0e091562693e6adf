//! Every decision that Cloakroom makes, as pure functions over values.
//!
//! Architecture invariant: nothing here awaits, reads a clock, makes randomness, or knows HTTP or SQL.
//! Time arrives as a [`time::Timestamp`], entropy as bytes; a judgement answers with an order to carry
//! out, or a refusal. That is what lets the refresh protocol be explored by a model checker and the
//! whole program be tested on one manual clock.

#![warn(missing_docs)]

pub mod access;
pub mod account;
pub mod approval;
pub mod custody;
mod derived;
pub mod device;
pub mod event;
pub mod id;
pub mod keyring;
pub mod letter;
pub mod limit;
pub mod refresh;
pub mod return_to;
pub mod secret;
pub mod service;
pub mod session;
pub mod ticket;
pub mod time;
