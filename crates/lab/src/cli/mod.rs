//! The command line. What a command does is in a file of its own.

mod audit;
mod explain;
mod fill;
mod report;
mod run;
mod serve;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Every way to store a token, under every known attack, in real browsers: what was stolen is shown, not asserted.
#[derive(Parser)]
#[command(
    name = "cloakroom-lab",
    version,
    after_help = "Begin with `cloakroom-lab run --strategy S1,cloakroom-cookie --attack A1,C1`, then open the page that it names."
)]
pub(crate) struct Lab {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs attacks in browsers and writes the report
    Run(run::Run),
    /// Prints the story of an attack, a strategy or an exhibit: how it works, what stops it, and the sources
    Explain(explain::Explain),
    /// Makes the page, the text or a comparison out of the JSON file of a run
    Report(report::Report),
    /// Looks at your own site: what a script in it could read, what another site could do
    Audit(audit::Audit),
    /// Opens the same world to click through: the victim's window, and the attacker's console beside it
    Serve(serve::Serve),
}

/// How a command ended that did what it was asked to.
pub(crate) enum Ending {
    Good,
    /// Something about Cloakroom is worse than it was.
    Worse,
}

impl Lab {
    /// Carries it out. Exit codes: 0 good, 1 worse than the baseline or failed, 2 not possible as asked (by clap).
    pub(crate) fn run(self) -> ExitCode {
        let ended = match self.command {
            Command::Audit(audit) => return audit.run(),
            Command::Run(run) => run.run(),
            Command::Explain(explain) => explain.run(),
            Command::Report(report) => report.run(),
            Command::Serve(serve) => serve.run(),
        };
        match ended {
            Ok(Ending::Good) => ExitCode::SUCCESS,
            Ok(Ending::Worse) => ExitCode::FAILURE,
            Err(error) => {
                // There is nobody to tell if this fails.
                let _ = writeln!(std::io::stderr(), "cloakroom-lab: {error:#}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Writes to standard output; an error there (a closed pipe) is nobody's business.
pub(crate) fn answer(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
