//! A tree of files in memory: the repository as it stands, or a made-up breach of a law.
//!
//! It judges nothing. Laws read only from here, which is what lets each be tried on a bad example.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that hold nothing of ours.
const FOREIGN: &[&str] = &["target", "node_modules", ".git", "demo-data"];
const MEASUREMENTS: &str = "bench/work";

/// Files by their path from the root, with forward slashes.
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, String>,
    /// What `cargo metadata --no-deps` says.
    pub(crate) metadata: String,
}

/// One place where a law is broken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) path: String,
    pub(crate) what: String,
}

impl Breach {
    pub(crate) fn at(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), what: what.into() }
    }
}

impl Tree {
    /// The repository that this test was built from.
    pub(crate) fn repository() -> Self {
        let root = root();
        let mut files = BTreeMap::new();
        read(&root, &root, &mut files);
        let cargo = Command::new(env!("CARGO"))
            .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(cargo.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&cargo.stderr));
        Self { files, metadata: String::from_utf8(cargo.stdout).unwrap() }
    }

    /// A made-up tree.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        Self { files, metadata: r#"{"packages": []}"#.to_owned() }
    }

    /// A made-up tree of which only the crates matter.
    pub(crate) fn of_crates(metadata: &str) -> Self {
        Self { files: BTreeMap::new(), metadata: metadata.to_owned() }
    }

    /// Every file whose name ends so.
    pub(crate) fn ending<'a>(&'a self, suffix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.files.iter().filter(move |(path, _)| path.ends_with(suffix)).map(|(path, text)| (&**path, &**text))
    }

    /// Every Rust file that is not a test as a whole.
    pub(crate) fn shipped_rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.ending(".rs").filter(|(path, _)| !is_test(path))
    }

    /// Whether a file or folder of that path exists; a trailing slash asks for a folder.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        (!path.ends_with('/') && self.files.contains_key(path))
            || self.files.range(folder.clone()..).next().is_some_and(|(first, _)| first.starts_with(&folder))
    }
}

/// Whether a Rust file is a test as a whole.
pub(crate) fn is_test(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "benches" | "fuzz"))
        || path.ends_with("tests.rs")
        || path.ends_with("exam.rs")
}

/// The part of a file before its first `#[cfg(test)]`, and the rest.
pub(crate) fn without_tests(text: &str) -> (&str, &str) {
    let at = if text.starts_with("#[cfg(test)]") { Some(0) } else { text.find("\n#[cfg(test)]").map(|at| at + 1) };
    text.split_at(at.unwrap_or(text.len()))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

fn read(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !FOREIGN.iter().any(|name| entry.file_name() == *name) && path != MEASUREMENTS {
            read(root, &entry.path(), files);
        } else if kind.is_file()
            // A file that vanishes while it is read was somebody's temporary one.
            && let Ok(bytes) = fs::read(entry.path())
        {
            files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

#[test]
fn a_folder_exists_when_a_file_is_in_it() {
    let tree = Tree::of(&[("docs/a/b.md", "")]);
    assert!(tree.has("docs/a") && tree.has("docs/a/") && tree.has("docs/a/b.md"));
    assert!(!tree.has("docs/a/b.md/") && !tree.has("doc") && !tree.has("docs/a/c.md"));
}

#[test]
fn tests_begin_at_the_first_cfg_test() {
    assert_eq!(without_tests("fn a() {}\n#[cfg(test)]\nmod tests;\n"), ("fn a() {}\n", "#[cfg(test)]\nmod tests;\n"));
    assert_eq!(without_tests("fn a() {}\n"), ("fn a() {}\n", ""));
}
