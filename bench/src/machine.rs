//! What the figures were measured on and with.

use serde::Serialize;
use std::path::Path;
use std::process::Command;

/// Everything that a reader needs to judge or repeat the run.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) command: String,
    pub(crate) commit: String,
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) memory: String,
    pub(crate) kernel: String,
    pub(crate) disk: String,
    pub(crate) rustc: String,
    /// `[profile.release]` of the workspace.
    pub(crate) profile: String,
    pub(crate) nginx: String,
    pub(crate) wrk: String,
    pub(crate) sqlite: String,
    pub(crate) postgres: String,
    pub(crate) aws_lc_rs: String,
}

pub(crate) fn look(root: &Path) -> Machine {
    let says = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(root).output();
        output.map_or_else(
            |_| "not there".to_owned(),
            |output| {
                // nginx tells its version on stderr.
                let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
                String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned()
            },
        )
    };
    let changed = says("git", &["status", "--porcelain", "--untracked-files=no"]);
    let commit = says("git", &["rev-parse", "HEAD"]);
    Machine {
        date: says("date", &["-u", "+%Y-%m-%d %H:%M:%S UTC"]),
        command: command(),
        commit: if changed.is_empty() { commit } else { format!("{commit} with changes that are not committed") },
        processor: field("/proc/cpuinfo", "model name"),
        processors: crate::context::processors(),
        memory: field("/proc/meminfo", "MemTotal"),
        kernel: says("uname", &["-sr"]),
        disk: says("findmnt", &["-n", "-o", "SOURCE,FSTYPE,OPTIONS", "--target", &root.display().to_string()]),
        rustc: says("rustc", &["--version"]),
        profile: profile(root),
        nginx: says("nginx", &["-v"]),
        wrk: says("wrk", &["-v"]),
        sqlite: rusqlite::version().to_owned(),
        postgres: says("psql", &["--version"]),
        aws_lc_rs: locked(root, "aws-lc-rs"),
    }
}

fn command() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo xtask bench {}", arguments.join(" ")).trim().to_owned()
}

fn field(file: &str, name: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

fn profile(root: &Path) -> String {
    if !crate::context::is_release() {
        return "debug: nothing below is a measurement".to_owned();
    }
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default();
    let lines = manifest.lines().skip_while(|line| line.trim() != "[profile.release]").skip(1);
    let lines = lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.trim().is_empty());
    format!("release ({})", lines.collect::<Vec<_>>().join(", "))
}

fn locked(root: &Path, name: &str) -> String {
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{name}\""));
    let version = lines.nth(1).and_then(|line| line.split('"').nth(1));
    version.unwrap_or_default().to_owned()
}
