//! `cloakroom-lab report`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, ValueEnum};
use cloakroom_lab_report as report;

use super::{Ending, answer};

/// What to make out of a run.
#[derive(Args)]
pub(crate) struct Report {
    /// The run.json of a run; not needed for the schema
    #[arg(required_unless_present = "schema")]
    run: Option<PathBuf>,
    /// An earlier run.json to compare with
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
    /// A run.json of the same browsers to take the table of defences from; the report says so
    #[arg(long, value_name = "FILE")]
    defences: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Form::Html)]
    form: Form,
    /// Fills the documents below this folder with the results, instead of printing
    #[arg(long, value_name = "FOLDER")]
    docs: Option<PathBuf>,
    /// Prints the JSON Schema of run.json instead
    #[arg(long)]
    schema: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// One self-contained page
    Html,
    /// Markdown tables
    Markdown,
    /// What changed since --before, as text
    Changes,
}

impl Report {
    pub(crate) fn run(self) -> Result<Ending> {
        if self.schema {
            answer(&report::schema());
            return Ok(Ending::Good);
        }
        let mut run = read(self.run.as_deref().context("which run.json?")?)?;
        if let Some(file) = &self.defences {
            take_defences(&mut run, read(file)?)?;
        }
        if let Some(folder) = &self.docs {
            for name in super::fill::fill(folder, &run)? {
                answer(&format!("filled {name}\n"));
            }
            return Ok(Ending::Good);
        }
        let before = self.before.as_deref().map(read).transpose()?;
        answer(&match self.form {
            Form::Html => report::page(&run, before.as_ref()),
            Form::Markdown => report::markdown(&run),
            Form::Changes => {
                let before = before.context("--form changes needs --before FILE")?;
                report::compare(&before, &run).text()
            }
        });
        Ok(Ending::Good)
    }
}

fn read(file: &Path) -> Result<report::Run> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    report::read(&bytes).with_context(|| file.display().to_string())
}

/// Replaces the table of defences by that of another run.
fn take_defences(run: &mut report::Run, other: report::Run) -> Result<()> {
    let versions = |run: &report::Run| -> Vec<_> {
        run.browsers.iter().map(|browser| (browser.id.clone(), browser.version.clone())).collect()
    };
    ensure!(versions(run) == versions(&other), "the two runs were made in different browsers");
    run.defences_from = Some(format!("{}, {} s, {}", other.began_at, other.took_seconds, other.command));
    run.defences = other.defences;
    Ok(())
}
