//! `cargo xtask`: the development commands that Cargo itself does not have.
//!
//! It only starts other programs and reports what they said. The laws of the repository are ordinary tests
//! (`dev/xtask/tests/tidy`), so that plain `cargo test` runs them too.

mod bench;
mod generate;
mod shell;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development commands of Cloakroom.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    after_help = "Plain `cargo test` needs only Rust and a C compiler. `cargo xtask test` is the whole examination:\n\
                  it adds browsers, foreign clients and linters, and installs what of them is missing."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, then run every check there is.
    #[command(after_help = test::help())]
    Test(test::Options),
    /// Measure side by side against nginx, SQLite, Postgres and the bare cryptography; results land in bench/results/.
    Bench(bench::Options),
    /// Write every generated file anew, or check that all are fresh.
    #[command(after_help = generate::help())]
    Generate(generate::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Test(options) => test::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Generate(options) => generate::run(&options),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
