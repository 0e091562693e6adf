//! `cloakroom-lab`: runs every way of keeping a token against every known attack in real browsers, and shows what was stolen.
//! It knows Cloakroom by its sockets alone; none of its weaknesses is linked into the server.

mod attack;
mod beside;
mod catalogue;
mod cli;
mod dpop;
mod meddle;
mod person;
mod redeem;
mod run;
mod scene;
mod serve;
mod usability;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::WARN).init();
    cli::Lab::parse().run()
}
