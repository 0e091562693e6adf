//! What the commands have in common: talking to the terminal, ending, the one secret of the environment.

/// How a command ends.
pub(crate) enum Ending {
    /// It did what was asked.
    Done,
    /// It was asked wrongly; what is wrong was said.
    Misused,
}

/// The master key, if the environment holds it.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub(crate) fn master_from_environment() -> Option<String> {
    std::env::var("CLOAKROOM_MASTER_KEY").ok()
}

/// A line for a person, on stderr.
#[expect(clippy::print_stderr, reason = "the command line talks to people")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

/// A line of output, on stdout.
#[expect(clippy::print_stdout, reason = "the command line answers on stdout")]
pub(crate) fn answer(line: &str) {
    println!("{line}");
}

/// A runtime for a command that is done in a moment.
pub(crate) fn small_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
