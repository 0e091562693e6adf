//! The steps of `cargo xtask test`, as a table.
//!
//! A new check is a row here; what it needs installed is a row in `need.rs`; what its environment must hold is
//! in `environment` below and nowhere else.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::need::INTEROP;
use super::server::Server;
use crate::shell::{self, Call};

/// One row: a name to choose it by, a sentence for `--help`, and the calls that must all succeed.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) proves: &'static str,
    /// Why it cannot run here, if it cannot; a skipped step is told, and does not fail.
    pub(crate) skip: fn() -> Option<&'static str>,
    pub(crate) calls: &'static [Call],
}

/// Cheap ones first: a slip of the pen is reported within seconds.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "fmt",
        proves: "the code is formatted",
        skip: never,
        calls: &[Call::new("cargo", &["fmt", "--all", "--check"])],
    },
    Step {
        name: "deny",
        proves: "licences, sources and banned crates of the dependencies",
        skip: never,
        calls: &[Call::new(
            "target/tools/bin/cargo-deny",
            &["--log-level", "error", "check", "bans", "licenses", "sources"],
        )],
    },
    Step {
        name: "advisories",
        proves: "no dependency has a known vulnerability",
        skip: without_advisories,
        calls: &[Call::new(
            "target/tools/bin/cargo-deny",
            &["--log-level", "error", "check", "--disable-fetch", "advisories"],
        )],
    },
    Step {
        name: "client",
        proves: "the browser client: types, unit tests, size",
        skip: never,
        calls: &[Call::new("npm", &["test", "--silent"]).inside("client")],
    },
    Step {
        name: "clippy",
        proves: "no lint fires, all targets, all features",
        skip: never,
        calls: &[Call::new(
            "cargo",
            &["clippy", "--workspace", "--all-targets", "--all-features", "--quiet", "--", "-D", "warnings"],
        )],
    },
    Step {
        name: "docs",
        proves: "the documentation builds without a broken link",
        skip: never,
        calls: &[Call::new(
            "cargo",
            &["doc", "--workspace", "--all-features", "--no-deps", "--document-private-items", "--quiet"],
        )
        .with(&[("RUSTDOCFLAGS", "-D warnings")])],
    },
    Step {
        name: "tests",
        proves: "unit, stories, vectors, browsers, foreign clients, tidy laws: all features in one build",
        skip: never,
        calls: &[
            // A page that a test opens.
            Call::new("npm", &["run", "--silent", "build"]).inside("examples/react-axum"),
            Call::new("cargo", &["test", "--workspace", "--all-features", "--no-fail-fast"]),
        ],
    },
    Step {
        name: "generated",
        proves: "every generated file is fresh",
        skip: never,
        calls: &[Call::new("cargo", &["xtask", "generate", "--check"])],
    },
];

fn never() -> Option<&'static str> {
    None
}

/// The database of advisories comes from GitHub, not from a package registry; it is used where somebody has fetched it.
fn without_advisories() -> Option<&'static str> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let is_fetched =
        |home: PathBuf| fs::read_dir(home.join("advisory-dbs")).is_ok_and(|mut found| found.next().is_some());
    (!home.is_some_and(is_fetched)).then_some("there is no RustSec database here; `cargo deny fetch db` gets one")
}

/// The environment of every step, and what of it is worth telling. Dropping it stops the Postgres of the tests.
pub(crate) struct Environment {
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) remarks: Vec<String>,
    _postgres: Option<Postgres>,
}

/// Puts the environment together: where vectors and foreign libraries are, what may not be skipped, and a Postgres where
/// a step has tests for it.
pub(crate) fn environment(steps: &[&Step]) -> Result<Environment> {
    let mut variables = vec![("CLOAKROOM_INTEROP".to_owned(), shell::root().join(INTEROP).display().to_string())];
    let mut remarks = Vec::new();
    let asked = std::env::var_os("CLOAKROOM_VECTORS").map(PathBuf::from);
    let folder = asked.unwrap_or_else(|| shell::root().join("../shared/vectors"));
    if let Ok(folder) = fs::canonicalize(&folder) {
        remarks.push(format!("test vectors: {}", folder.display()));
        variables.push(("CLOAKROOM_VECTORS".to_owned(), folder.display().to_string()));
    } else {
        remarks.push(format!(
            "test vectors: SKIPPED, there is no {}; the Wycheproof cases do not run (CLOAKROOM_VECTORS names another folder)",
            folder.display()
        ));
    }
    if shell::switched_on("CI") {
        variables.push(("CLOAKROOM_VECTORS_REQUIRED".to_owned(), "1".to_owned()));
        remarks.push("CI is set: skipped vectors are a failure".to_owned());
    }
    let postgres = if steps.iter().any(|step| step.name == "tests") { Some(Postgres::start()?) } else { None };
    if let Some(Postgres { server: Some(server), .. }) = &postgres {
        variables.push(("CLOAKROOM_TEST_POSTGRES".to_owned(), server.url("postgres")));
    }
    Ok(Environment { variables, remarks, _postgres: postgres })
}

/// A server for the tests; stopped and deleted when it is dropped.
struct Postgres {
    server: Option<Server>,
    folder: PathBuf,
}

impl Postgres {
    /// In `target`; or in the machine's folder for temporary files, where root works below a folder that the user `postgres`
    /// may not enter.
    fn start() -> Result<Self> {
        let name = format!("postgres-{}", std::process::id());
        let start = |folder: PathBuf| {
            let mut postgres = Self { server: None, folder };
            postgres.server = Some(Server::start(&postgres.folder, &[])?);
            anyhow::Ok(postgres)
        };
        start(shell::root().join("target").join(&name))
            .or_else(|_| start(std::env::temp_dir().join(&name)))
            .context("no Postgres could be started for the tests")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.server.take());
        // What cannot be deleted is below `target`, or where the machine deletes it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
