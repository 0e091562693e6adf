//! Law about modules: within a crate, the top-level modules form no cycle.
//!
//! It reads `crate::x` and `super::x` paths, not types: good enough to see who knows whom, and it needs no compiler.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, words};
use super::tree::{Breach, Tree, without_tests};

/// Backends of the store. `account/sqlite.rs` lies beside the contract that it fulfils, but belongs to `sqlite`.
const BACKENDS: &[&str] = &["sqlite", "postgres"];

/// For every module the modules that it names, each with the first file that does.
type Graph = BTreeMap<String, BTreeMap<String, String>>;

/// No two top-level modules of a crate reach each other.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    let folders = tree.ending("/Cargo.toml").map(|(path, _)| path.trim_end_matches("/Cargo.toml"));
    folders
        .flat_map(|folder| {
            let graph = graph(tree, folder);
            let cycles = cycles(&graph).into_values();
            cycles.map(|way| Breach::at(folder, describe(&graph, &way))).collect::<Vec<_>>()
        })
        .collect()
}

/// Who names whom among the top-level modules of the crate in `folder`.
fn graph(tree: &Tree, folder: &str) -> Graph {
    let prefix = format!("{folder}/src/");
    let files: Vec<(Vec<&str>, &str)> = tree
        .shipped_rust()
        .filter_map(|(path, text)| Some((path.strip_prefix(&prefix)?, without_tests(text).0)))
        .map(|(path, text)| (path.trim_end_matches(".rs").trim_end_matches("/mod").split('/').collect(), text))
        .collect();
    let is_root = |parts: &[&str]| matches!(parts, ["lib" | "main"] | ["bin", ..]);
    let modules: BTreeSet<&str> =
        files.iter().filter(|(parts, _)| !is_root(parts)).map(|(parts, _)| parts[0]).collect();
    // `pub use judge::Verdict;` in lib.rs: whoever names `crate::Verdict` knows `judge`.
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    for (_, text) in files.iter().filter(|(parts, _)| is_root(parts)) {
        for item in Source::of(text).code.split(';').filter_map(|item| item.split_once("use ")) {
            let path = item.1.trim().trim_start_matches("crate::").trim_start_matches("self::");
            if let Some((module, rest)) = path.split_once("::").filter(|(module, _)| modules.contains(module)) {
                let names = rest.split(|char: char| !(char.is_alphanumeric() || char == '_'));
                shown.extend(names.filter(|name| !name.is_empty()).map(|name| (name.to_owned(), module.to_owned())));
            }
        }
    }
    let mut graph = Graph::new();
    for (parts, text) in files.iter().filter(|(parts, _)| !is_root(parts)) {
        let owner = parts.last().filter(|name| BACKENDS.contains(name)).unwrap_or(&parts[0]);
        for name in names(&Source::of(text).code, parts.len()) {
            let target = if modules.contains(&*name) { Some(name) } else { shown.get(&name).cloned() };
            if let Some(target) = target.filter(|target| target != owner) {
                graph.entry((*owner).to_owned()).or_default().entry(target).or_insert_with(|| parts.join("/"));
            }
        }
    }
    graph
}

/// The first names after `crate::`, or after as many `super::` as lead to the crate's root.
fn names(code: &str, depth: usize) -> BTreeSet<String> {
    let upwards = "super::".repeat(depth);
    let from_root = words(code, "crate").filter_map(|at| code[at..].strip_prefix("crate::"));
    let from_above = code.match_indices(&upwards).filter(|(at, _)| !code[..*at].ends_with("super::"));
    let from_above = from_above.map(|(at, _)| &code[at + upwards.len()..]).filter(|rest| !rest.starts_with("super::"));
    from_root.chain(from_above).flat_map(firsts).collect()
}

/// `a::b` gives a; `{a, b::{c, d}}` gives a and b.
fn firsts(path: &str) -> Vec<String> {
    let name =
        |text: &str| text.trim().chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for char in group.chars() {
        match char {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            _ if depth == 0 => parts.last_mut().unwrap().push(char),
            _ => {}
        }
    }
    parts.iter().map(|part| name(part)).collect()
}

/// For every module on a cycle the shortest way back to it; the same round is told once.
fn cycles(graph: &Graph) -> BTreeMap<BTreeSet<String>, Vec<String>> {
    let mut rounds = BTreeMap::new();
    for way in graph.keys().filter_map(|start| way_back(graph, start)) {
        rounds.entry(way.iter().cloned().collect()).or_insert(way);
    }
    rounds
}

fn describe(graph: &Graph, way: &[String]) -> String {
    let places: Vec<&str> = way.windows(2).map(|pair| graph[&pair[0]][&pair[1]].as_str()).collect();
    format!("{} (by way of {})", way.join(" -> "), places.join(", "))
}

fn way_back(graph: &Graph, start: &String) -> Option<Vec<String>> {
    let mut ways = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            for next in way.last().and_then(|last| graph.get(last)).into_iter().flat_map(BTreeMap::keys) {
                let further = [way.as_slice(), std::slice::from_ref(next)].concat();
                if next == start {
                    return Some(further);
                }
                if seen.insert(next.clone()) {
                    longer.push(further);
                }
            }
        }
        ways = longer;
    }
    None
}

#[test]
fn a_long_way_round_is_a_cycle_too() {
    let files = [
        ("crates/x/Cargo.toml", ""),
        ("crates/x/src/lib.rs", "mod a; mod b; mod c; pub use a::{A, Other};"),
        ("crates/x/src/a.rs", "fn f(b: crate::b::B) {}"),
        ("crates/x/src/b.rs", "use super::c::C;"),
        ("crates/x/src/c.rs", "use crate::Other;"),
    ];
    assert_eq!(check(&Tree::of(&files)), [Breach::at("crates/x", "a -> b -> c -> a (by way of a, b, c)")]);
    assert_eq!(check(&Tree::of(&files[..4])), []);
}

#[test]
fn comments_tests_and_the_root_make_no_cycle() {
    let tree = Tree::of(&[
        ("crates/x/Cargo.toml", ""),
        ("crates/x/src/lib.rs", "mod a; mod b;\nuse crate::a::A;"),
        ("crates/x/src/a.rs", "//! See [`crate::b`].\nuse crate::a::own;\n#[cfg(test)]\nuse crate::b;"),
        ("crates/x/src/b.rs", "use crate::{\n    a::{self, A},\n};"),
        ("crates/x/src/b_tests.rs", "use crate::b;"),
    ]);
    assert_eq!(check(&tree), []);
}

#[test]
fn a_backend_may_know_the_contract_that_it_fulfils_but_not_the_other_way_round() {
    let backend = ("crates/x/src/account/sqlite.rs", "use super::Accounts;\nuse crate::sqlite::row;");
    let writer = ("crates/x/src/sqlite/mod.rs", "use crate::account;");
    let tree =
        |contract| Tree::of(&[("crates/x/Cargo.toml", ""), ("crates/x/src/account/mod.rs", contract), backend, writer]);
    assert_eq!(check(&tree("mod sqlite;")), []);
    assert_eq!(check(&tree("mod sqlite; use crate::sqlite::Cells;")).len(), 1);
}
