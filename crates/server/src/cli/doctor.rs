//! `cloakroom doctor`.

use super::environment;
use crate::terminal::{Ending, answer, say, small_runtime};
use anyhow::Context as _;
use clap::Args;
use cloakroom_doctor::{Clock, Options, Shape, Target, examine, listed};
use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// A list of authorities is not larger, in bytes.
const MAX_AUTHORITIES: u64 = 1024 * 1024;

#[derive(Args)]
#[command(after_help = checks())]
pub(super) struct Doctor {
    /// The origin that people type, as in server.public_url, such as `https://app.example.com`
    url: String,
    /// Answer as JSON; docs/operate/doctor.md tells its fields.
    #[arg(long)]
    json: bool,
    /// Believe the authorities in this file (PEM) instead of those that this machine trusts.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How long one request may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=120))]
    timeout: u64,
    /// Leave a check out; can be repeated.
    #[arg(long, value_name = "ID")]
    skip: Vec<String>,
    /// Where the admin listener would be, which should not be reachable.
    #[arg(long, value_name = "PORT", default_value_t = 9090)]
    admin_port: u16,
    /// Where people come by plain http. Default: 80, if the site is on the usual port of https.
    #[arg(long, value_name = "PORT")]
    http_port: Option<u16>,
}

/// What `--help` tells of the checks and the exit code.
fn checks() -> String {
    let lines: Vec<_> = listed().map(|check| format!("  {:<13}{}", check.id, check.title)).collect();
    format!(
        "Checks:\n{}\n\nExit code: 0 when nothing is wrong as far as could be told, 1 when there are findings, 2 when there was \
         nothing to examine.\n\nExamples:\n  cloakroom doctor https://app.example.com\n  cloakroom doctor https://app.internal \
         --ca company.pem --skip redirect\n  cloakroom doctor https://app.example.com --json > report.json",
        lines.join("\n")
    )
}

impl Doctor {
    pub(super) fn run(&self) -> anyhow::Result<Ending> {
        let target = match Target::parse(&self.url) {
            Ok(target) => target,
            Err(why) => return Ok(misused(&why)),
        };
        let authorities = match self.authorities() {
            Ok(authorities) => authorities,
            Err(error) => return Ok(misused(&format!("{error:#}"))),
        };
        let options = Options {
            authorities,
            timeout: Duration::from_secs(self.timeout),
            skip: self.skip.clone(),
            admin_port: self.admin_port,
            http_port: self.http_port,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let shows_progress = std::io::stderr().is_terminal();
        let progress = move |title: &str| {
            if shows_progress {
                say(&format!("… {title}"));
            }
        };
        #[expect(clippy::disallowed_methods, reason = "the doctor compares the machine's clock with the server's")]
        let clock = Clock::new(SystemTime::now);
        let report = match small_runtime()?.block_on(examine(target, &options, clock, &progress)) {
            Ok(report) => report,
            Err(why) => return Ok(misused(&why)),
        };
        let text = if self.json { report.json() } else { report.text(Shape { has_colours: wants_colours() }) };
        answer(text.trim_end());
        match report.findings() {
            0 => Ok(Ending::Done),
            1 => anyhow::bail!("1 finding"),
            many => anyhow::bail!("{many} findings"),
        }
    }

    fn authorities(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(path) = &self.ca else { return Ok(None) };
        let name = path.display();
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {name}"))?;
        let mut pem = Vec::new();
        file.take(MAX_AUTHORITIES + 1).read_to_end(&mut pem).with_context(|| format!("cannot read {name}"))?;
        Ok(Some(pem))
    }
}

fn misused(why: &dyn std::fmt::Display) -> Ending {
    say(&format!("cloakroom: {why}"));
    Ending::Misused
}

/// On a terminal that does not object (<https://no-color.org>).
fn wants_colours() -> bool {
    let objects = environment().any(|(name, value)| match name.as_str() {
        "NO_COLOR" => !value.is_empty(),
        "TERM" => value == "dumb",
        _ => false,
    });
    std::io::stdout().is_terminal() && !objects
}
