//! `cargo xtask bench`: builds the benchmarks in release mode and hands them the arguments.
//!
//! It measures nothing itself; `bench/` knows the figures and writes `bench/results/`.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::Args;

use crate::shell;

#[derive(Args)]
pub(crate) struct Options {
    /// A short run that shows that everything works; its figures prove nothing.
    #[arg(long)]
    quick: bool,
    /// Further arguments for the benchmark program itself.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let mut command = Command::new("cargo");
    command.args(["run", "--release", "-p", "cloakroom-bench", "--"]).current_dir(shell::root());
    command.args(options.quick.then_some("--quick")).args(&options.rest);
    let status = command.status().context("failed to start cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
