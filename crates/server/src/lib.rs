//! Configuration, wiring, lifecycle, command line. An `if` about users has no place here.
//!
//! Start reading at [`serve::start`]: it puts the house together.

pub mod cli;
pub mod config;
pub mod demo;
mod foreign_account;
mod log;
pub mod master_key;
pub mod network;
mod reference;
pub mod serve;
mod shown;
mod terminal;
