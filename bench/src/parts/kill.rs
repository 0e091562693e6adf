//! The kill -9 storm: a test of the server that is run here with as many rounds as a release asks for.

use super::Part;
use crate::context::Context;
use crate::figure::{Figure, Goal};
use anyhow::{Context as _, Result, ensure};
use std::process::Command;
use std::time::Instant;

/// What the test reads its number of rounds from; it is also how the test is found.
const ROUNDS: &str = "CLOAKROOM_KILL_ROUNDS";

pub(super) const PART: Part = Part {
    name: "kill",
    title: "kill -9 storm",
    how: "The test of `crates/server/tests` that reads `CLOAKROOM_KILL_ROUNDS`: the server is killed in the midst of refreshes, \
          started again, and everything that it had answered must still be true.",
    needs_tools: false,
    builds: false,
    is_long: true,
    run,
};

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let test = find(cx)?;
    let mut command = Command::new("cargo");
    command.args(["test", "-p", "cloakroom-server", "--test", &test]).current_dir(&cx.root);
    command.env(ROUNDS, cx.kill_rounds.to_string());
    let started = Instant::now();
    let passed = command.status().context("cargo does not start")?.success();
    let seconds = started.elapsed().as_secs_f64();
    let broken = if passed { 0.0 } else { 1.0 };
    let note = format!("`{ROUNDS}={} cargo test -p cloakroom-server --test {test}`, {seconds:.0} s", cx.kill_rounds);
    Ok(vec![
        Figure::absolute("failed tests", "", &[broken]).goal(Goal::AtMost(0.0)).note(note),
        Figure::absolute("rounds", "", &[f64::from(cx.kill_rounds)]).note("kills"),
    ])
}

/// The name of the test target: a file in `tests`, or a folder with a `main.rs`.
fn find(cx: &Context) -> Result<String> {
    let folder = cx.root.join("crates/server/tests");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).context("the server has no tests folder yet")? {
        let path = entry?.path();
        let files = if path.is_dir() {
            std::fs::read_dir(&path)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?
        } else {
            vec![path.clone()]
        };
        let texts = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
        if texts.into_iter().any(|text| text.contains(ROUNDS)) {
            found.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    ensure!(found.len() == 1, "no test, or more than one, reads {ROUNDS}: {found:?}");
    found.pop().context("no test")
}
