//! The browser drivers against the real browsers and tiny servers on loopback.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod every;
mod extensions;
mod launching;
mod pages;
mod processes;
mod profiles;
mod screens;
mod site;
mod webkit;
mod without_scripts;
mod world;
