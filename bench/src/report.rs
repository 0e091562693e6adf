//! `latest.json` for programs and `latest.md` for people, written anew after every part.

use crate::figure::{Figure, Spread, short};
use crate::load::Load;
use crate::machine::Machine;
use crate::parts::Part;
use anyhow::{Context as _, Result};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

#[derive(Serialize)]
pub(crate) struct Report {
    machine: Machine,
    /// A short run proves nothing.
    quick: bool,
    parts: Vec<Measured>,
}

#[derive(Serialize)]
struct Measured {
    name: &'static str,
    title: &'static str,
    how: &'static str,
    load_before: Load,
    load_after: Load,
    under_load: bool,
    seconds: f64,
    figures: Vec<Figure>,
    /// Why there are no figures.
    failed: Option<String>,
}

impl Report {
    pub(crate) fn begin(machine: Machine, quick: bool) -> Self {
        Self { machine, quick, parts: Vec::new() }
    }

    pub(crate) fn add(&mut self, part: &Part, before: Load, after: Load, took: Duration, outcome: Result<Vec<Figure>>) {
        let (figures, failed) = match outcome {
            Ok(figures) => (figures, None),
            Err(error) => (Vec::new(), Some(format!("{error:#}"))),
        };
        for figure in &figures {
            println!("   {figure}");
        }
        if let Some(failed) = &failed {
            println!("   FAILED: {failed}");
        }
        self.parts.push(Measured {
            name: part.name,
            title: part.title,
            how: part.how,
            load_before: before,
            load_after: after,
            under_load: before.is_high() || after.is_high(),
            seconds: took.as_secs_f64(),
            figures,
            failed,
        });
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::write(folder.join("latest.json"), format!("{}\n", serde_json::to_string_pretty(self)?))?;
        Ok(std::fs::write(folder.join("latest.md"), self.text())?)
    }

    /// The report for people.
    pub(crate) fn text(&self) -> String {
        let mut text = "# Figures\n\n".to_owned();
        let goals = || self.parts.iter().flat_map(|part| &part.figures).filter_map(|figure| figure.reached);
        let failed = self.parts.iter().filter(|part| part.failed.is_some()).count();
        let _ = writeln!(
            text,
            "{} of {} goals reached; {failed} parts could not be measured. Written by `{}`; every ratio is the median of \
             the ratios of rounds that took turns.\n",
            goals().filter(|reached| *reached).count(),
            goals().count(),
            self.machine.command,
        );
        if self.quick {
            text.push_str("**A short run: it shows that everything works; its figures prove nothing.**\n\n");
        }
        if self.parts.iter().any(|part| part.under_load) {
            text.push_str(
                "**Something else kept the machine busy during a part marked below: not to be trusted.**\n\n",
            );
        }
        text.push_str(&machine(&self.machine));
        for part in &self.parts {
            text.push_str(&measured(part));
        }
        text
    }
}

fn machine(machine: &Machine) -> String {
    let Machine { date, commit, processor, processors, memory, kernel, disk, rustc, profile, nginx, wrk, .. } = machine;
    let Machine { sqlite, postgres, aws_lc_rs, command, .. } = machine;
    let mut text = "| measured with | |\n|---|---|\n".to_owned();
    let processor = format!("{processor}, {processors} processors");
    let rows = [
        ("command", command),
        ("date", date),
        ("commit", commit),
        ("processor", &processor),
        ("memory", memory),
        ("kernel", kernel),
        ("disk", disk),
        ("rustc", rustc),
        ("profile", profile),
        ("nginx", nginx),
        ("wrk", wrk),
        ("SQLite", sqlite),
        ("Postgres", postgres),
        ("aws-lc-rs", aws_lc_rs),
    ];
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {} |", value.replace('|', "\\|"));
    }
    text
}

fn measured(part: &Measured) -> String {
    let mut text = format!("\n## {}\n\n{}\n\n", part.title, part.how);
    let mark = if part.under_load { "**under load** — " } else { "" };
    let _ =
        writeln!(text, "{mark}before: {}; after: {}; took {:.0} s.\n", part.load_before, part.load_after, part.seconds);
    if let Some(failed) = &part.failed {
        let _ = writeln!(text, "**Could not be measured:** {failed}");
        return text;
    }
    text.push_str("| figure | measured | min … max | rounds | ours : theirs | goal | reached |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    for figure in &part.figures {
        let Spread { min, median, max } = figure.measured;
        let sides = figure.sides.as_ref().map_or_else(String::new, |sides| {
            format!("{} : {} {}", short(sides.ours.median), short(sides.theirs.median), sides.unit)
        });
        let goal = figure.goal.map_or_else(|| "–".to_owned(), |goal| goal.to_string());
        let _ = writeln!(
            text,
            "| {} | {} {} | {} … {} | {} | {sides} | {goal} | {} |",
            figure.name,
            short(median),
            figure.unit,
            short(min),
            short(max),
            figure.rounds,
            figure.verdict(),
        );
    }
    for figure in part.figures.iter().filter(|figure| !figure.note.is_empty()) {
        let _ = writeln!(text, "\n- {}: {}", figure.name, figure.note);
    }
    text
}
