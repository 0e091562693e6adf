//! Laws about files as such: their length, their first line, their name, and that somebody mounts them.

use super::source::Source;
use super::tree::{Breach, Tree, without_tests};

const LONGEST: usize = 400;
const EMPTY_NAMES: &[&str] = &["util", "utils", "common", "helper", "helpers", "misc", "manager"];

/// No file holds more than 400 lines of code that is not a test.
pub(crate) fn length(tree: &Tree) -> Vec<Breach> {
    let lines = |text: &str| without_tests(text).0.lines().count();
    tree.shipped_rust()
        .filter(|(_, text)| lines(text) > LONGEST)
        .map(|(path, text)| Breach::at(path, format!("{} lines; split it by action", lines(text))))
        .collect()
}

/// Every Rust file begins with what it is for.
pub(crate) fn header(tree: &Tree) -> Vec<Breach> {
    tree.ending(".rs")
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| Breach::at(path, "does not begin with //! and what it is for"))
        .collect()
}

/// No file or folder has a name that fits anything.
pub(crate) fn names(tree: &Tree) -> Vec<Breach> {
    let empty = |path: &str| path.split('/').any(|part| EMPTY_NAMES.contains(&part.split('.').next().unwrap_or(part)));
    tree.files.keys().filter(|path| empty(path)).map(|path| Breach::at(path, "a name that says nothing")).collect()
}

/// Every Rust file is reached by a `mod` line, or is a root that Cargo finds by itself.
pub(crate) fn mounted(tree: &Tree) -> Vec<Breach> {
    tree.ending(".rs")
        .filter(|(path, _)| !is_root(path) && !is_mounted(tree, path))
        .map(|(path, _)| Breach::at(path, "no `mod` line mounts it, so nothing compiles it"))
        .collect()
}

fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.rsplit('/').collect();
    match parts.as_slice() {
        ["lib.rs" | "main.rs", "src", ..]
        | ["build.rs", ..]
        | ["main.rs", _, "tests" | "benches" | "bin", ..]
        | [_, "bin", "src", ..] => true,
        [_, "tests" | "benches" | "examples" | "fuzz_targets", ..] => !path.contains("/src/"),
        _ => false,
    }
}

fn is_mounted(tree: &Tree, path: &str) -> bool {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let (home, name) = if file == "mod.rs" {
        folder.rsplit_once('/').unwrap_or(("", folder))
    } else {
        (folder, file.trim_end_matches(".rs"))
    };
    let parents = ["mod.rs", "lib.rs", "main.rs"].map(|parent| format!("{home}/{parent}"));
    let declared =
        parents.iter().chain([&format!("{home}.rs")]).filter_map(|parent| tree.files.get(parent)).any(|text| {
            Source::of(text)
                .code
                .split([';', '{', '}', '\n'])
                .any(|item| item.split_whitespace().rev().take(2).eq([name, "mod"]))
        });
    declared || has_path_attribute(tree, home, path)
}

/// `#[path = "judge_tests.rs"] mod tests;` in a file beside it or above it.
fn has_path_attribute(tree: &Tree, home: &str, path: &str) -> bool {
    let mut above = Some(home);
    std::iter::from_fn(|| {
        let folder = above?;
        above = folder.rsplit_once('/').map(|(folder, _)| folder);
        Some(folder)
    })
    .any(|folder| {
        let attribute = format!("#[path = \"{}\"]", path[folder.len()..].trim_start_matches('/'));
        tree.ending(".rs").any(|(other, text)| {
            other.rsplit_once('/').is_some_and(|(beside, _)| beside == folder) && text.contains(&attribute)
        })
    })
}

#[test]
fn test_code_does_not_count_as_length() {
    let text = format!("//! a\n#[cfg(test)]\n{}", "//\n".repeat(500));
    assert_eq!(length(&Tree::of(&[("crates/x/src/a.rs", &text), ("crates/x/tests/b.rs", &"//\n".repeat(500))])), []);
}

#[test]
fn every_way_to_mount_a_file_is_known() {
    let tree = Tree::of(&[
        ("crates/x/src/lib.rs", "pub mod a;\npub(crate) mod b { }\n#[cfg(test)] mod e;"),
        ("crates/x/src/a.rs", "mod c;\n#[path = \"a_tests.rs\"]\nmod tests;"),
        ("crates/x/src/a/c.rs", ""),
        ("crates/x/src/a_tests.rs", ""),
        ("crates/x/src/b/mod.rs", ""),
        ("crates/x/src/e.rs", ""),
        ("crates/x/src/bin/tool.rs", ""),
        ("crates/x/tests/story.rs", ""),
    ]);
    assert_eq!(mounted(&tree), []);
}

#[test]
fn a_commented_mod_line_mounts_nothing() {
    let tree = Tree::of(&[("crates/x/src/lib.rs", "// mod a;"), ("crates/x/src/a.rs", "")]);
    assert_eq!(mounted(&tree).len(), 1);
}
