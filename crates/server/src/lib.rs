//! Configuration, wiring, lifecycle, command line. An `if` about users has no place here.
//!
//! Start reading at [`serve::start`]: it puts the house together.

pub mod cli;
pub mod config;
mod demo;
mod log;
mod master_key;
pub mod serve;
