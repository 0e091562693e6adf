//! `cargo xtask test`: installs what is missing, runs every step to its end, and prints one table.
//!
//! It does not stop at the first failure: one run tells everything there is to mend.

mod install;
mod need;
#[expect(dead_code, reason = "it is the testbed's, which uses all of it")]
#[path = "../../../testbed/src/postgres/server.rs"]
mod server;
mod step;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use clap::builder::PossibleValuesParser;

use self::install::Ready;
use self::step::{Environment, STEPS, Step};

/// Exit code for "something is missing", apart from 1 for "a check failed".
const MISSING: u8 = 2;

#[derive(Args)]
pub(crate) struct Options {
    /// Install nothing; name what is missing and end with 2.
    #[arg(long)]
    no_install: bool,
    /// Run only this step; may be given several times.
    #[arg(long, value_name = "STEP", value_parser = PossibleValuesParser::new(STEPS.iter().map(|step| step.name)))]
    only: Vec<String>,
}

pub(crate) fn help() -> String {
    let rows = STEPS.iter().map(|step| format!("  {:<10} {}\n", step.name, step.proves));
    format!(
        "Steps:\n{}\nInstalled when missing: Debian packages (as root), cargo-deny and axe-core into target/tools, npm\n\
         packages into client/node_modules, dev/providers/oidc-provider/node_modules and below examples/, foreign token\n\
         libraries into target/interop, Keycloak and the Python packages of examples/fastapi into the cache of this user.\n\
         It says which before it does.\n\n\
         Exit codes: 0 all passed; 1 a step failed; 2 something is missing and was not installed.",
        rows.collect::<String>()
    )
}

#[expect(clippy::print_stdout, reason = "its report is its output")]
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let chosen = |step: &&Step| options.only.is_empty() || options.only.iter().any(|name| name == step.name);
    let steps: Vec<&Step> = STEPS.iter().filter(chosen).collect();
    if matches!(install::install(&need::missing(&steps), options.no_install)?, Ready::No) {
        return Ok(ExitCode::from(MISSING));
    }
    let environment = step::environment(&steps)?;
    for remark in &environment.remarks {
        println!("{remark}");
    }
    let results: Vec<(&Step, Outcome, Duration)> =
        steps.into_iter().map(|step| carry_out(step, &environment)).collect();
    println!("\n{:<10} {:<7} {:>8}", "step", "result", "seconds");
    for (step, outcome, took) in &results {
        println!("{:<10} {:<7} {:>8.1}", step.name, outcome.word(), took.as_secs_f64());
    }
    for remark in &environment.remarks {
        println!("{remark}");
    }
    for (step, outcome, _) in &results {
        if let Outcome::Skipped(why) = outcome {
            println!("{}: SKIPPED, {why}", step.name);
        }
    }
    let failed = results.iter().filter(|(_, outcome, _)| *outcome == Outcome::Failed).count();
    println!("{failed} of {} steps failed", results.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped(&'static str),
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// Runs one step's calls up to the first that fails.
#[expect(clippy::print_stdout, reason = "its report is its output")]
fn carry_out<'a>(step: &'a Step, environment: &Environment) -> (&'a Step, Outcome, Duration) {
    println!("\n=== {}: {}", step.name, step.proves);
    let start = Instant::now();
    let all_pass = || {
        step.calls.iter().all(|call| {
            println!("$ {call}");
            call.succeeds(&environment.variables).unwrap_or_else(|error| {
                println!("error: {error:#}");
                false
            })
        })
    };
    let outcome = match (step.skip)() {
        Some(why) => Outcome::Skipped(why),
        None if all_pass() => Outcome::Passed,
        None => Outcome::Failed,
    };
    let took = start.elapsed();
    println!("=== {}: {} after {:.1} s", step.name, outcome.word(), took.as_secs_f64());
    (step, outcome, took)
}
