//! Laws about the documents: those that must exist do, and what they point at exists.

use super::tree::{Breach, Tree};

const REQUIRED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
];
/// First parts of a path that can only mean one in this repository.
const FOLDERS: &[&str] =
    &["crates", "dev", "client", "examples", "bench", "fuzz", "docs", "packaging", ".ci", ".cargo", ".github"];
/// Endings of file names that can only mean a file in this repository.
const ENDINGS: &[&str] = &[".rs", ".md", ".toml", ".ts", ".mjs", ".sql", ".service"];

/// The documents that a stranger looks for.
pub(crate) fn required(tree: &Tree) -> Vec<Breach> {
    let missing = REQUIRED.iter().filter(|path| tree.files.get(**path).is_none_or(String::is_empty));
    missing.map(|path| Breach::at(path, "is missing or empty")).collect()
}

/// Every relative link of a document leads to a file or folder, and to a heading where it names one.
pub(crate) fn links(tree: &Tree) -> Vec<Breach> {
    documents(tree)
        .flat_map(|(path, text)| {
            let links = prose_of(text)
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split([')', ' ']).next())
                .map(str::to_owned)
                .collect::<Vec<_>>();
            let relative = links.into_iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:"));
            relative
                .filter(|link| !leads(tree, path, link))
                .map(|link| Breach::at(path, format!("leads nowhere: {link}")))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn leads(tree: &Tree, from: &str, link: &str) -> bool {
    let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
    let target = if file.is_empty() { Some(from.to_owned()) } else { resolve(from, file) };
    let Some(target) = target.filter(|target| target.is_empty() || tree.has(target)) else { return false };
    match (heading, tree.files.get(&target)) {
        (Some(heading), Some(text)) => {
            text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading)
        }
        _ => true,
    }
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|char| char.is_alphanumeric() || matches!(char, ' ' | '-' | '_'));
    kept.map(|char| if char == ' ' { '-' } else { char }).collect()
}

/// Every path in backticks exists: from the root, beside the document, or below `crates/`.
pub(crate) fn paths(tree: &Tree) -> Vec<Breach> {
    documents(tree)
        .filter(|(path, _)| *path != "CHANGELOG.md") // it tells of what was
        .flat_map(|(document, text)| {
            let prose = prose_of(text);
            let quoted = prose.split('`').skip(1).step_by(2).map(|quoted| quoted.trim_start_matches("./").to_owned());
            let missing = quoted.filter(|path| is_path(path)).filter(|path| {
                !tree.has(path)
                    && !tree.has(&format!("crates/{path}"))
                    && !resolve(document, path).is_some_and(|path| tree.has(&path))
            });
            missing.map(|path| Breach::at(document, format!("there is no {path}"))).collect::<Vec<_>>()
        })
        .collect()
}

/// Whether text in backticks is meant as a path of this repository.
fn is_path(text: &str) -> bool {
    let plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '/' | '.' | '-' | '_');
    let Some((first, rest)) = text.split_once('/') else { return false };
    let known = FOLDERS.contains(&first) || ENDINGS.iter().any(|ending| rest.ends_with(ending));
    known && text.chars().all(plain) && !matches!(first, "" | ".." | "target")
}

fn documents(tree: &Tree) -> impl Iterator<Item = (&str, &str)> {
    tree.ending(".md")
}

/// A document without its fenced blocks: what stands there is code, not a promise.
fn prose_of(text: &str) -> String {
    let mut fenced = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The path from the root that `link` means in the file `from`; `None` when it leaves the repository.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            parts.pop()?;
        } else {
            parts.push(part);
        }
    }
    Some(parts.join("/"))
}

#[test]
fn links_are_resolved_as_a_reader_would() {
    let links = "[a](b.md) [c](../README.md#the-idea) [d](https://e.f/g) [h](#own) [i](b.md#no) [j](../../k)\n# Own\n";
    let tree = Tree::of(&[("docs/a.md", links), ("docs/b.md", ""), ("README.md", "## The *idea*!")]);
    assert_eq!(
        super::prose::links(&tree),
        ["leads nowhere: b.md#no", "leads nowhere: ../../k"].map(|what| Breach::at("docs/a.md", what))
    );
}

#[test]
fn only_paths_are_taken_for_paths() {
    for text in ["application/json", "/auth/login", "and/or", "crates/*/src", "GET /a", "target/tools/a.rs", "../b.md"]
    {
        assert!(!is_path(text), "{text}");
    }
    assert!(is_path("crates/core") && is_path("web/problem.rs") && is_path(".ci/run"));
}

#[test]
fn fenced_code_promises_nothing() {
    let tree =
        Tree::of(&[("README.md", "```\n`crates/no`\n```\n`crates/x/` `x/src/lib.rs`"), ("crates/x/src/lib.rs", "")]);
    assert_eq!(paths(&tree), []);
}
