//! The steps of `cargo xtask test`, as a table.
//!
//! A new check is a row here; what it needs installed is a row in `need.rs`; what its environment must hold is
//! in `environment` below and nowhere else.

use std::fs;
use std::path::PathBuf;

use super::need::INTEROP;
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
        calls: &[Call::new("cargo", &["test", "--workspace", "--all-features", "--no-fail-fast"])],
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

/// The environment of every step, and what of it is worth telling.
pub(crate) struct Environment {
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) remarks: Vec<String>,
}

/// Puts the environment together: where vectors and foreign libraries are, and what may not be skipped.
pub(crate) fn environment() -> Environment {
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
    Environment { variables, remarks }
}
