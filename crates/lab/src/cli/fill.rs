//! Puts the results of a run into the documents: what stands behind `<!-- lab:… -->` is made from the run and from nothing else.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use cloakroom_lab_report::{self as report, Cell, Evidence, Run};

/// Ends what was put in.
const END: &str = "<!-- lab:end -->";

/// Fills every document below the folder, and writes `lab/results.md` and `lab/results.json` there. Gives the names of the
/// documents that changed.
pub(super) fn fill(folder: &Path, run: &Run) -> Result<Vec<String>> {
    let mut changed = Vec::new();
    let lab = folder.join("lab");
    std::fs::write(lab.join("results.md"), report::markdown(run)).context("lab/results.md")?;
    std::fs::write(lab.join("results.json"), report::json(&bare(run))).context("lab/results.json")?;
    walk(folder, run, &mut changed)?;
    Ok(changed)
}

fn walk(folder: &Path, run: &Run, changed: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, run, changed)?;
        } else if path.extension().is_some_and(|ending| ending == "md") {
            let before = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let after = filled(&before, run);
            if after != before {
                std::fs::write(&path, after).with_context(|| path.display().to_string())?;
                changed.push(path.display().to_string());
            }
        }
    }
    Ok(())
}

/// The run without its evidence: small enough to be kept beside the documents.
fn bare(run: &Run) -> Run {
    let mut run = run.clone();
    for cell in &mut run.cells {
        cell.evidence = Evidence::default();
    }
    run
}

/// The document with everything that was put in before replaced.
fn filled(text: &str, run: &Run) -> String {
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some((kind, ids)) = asked(line) else { continue };
        // What an earlier run put in. Something is there only if it was ended.
        let rest: Vec<_> = lines.clone().collect();
        let ends = rest.iter().position(|line| *line == END || asked(line).is_some());
        if ends.and_then(|at| rest.get(at)).is_some_and(|line| *line == END) {
            for _ in 0..=ends.unwrap_or_default() {
                lines.next();
            }
        }
        let put = match kind {
            "cells" => cells(run, &ids),
            "usability" => usability(run, &ids),
            "defences" => defences(run, &ids),
            _ => summary(run),
        };
        if !put.is_empty() {
            let _ = writeln!(out, "{put}{END}");
        }
    }
    out
}

/// What a comment asks for.
fn asked(line: &str) -> Option<(&str, Vec<&str>)> {
    let inside = line.trim().strip_prefix("<!-- lab:")?.strip_suffix("-->")?;
    let mut words = inside.split_whitespace();
    let kind = words.next()?;
    matches!(kind, "cells" | "usability" | "defences" | "results").then(|| (kind, words.collect()))
}

fn cells(run: &Run, ids: &[&str]) -> String {
    let mut text = String::new();
    let states: Vec<_> = run.browsers.iter().filter(|browser| browser.not_run.is_none()).collect();
    for id in ids {
        let Some((strategy, attack)) = id.split_once(':') else { continue };
        for state in &states {
            let is_it = |cell: &&Cell| cell.browser == state.id && cell.strategy == strategy && cell.attack == attack;
            if let Some(cell) = run.cells.iter().find(is_it) {
                let why = cell.why.replace('|', "\\|").replace('\n', " ");
                let _ = writeln!(
                    text,
                    "| {strategy} x {attack} | {} | **{}** | {} |",
                    state.label(),
                    cell.verdict.word(),
                    report_cut(&why)
                );
            }
        }
    }
    if text.is_empty() {
        text
    } else {
        format!("\n| cell | browser | verdict | what was seen |\n|---|---|---|---|\n{text}\n")
    }
}

fn usability(run: &Run, ids: &[&str]) -> String {
    let mut text = String::new();
    for id in ids {
        let Some((strategy, column)) = id.split_once(':') else { continue };
        for cell in run.usability.iter().filter(|cell| cell.strategy == strategy && cell.usability == column) {
            let _ = writeln!(text, "| {strategy}, {column} | {} | {} |", cell.browser, cell.value.replace('|', "\\|"));
        }
    }
    if text.is_empty() { text } else { format!("\n| measured | browser | value |\n|---|---|---|\n{text}\n") }
}

fn defences(run: &Run, ids: &[&str]) -> String {
    let mut text = String::new();
    for defence in run.defences.iter().filter(|defence| ids.contains(&defence.id.as_str())) {
        for again in &defence.works_again {
            let _ = writeln!(
                text,
                "| {} | {} x {}, {} | {} | **{}** |",
                defence.title,
                again.strategy,
                again.attack,
                again.browser,
                again.with.word(),
                again.without.word()
            );
        }
        if defence.works_again.is_empty() {
            let _ = writeln!(text, "| {} | none of {} | | nothing changes |", defence.title, defence.tried);
        }
    }
    if text.is_empty() { text } else { format!("\n| without | cell | with | without |\n|---|---|---|---|\n{text}\n") }
}

fn summary(run: &Run) -> String {
    let mut text = format!(
        "\nThe last committed run began at {} and took {} minutes on {}.\n\n",
        run.began_at,
        run.took_seconds.div_ceil(60),
        run.machine
    );
    let _ = writeln!(text, "    {}\n", run.command);
    for browser in &run.browsers {
        let state = browser.not_run.as_ref().map_or_else(|| browser.version.clone(), |why| format!("not run: {why}"));
        let _ = writeln!(text, "- {}, {}: {state}", browser.name, browser.third_party_cookies.words());
    }
    text.push_str(
        "\nAll tables: [results.md](results.md); as data, without the evidence: [results.json](results.json).\n\n",
    );
    text
}

fn report_cut(text: &str) -> String {
    crate::world::cut(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_says_what_is_asked_for() {
        assert_eq!(asked("<!-- lab:cells S1:A1 S2:A1 -->"), Some(("cells", vec!["S1:A1", "S2:A1"])));
        assert_eq!(asked("<!-- lab:results -->"), Some(("results", vec![])));
        assert_eq!(asked("<!-- lab:results end -->"), Some(("results", vec!["end"])));
        assert_eq!(asked("<!-- lab:end -->"), None);
        assert_eq!(asked("plain"), None);
    }
}
