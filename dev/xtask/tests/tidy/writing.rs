//! Laws about what may not be written: a test that is switched off or sleeps, a silenced lint, an open end without an
//! issue.

use super::source::{Source, line, words};
use super::tree::{Breach, Tree, is_test, without_tests};

/// No `#[ignore]`.
pub(crate) fn ignored(tree: &Tree) -> Vec<Breach> {
    attributes(tree, &["#[ignore"], |_| Some("mend the test or delete it"))
}

/// No `#[allow]`: `#[expect]` says so when it is no longer needed.
pub(crate) fn allows(tree: &Tree) -> Vec<Breach> {
    attributes(tree, &["#[allow(", "#![allow(", ", allow("], |_| Some("use #[expect(…, reason = \"…\")]"))
}

/// No `#[expect]` without a reason.
pub(crate) fn reasons(tree: &Tree) -> Vec<Breach> {
    attributes(tree, &["#[expect(", "#![expect("], |rest| {
        let attribute = rest.split(")]").next().unwrap_or_default();
        words(attribute, "reason").next().is_none().then_some("give the reason")
    })
}

/// No test waits for a fixed time: it waits for an event, or moves the clock it injected.
pub(crate) fn sleeps(tree: &Tree) -> Vec<Breach> {
    tree.ending(".rs")
        .flat_map(|(path, text)| {
            let (_, tests) = if is_test(path) { ("", text) } else { without_tests(text) };
            let code = Source::of(tests).code;
            let first = line(text, text.len() - tests.len());
            let calls = ["sleep", "sleep_until", "park_timeout"].into_iter().flat_map(|name| {
                let calls = words(&code, name).filter(|at| code[at + name.len()..].trim_start().starts_with('('));
                calls.map(|at| line(&code, at) + first - 1).collect::<Vec<_>>()
            });
            calls.map(|line| Breach::at(path, format!("line {line}: wait for an event instead"))).collect::<Vec<_>>()
        })
        .collect()
}

/// No open end in a comment without the number of the issue that will close it.
pub(crate) fn open_ends(tree: &Tree) -> Vec<Breach> {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];
    let is_open = |line: &str| {
        let issue = |rest: &str| rest.starts_with(|char: char| char.is_ascii_digit());
        marks.iter().any(|mark| words(line, mark).next().is_some()) && !line.split('#').skip(1).any(issue)
    };
    let texts = tree.files.iter().filter_map(|(path, text)| {
        let kind = path.rsplit('.').next().unwrap_or_default();
        match kind {
            "rs" => Some((path, Source::of(text).comments)),
            "ts" | "mjs" | "sh" | "toml" | "sql" | "py" | "html" | "css" => Some((path, text.clone())),
            _ => None,
        }
    });
    texts
        .flat_map(|(path, text)| {
            let open = text.lines().enumerate().filter(|(_, line)| is_open(line)).map(|(number, _)| number + 1);
            open.map(|line| Breach::at(path, format!("line {line}: name the issue, as #12"))).collect::<Vec<_>>()
        })
        .collect()
}

/// Breaches wherever one of `openings` stands in code and `judge` objects to what follows.
fn attributes(tree: &Tree, openings: &[&str], judge: fn(&str) -> Option<&'static str>) -> Vec<Breach> {
    tree.ending(".rs")
        .flat_map(|(path, text)| {
            let code = Source::of(text).code;
            let found = openings.iter().flat_map(|opening| code.match_indices(opening).collect::<Vec<_>>());
            let breaches = found.filter_map(|(at, _)| Some((line(&code, at), judge(&code[at..])?)));
            breaches.map(|(line, what)| Breach::at(path, format!("line {line}: {what}"))).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn texts_and_comments_break_nothing() {
    let tree = Tree::of(&[(
        "crates/x/tests/a.rs",
        concat!("// #[ignore] #[allow(x)] sleep(1)\nlet a = \"#[ignore] sleep( TO", "DO\"; // TO", "DO(#12): b"),
    )]);
    let broken: Vec<Breach> = [ignored, allows, sleeps, open_ends].into_iter().flat_map(|law| law(&tree)).collect();
    assert_eq!(broken, []);
}

#[test]
fn a_sleep_counts_only_in_tests_and_is_found_by_its_line() {
    let text = "//! A.\nfn a() { sleep(B); }\n#[cfg(test)]\nmod tests {\n    fn c() { tokio::time::sleep(D); }\n}\n";
    let breaches = sleeps(&Tree::of(&[("crates/x/src/a.rs", text)]));
    assert_eq!(breaches, [Breach::at("crates/x/src/a.rs", "line 5: wait for an event instead")]);
}

#[test]
fn a_reason_may_stand_on_a_later_line() {
    let text = "#![expect(\n    clippy::panic,\n    reason = \"a test (so it) panics\"\n)]";
    assert_eq!(reasons(&Tree::of(&[("crates/x/tests/a.rs", text)])), []);
}
