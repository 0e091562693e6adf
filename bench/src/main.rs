//! `cargo xtask bench`: measures the figures of the design, each beside what it is compared with, in one run on one
//! machine, and writes `results/`.
//!
//! Every comparison is made in rounds that take turns (A B, B A, …) and is the median of the rounds' ratios, because a
//! machine drifts. Deliberately absent: any judgement that fails a build; a missed goal is written down, not hidden.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a developer's program: it ends with a message, its report is its output, and counts are far below 2^52"
)]

mod apache;
mod context;
mod figure;
mod http;
mod jar;
mod load;
mod machine;
mod nginx;
mod parts;
mod person;
mod postgres;
mod process;
mod report;
mod resident;
mod rounds;
mod server;
mod statistics;
mod tools;
mod wire;
mod wrk;

use anyhow::{Context as _, Result};
use clap::Parser;
use context::Context;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// Measures Cloakroom side by side against nginx, SQLite, Postgres and the bare cryptography.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    /// A short run that shows that everything works; its figures prove nothing.
    #[arg(long)]
    quick: bool,
    /// Only these parts; the results then go to bench/work unless --out says otherwise.
    #[arg(long, value_name = "PART", value_delimiter = ',', value_parser = parts::names())]
    only: Vec<String>,
    /// The folder of latest.json and latest.md. Default: bench/results.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Install nothing; end when nginx, wrk or Postgres is missing.
    #[arg(long)]
    no_install: bool,
    /// End instead of measuring while something else keeps the processors busy.
    #[arg(long)]
    refuse_load: bool,
    /// Rounds of the kill -9 storm.
    #[arg(long, default_value_t = 200)]
    kill_rounds: u32,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let root = context::root();
    let chosen = parts::chosen(&arguments.only, arguments.quick);
    let needed: Vec<_> = chosen.iter().flat_map(|part| part.tools).copied().collect();
    tools::ensure_there(&needed, arguments.no_install)?;
    let cx = Context::prepare(&root, arguments.quick, arguments.kill_rounds)?;
    if chosen.iter().any(|part| part.builds) {
        build_server(&root)?;
    }
    let out = arguments
        .out
        .unwrap_or_else(|| root.join(if arguments.only.is_empty() { "bench/results" } else { "bench/work" }));
    let mut report = report::Report::begin(machine::look(&root), arguments.quick);
    for part in chosen {
        let before = load::wait_for_quiet(if arguments.quick { 3 } else { 30 })?;
        if before.is_high() {
            println!("\n!!! {before}: something else is at work; the figures below are not to be trusted !!!");
            anyhow::ensure!(!arguments.refuse_load, "refused to measure under load (--refuse-load)");
        }
        println!("\n== {}: {} ({before})", part.name, part.title);
        let started = Instant::now();
        let figures = catch_unwind(AssertUnwindSafe(|| (part.run)(&cx)));
        let figures = figures.unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked; see above")));
        report.add(part, before, load::now(), started.elapsed(), figures);
        report.write(&out)?;
    }
    drop(cx);
    println!("\n{}", report.text());
    println!("written to {}/latest.md and latest.json", out.display());
    Ok(ExitCode::SUCCESS)
}

/// The program that is measured is the one that ships: built as a release builds it, with its own features only.
fn build_server(root: &std::path::Path) -> Result<()> {
    println!("building the server ...");
    let mut build = Command::new("cargo");
    build.args(["build", "-p", "cloakroom-server", "--bin", "cloakroom"]).current_dir(root);
    build.args(context::is_release().then_some("--release")).env("CARGO_TARGET_DIR", root.join("target"));
    anyhow::ensure!(build.status().context("cargo does not start")?.success(), "the server does not build");
    Ok(())
}
