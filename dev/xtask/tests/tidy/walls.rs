//! Laws about crates: which may know which. Read from `cargo metadata`, so a renamed dependency hides nothing.
//!
//! Only what ships counts (normal and build dependencies); a crate's tests may use what they like.

use serde_json::{Value, json};

use super::tree::{Breach, Tree};

/// Which crates of the house a crate may use. `None`: any, because it never ships or because it wires all.
const EDGES: &[(&str, Option<&[&str]>)] = &[
    ("cloakroom-core", Some(&[])),
    ("cloakroom-jose", Some(&[])),
    ("cloakroom-store", Some(&["cloakroom-core"])),
    ("cloakroom-factor", Some(&["cloakroom-core"])),
    ("cloakroom-password", Some(&["cloakroom-core"])),
    ("cloakroom-gateway", Some(&["cloakroom-core"])),
    ("cloakroom-mail", Some(&["cloakroom-core"])),
    (
        "cloakroom-app",
        Some(&[
            "cloakroom-core",
            "cloakroom-factor",
            "cloakroom-jose",
            "cloakroom-oidc",
            "cloakroom-password",
            "cloakroom-store",
        ]),
    ),
    ("cloakroom-oidc", Some(&["cloakroom-jose"])),
    ("cloakroom-doctor", Some(&[])),
    ("cloakroom-providers", Some(&[])),
    ("cloakroom-verify", Some(&["cloakroom-core", "cloakroom-jose"])),
    ("cloakroom-web", Some(&["cloakroom-core", "cloakroom-app"])),
    ("cloakroom-notes", Some(&["cloakroom-jose"])),
    ("cloakroom-example-axum", Some(&["cloakroom-verify"])),
    // The lab attacks the shipped program over sockets; nothing of it is linked here, and no weakness is linked there.
    ("cloakroom-browser", Some(&[])),
    ("cloakroom-lab-victims", Some(&[])),
    ("cloakroom-lab-report", Some(&[])),
    ("cloakroom-lab-audit", Some(&["cloakroom-browser"])),
    (
        "cloakroom-lab",
        Some(&["cloakroom-browser", "cloakroom-lab-audit", "cloakroom-lab-report", "cloakroom-lab-victims"]),
    ),
    (
        "cloakroom-server",
        Some(&[
            "cloakroom-core",
            "cloakroom-jose",
            "cloakroom-store",
            "cloakroom-app",
            "cloakroom-gateway",
            "cloakroom-mail",
            "cloakroom-oidc",
            "cloakroom-doctor",
            "cloakroom-web",
            "cloakroom-notes",
        ]),
    ),
    ("cloakroom-testbed", None),
    ("cloakroom-model", Some(&["cloakroom-core"])),
    ("cloakroom-bench", None),
    ("xtask", Some(&[])),
];

/// What a crate must not know of the world outside.
const IGNORANCE: &[(&str, &[&str])] = &[
    (
        "cloakroom-core",
        &["tokio", "http", "hyper", "axum", "rusqlite", "rand", "getrandom", "aws-lc-rs", "futures-util"],
    ),
    ("cloakroom-oidc", &["http", "hyper", "axum", "rusqlite", "rustls", "getrandom"]),
    ("cloakroom-jose", &["tokio", "http", "hyper", "axum", "rusqlite"]),
    ("cloakroom-store", &["http", "hyper", "axum", "aws-lc-rs"]),
    ("cloakroom-app", &["http", "hyper", "axum", "rusqlite", "clap", "toml"]),
    ("cloakroom-gateway", &["axum", "rusqlite"]),
    // Whoever verifies with tower alone pulls in no framework; the extractor needs its traits only.
    ("cloakroom-verify", &["axum", "rusqlite", "tokio-postgres"]),
    ("cloakroom-web", &["rusqlite", "aws-lc-rs", "hyper", "hyper-util"]),
];

/// Crates of the house use each other only in the direction of the design.
pub(crate) fn edges(tree: &Tree) -> Vec<Breach> {
    let packages = packages(tree);
    let ours = |name: &str| packages.iter().any(|(other, _)| other == name) || name.starts_with("cloakroom-");
    packages
        .iter()
        .flat_map(|(name, used)| match EDGES.iter().find(|(other, _)| other == name) {
            None => vec![Breach::at(name, "has no row in EDGES: which crates may it use?")],
            Some((_, None)) => Vec::new(),
            Some((_, Some(allowed))) => used
                .iter()
                .filter(|other| ours(other) && !allowed.contains(&other.as_str()))
                .map(|other| Breach::at(name, format!("uses {other}, against the direction of the design")))
                .collect(),
        })
        .collect()
}

/// Crates do not depend on what the design keeps from them.
pub(crate) fn ignorance(tree: &Tree) -> Vec<Breach> {
    packages(tree)
        .iter()
        .flat_map(|(name, used)| {
            let forbidden = IGNORANCE.iter().filter(|(other, _)| other == name).flat_map(|(_, forbidden)| *forbidden);
            let known = forbidden.filter(|other| used.iter().any(|used| used == **other));
            known.map(|other| Breach::at(name, format!("must not know {other}"))).collect::<Vec<_>>()
        })
        .collect()
}

/// Every package with the names of what it ships with.
fn packages(tree: &Tree) -> Vec<(String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let metadata: Value = serde_json::from_str(&tree.metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let used = dependencies.filter(|other| other["kind"] != "dev").map(|other| text(&other["name"])).collect();
            (text(&package["name"]), used)
        })
        .collect()
}

/// What `cargo metadata` says of one crate with one dependency.
pub(crate) fn example(name: &str, dependency: &str, kind: Option<&str>) -> Tree {
    let dependencies = json!([{"name": dependency, "kind": kind}]);
    Tree::of_crates(&json!({"packages": [{"name": name, "dependencies": dependencies}]}).to_string())
}

#[test]
fn tests_may_use_what_they_like() {
    assert_eq!(edges(&example("cloakroom-core", "cloakroom-store", Some("dev"))), []);
    assert_eq!(ignorance(&example("cloakroom-core", "tokio", Some("dev"))), []);
    assert_eq!(ignorance(&example("cloakroom-core", "tokio", Some("build"))).len(), 1);
}

#[test]
fn a_new_crate_needs_a_row() {
    assert_eq!(edges(&example("cloakroom-attic", "serde", None)).len(), 1);
}
