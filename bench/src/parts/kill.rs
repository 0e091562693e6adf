//! The kill -9 storm: a test of the server that is run here with as many rounds as a release asks for.

use super::Part;
use crate::context::Context;
use crate::figure::{Figure, Goal};
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What the test reads its number of rounds from; it is also how the test is found.
const ROUNDS: &str = "CLOAKROOM_KILL_ROUNDS";

pub(super) const PART: Part = Part {
    name: "kill",
    title: "kill -9 storm",
    how: "The test of `crates/server/tests` that reads `CLOAKROOM_KILL_ROUNDS`: the server is killed in the midst of refreshes, \
          started again, and everything that it had answered must still be true.",
    tools: &[],
    builds: false,
    is_long: true,
    run,
};

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let (target, module) = find(cx)?;
    let mut command = Command::new("cargo");
    command.args(["test", "-p", "cloakroom-server", "--test", &target, &module]).current_dir(&cx.root);
    command.env(ROUNDS, cx.kill_rounds.to_string()).stderr(Stdio::inherit());
    let started = Instant::now();
    let output = command.output().context("cargo does not start")?;
    let seconds = started.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    // `test result: ok. 1 passed; …`: no test at all would pass as well.
    let passed = said.lines().find_map(|line| line.split_once(" passed;")?.0.rsplit(' ').next()?.parse::<u32>().ok());
    let passed = passed.context("the test does not build, or was broken off")?;
    ensure!(!output.status.success() || passed > 0, "no test has {module} in its name");
    let broken = if output.status.success() { 0.0 } else { 1.0 };
    let note = format!(
        "`{ROUNDS}={} cargo test -p cloakroom-server --test {target} {module}`: {passed} passed in {seconds:.0} s",
        cx.kill_rounds
    );
    Ok(vec![
        Figure::absolute("failed tests", "", &[broken]).goal(Goal::AtMost(0.0)).note(note),
        Figure::absolute("rounds", "", &[f64::from(cx.kill_rounds)]).note("kills"),
    ])
}

/// The test target, and the module of it that asks for the number of rounds.
fn find(cx: &Context) -> Result<(String, String)> {
    let mut found = Vec::new();
    for target in files(&cx.root.join("crates/server/tests"))? {
        let modules = if target.is_dir() { files(&target)? } else { vec![target.clone()] };
        for module in modules {
            if std::fs::read_to_string(&module).is_ok_and(|text| text.contains(ROUNDS)) {
                // In a target of one file, nothing names a module.
                let module = if module == target { String::new() } else { name(&module) };
                // The storm on Postgres needs a server beside it; it is a test of its own.
                if !module.ends_with("_postgres") {
                    found.push((name(&target), module));
                }
            }
        }
    }
    ensure!(found.len() == 1, "no test, or more than one, reads {ROUNDS}: {found:?}");
    found.pop().context("no test")
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("there is no {}", folder.display()))?;
    Ok(entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?)
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
