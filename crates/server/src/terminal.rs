//! What the commands have in common: talking to the terminal, ending, the one secret of the environment.

use std::io::Write as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How a command ends.
pub(crate) enum Ending {
    /// It did what was asked.
    Done,
    /// It was asked wrongly; what is wrong was said.
    Misused,
}

/// The master key, if the environment holds it. A value that is no text is passed on as such, to be refused.
pub(crate) fn master_from_environment() -> Option<String> {
    std::env::var_os("CLOAKROOM_MASTER_KEY").map(|key| key.to_string_lossy().into_owned())
}

/// SIGTERM and Ctrl-C, from the moment of listening on.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one of them.
    pub(crate) async fn recv(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A line for a person, on stderr.
#[expect(clippy::print_stderr, reason = "the command line talks to people")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

/// A line of output, on stdout. Whoever has stopped reading it (`| head`) has had enough.
pub(crate) fn answer(line: &str) {
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// A runtime for a command that is done in a moment.
pub(crate) fn small_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
