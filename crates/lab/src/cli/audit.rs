//! `cloakroom-lab audit`: looks at the user's own site. What is looked at, and how, is in `cloakroom-lab-audit`; here is who may be
//! looked at, and where the report goes.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use cloakroom_browser::Engine;
use cloakroom_lab_audit::{Login, Options, Person, Report, Script, Target};

use super::answer;

/// Not possible as asked.
const REFUSED: u8 = 2;
/// No script is larger.
const LARGEST_SCRIPT: u64 = 1 << 20;
/// Nobody types more than this.
const LONGEST_LINE: u64 = 4096;

/// Which site to look at, and how.
#[derive(Args)]
pub(crate) struct Audit {
    /// Where to begin, such as <http://localhost:3000/>
    url: String,
    /// The steps of a log-in and a log-out, in TOML; docs/lab/audit.md shows one
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// In which browser
    #[arg(long, value_enum, default_value_t = BrowserName::Chromium)]
    browser: BrowserName,
    /// Shows the browser on the screen; without a script you log in there by hand
    #[arg(long)]
    headed: bool,
    /// Also sends what another site would: forged requests, changed redirects, foreign origins. It changes what it touches
    #[arg(long)]
    active: bool,
    /// A host beside this machine that is yours to look at; the URL's own among them
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Prints the report as JSON
    #[arg(long)]
    json: bool,
    /// Also writes audit.md and audit.json there
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BrowserName {
    Chromium,
    Firefox,
    Webkit,
}

impl Audit {
    /// Carries it out. Exit codes: 0 nothing of severity high was found, 1 something was, 2 not possible as asked.
    pub(crate) fn run(self) -> ExitCode {
        match self.report() {
            Ok(report) if report.has_high() => ExitCode::FAILURE,
            Ok(_) => ExitCode::SUCCESS,
            Err(error) => {
                say(&format!("cloakroom-lab: {error:#}\n"));
                ExitCode::from(REFUSED)
            }
        }
    }

    fn report(self) -> Result<Report> {
        let target = Target::new(&self.url, &self.host)?;
        let login = match &self.script {
            Some(file) => Login::Script(read(file)?),
            None if self.headed => Login::ByHand(Arc::new(Terminal)),
            None => Login::Nobody,
        };
        if matches!(login, Login::ByHand(_)) && !std::io::stdin().is_terminal() {
            bail!("--headed without --script asks questions on a terminal, and there is none");
        }
        confirm(&target)?;
        let engine = match self.browser {
            BrowserName::Chromium => Engine::Chromium,
            BrowserName::Firefox => Engine::Firefox,
            BrowserName::Webkit => Engine::WebKit,
        };
        let options = Options { engine, headed: self.headed, active: self.active };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting")?;
        let report = runtime.block_on(cloakroom_lab_audit::audit(&target, login, &options))?;
        if let Some(folder) = &self.out {
            write(folder, &report)?;
        }
        answer(&if self.json { report.json() } else { report.text() });
        Ok(report)
    }
}

/// On a terminal the name of each host that is not this machine is typed once more.
fn confirm(target: &Target) -> Result<()> {
    if !std::io::stdin().is_terminal() {
        return Ok(());
    }
    for host in target.to_confirm() {
        say(&format!("Audit only what is yours. To go on, type the name of the host {host} once more: "));
        if line()? != host {
            bail!("that is not {host}; nothing was done");
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<Script> {
    let mut text = String::new();
    let opened = std::fs::File::open(file).with_context(|| file.display().to_string())?;
    opened.take(LARGEST_SCRIPT).read_to_string(&mut text).with_context(|| file.display().to_string())?;
    Script::read(&text, |name| std::env::var_os(name)?.into_string().ok()).with_context(|| file.display().to_string())
}

fn write(folder: &Path, report: &Report) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (name, text) in [("audit.md", report.markdown()), ("audit.json", report.json())] {
        let file = folder.join(name);
        std::fs::write(&file, text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// Somebody at the terminal.
struct Terminal;

impl Person for Terminal {
    fn ask(&self, what: &str) -> Result<()> {
        say(&format!("{what}\n"));
        line().map(|_| ())
    }
}

/// A line from the terminal, in lower case. The end of the input is an error.
fn line() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(LONGEST_LINE).read_line(&mut text)?;
    if text.is_empty() {
        bail!("nobody answered");
    }
    Ok(text.trim().to_ascii_lowercase())
}

/// To standard error, since standard output is the report.
fn say(text: &str) {
    // There is nobody to tell if this fails.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
