//! `cargo xtask generate`: every file that a program writes and a person commits, in one table.
//!
//! `--check` changes nothing: a stale file is reported and left as it was.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::shell::{self, Call};

#[derive(Args)]
pub(crate) struct Options {
    /// Write nothing; end with 1 when a committed file differs from what would be generated.
    #[arg(long)]
    check: bool,
}

/// Committed files and the program that makes them.
struct Generated {
    files: &'static [&'static str],
    call: Call,
    writes: Writes,
}

/// Where the program leaves its work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writes {
    /// On standard output: the content of the row's only file.
    Output,
    /// Into the files themselves.
    Files,
}

const TABLE: &[Generated] = &[
    Generated {
        files: &[
            "client/dist/client.js",
            "client/dist/approve.js",
            "client/dist/pages.js",
            "client/dist/client.d.ts",
            "client/dist/index.js",
            "client/dist/index.d.ts",
            "client/dist/react.js",
            "client/dist/react.d.ts",
        ],
        call: Call::new("npm", &["run", "--silent", "build"]).inside("client"),
        writes: Writes::Files,
    },
    Generated {
        files: &["docs/reference/cloakroom.schema.json"],
        // All features and all packages, so that it is the build that the tests have just made.
        call: Call::new("cargo", &["run", "--quiet", "--all-features", "--bin", "cloakroom", "--", "schema"]),
        writes: Writes::Output,
    },
    Generated {
        files: &["docs/reference/configuration.md"],
        call: Call::new(
            "cargo",
            &["run", "--quiet", "--all-features", "--bin", "cloakroom", "--", "reference", "configuration"],
        ),
        writes: Writes::Output,
    },
    Generated {
        files: &["docs/reference/routes.md"],
        call: Call::new(
            "cargo",
            &["run", "--quiet", "--all-features", "--bin", "cloakroom", "--", "reference", "routes"],
        ),
        writes: Writes::Output,
    },
    Generated {
        files: &["docs/reference/openapi.json"],
        call: Call::new(
            "cargo",
            &["run", "--quiet", "--all-features", "--bin", "cloakroom", "--", "reference", "openapi"],
        ),
        writes: Writes::Output,
    },
];

pub(crate) fn help() -> String {
    let rows = TABLE.iter().map(|row| format!("  {}\n    by {}\n", row.files.join(" "), row.call));
    format!("Generated files:\n{}", rows.collect::<String>())
}

#[expect(clippy::print_stdout, reason = "its report is its output")]
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let mut stale = 0;
    for row in TABLE {
        let before = read(row);
        let output = row.call.output()?;
        for (file, before) in row.files.iter().zip(before) {
            let fresh = match row.writes {
                Writes::Output => output.clone(),
                Writes::Files => {
                    fs::read(target(file)).with_context(|| format!("`{}` did not write {file}", row.call))?
                }
            };
            let verdict = match (before.as_deref() == Some(fresh.as_slice()), options.check) {
                (true, _) => "fresh",
                (false, true) => {
                    stale += 1;
                    restore(file, before.as_deref(), row.writes)?;
                    "STALE"
                }
                (false, false) => {
                    write(file, &fresh)?;
                    "written"
                }
            };
            println!("{verdict:<8} {file}");
        }
    }
    if stale > 0 {
        println!("{stale} stale: run `cargo xtask generate` and commit what it writes");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

fn read(row: &Generated) -> Vec<Option<Vec<u8>>> {
    row.files.iter().map(|file| fs::read(target(file)).ok()).collect()
}

/// Undoes what a program wrote that has no dry run of its own.
fn restore(file: &str, before: Option<&[u8]>, writes: Writes) -> Result<()> {
    match (writes, before) {
        (Writes::Output, _) => Ok(()),
        (Writes::Files, Some(before)) => write(file, before),
        (Writes::Files, None) => fs::remove_file(target(file)).with_context(|| format!("failed to remove {file}")),
    }
}

fn write(file: &str, content: &[u8]) -> Result<()> {
    let target = target(file);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&target, content).with_context(|| format!("failed to write {file}"))
}

fn target(file: &str) -> PathBuf {
    shell::root().join(file)
}
