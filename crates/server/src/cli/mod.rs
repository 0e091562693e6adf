//! The command line: one file per command. Exit code 0 when it did what was asked, 1 when it could not, 2 when it was asked
//! wrongly.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

mod accounts;
mod check;
mod clients;
mod doctor;
mod keys;
mod operator;
mod schema;
mod serve;
mod sessions;

use crate::config::{self, Config};
use crate::terminal::{Ending, say};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Cloakroom stands in front of a web application, owns log-in, sessions and tokens, and leaves the page nothing worth
/// stealing.
///
/// Try it first: `cloakroom demo` runs a complete system on this machine with nothing to configure.
#[derive(Parser)]
#[command(name = "cloakroom", version, propagate_version = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a complete working system with a sample application, nothing to configure.
    ///
    /// Starts the gateway on http://localhost:8080 and behind it the sample "Notes": a single-page app and its JSON API, on
    /// ports of their own. Mails are shown on a page instead of being sent. Accounts, notes, sessions and mails are kept in
    /// ./demo-data and are still there the next time.
    Demo(crate::demo::Demo),
    /// Run in front of your own applications.
    ///
    /// SIGTERM and Ctrl-C stop it gracefully. SIGHUP reads the configuration again and takes over upstreams and
    /// certificates without dropping a connection.
    Serve(ConfigFile),
    /// Read a configuration and report every mistake in it.
    Check(check::Check),
    /// Look at a deployment from outside, as a browser would, and say what the proxy and TLS in front of it do wrong.
    ///
    /// Logs nobody in and changes nothing: at most 40 requests, all GET, OPTIONS or TRACE, to the named host only. Run it from
    /// a machine that is neither the server nor inside its network.
    Doctor(doctor::Doctor),
    /// List, rotate or revoke the keys that tokens are made with.
    ///
    /// They are sealed in the store under the master key. A running server follows what is done here within seconds.
    Keys(keys::Keys),
    /// List the sessions of an account, or end sessions: one, all of an account, or all there are.
    Sessions(sessions::Sessions),
    /// List, show, open, disable, enable, recover, export, import or delete accounts.
    ///
    /// Works on the store, beside a running server, which sees what was done within a second. Programs can do the same by the
    /// admin listener (server.admin_token).
    Accounts(accounts::Accounts),
    /// List, register or remove services that get tokens at /auth/token.
    ///
    /// Works on the store, beside a running server, which knows them at once. Services can also stand in the configuration, as
    /// `[[client]]`.
    Clients(clients::Clients),
    /// Print the JSON Schema of the configuration, for editors.
    Schema,
    /// Print a page of the reference, for `cargo xtask generate`.
    #[command(hide = true)]
    Reference {
        /// Which.
        page: schema::Page,
    },
}

/// Where the configuration is.
#[derive(Args)]
pub(crate) struct ConfigFile {
    /// The configuration, in TOML. `cloakroom.example.toml` in the repository explains every key.
    #[arg(long, short, global = true, value_name = "FILE", env = "CLOAKROOM_CONFIG", default_value = "cloakroom.toml")]
    config: PathBuf,
}

/// The environment as text. What is no text is shown as such, and so refused where it is meant for us; what others
/// keep in theirs is their affair.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(demo) => demo.run(),
        Command::Serve(file) => serve::run(&file),
        Command::Check(check) => check.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Keys(keys) => keys.run(),
        Command::Sessions(sessions) => sessions.run(),
        Command::Accounts(accounts) => accounts.run(),
        Command::Clients(clients) => clients.run(),
        Command::Schema => Ok(schema::run()),
        Command::Reference { page } => Ok(schema::page(page)),
    };
    match done {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Misused) => ExitCode::from(2),
        Err(error) => {
            say(&format!("cloakroom: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

impl ConfigFile {
    /// Reads the configuration; says every mistake.
    pub(crate) fn read(&self) -> anyhow::Result<Option<Config>> {
        match self.parse()? {
            Ok(config) => Ok(Some(config)),
            Err(mistakes) => {
                let many =
                    if mistakes.len() == 1 { "1 mistake".into() } else { format!("{} mistakes", mistakes.len()) };
                say(&format!("cloakroom: {many} in {}:", self.config.display()));
                for mistake in mistakes {
                    say(&format!("  {mistake}"));
                }
                Ok(None)
            }
        }
    }

    fn parse(&self) -> anyhow::Result<Result<Config, Vec<config::Mistake>>> {
        /// A configuration is a page or two; this is a book.
        const MAX_BYTES: u64 = 1024 * 1024;
        let name = self.config.display();
        let size = std::fs::metadata(&self.config)
            .with_context(|| format!("cannot read {name}: name the configuration with --config FILE"))?
            .len();
        anyhow::ensure!(size <= MAX_BYTES, "{name} is larger than 1 MiB, which is no configuration");
        let text = std::fs::read_to_string(&self.config).with_context(|| format!("cannot read {name}"))?;
        Ok(config::parse(&text, environment()))
    }
}
