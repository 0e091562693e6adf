//! The laws of this repository, as tests: what the compiler and clippy cannot see.
//!
//! Every law is a function from a tree of files to its breaches, and every law is tried twice: on the repository,
//! where it must find nothing, and on a made-up breach, which it must find. So no law can be one that never fails.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod client;
mod cycles;
mod manifest;
mod prose;
mod shape;
mod source;
mod state;
mod tree;
mod walls;
mod writing;

use self::tree::{Breach, Tree};

/// A place where a law may be broken, and why.
struct Excuse {
    law: &'static str,
    path: &'static str,
    reason: &'static str,
}

/// May only hold what a reviewer agreed to; a row that excuses nothing fails.
const EXCUSES: &[Excuse] = &[
    Excuse {
        law: "nothing_is_global",
        path: "crates/server/src/serve/meters.rs",
        reason: "the metrics facade has room for one recorder in a process",
    },
    Excuse {
        law: "nothing_is_global",
        path: "dev/testbed/src/watch.rs",
        reason: "a process has one log, and the testbed reads it",
    },
    Excuse {
        law: "nothing_is_global",
        path: "dev/providers/src/keycloak/server.rs",
        reason: "a Keycloak takes ten seconds of processor time to start, so the tests of a process share one",
    },
    Excuse {
        law: "nothing_is_global",
        path: "bench/src/person.rs",
        reason: "no two people of a run share a network, whichever part they belong to",
    },
];

struct Law {
    name: &'static str,
    check: fn(&Tree) -> Vec<Breach>,
}

/// Makes the table of laws, and two tests for each row.
macro_rules! laws {
    ($($name:ident: $check:path, broken by $breach:expr, at $path:expr;)+) => {
        const LAWS: &[Law] = &[$(Law { name: stringify!($name), check: $check }),+];
        $(mod $name {
            use super::*;

            #[test]
            fn is_kept() {
                super::assert_kept(stringify!($name), &$check(&Tree::repository()));
            }

            #[test]
            fn catches_a_breach() {
                let breaches: Vec<Breach> = $check(&$breach);
                assert!(breaches.iter().any(|breach| breach.path == $path), "not caught: {breaches:?}");
            }
        })+
    };
}

laws! {
    files_are_short: shape::length,
        broken by Tree::of(&[("crates/x/src/a.rs", &"//\n".repeat(401))]), at "crates/x/src/a.rs";
    files_say_what_they_are_for: shape::header,
        broken by Tree::of(&[("crates/x/src/a.rs", "use b::c;\n//! Too late.\n")]), at "crates/x/src/a.rs";
    names_say_something: shape::names,
        broken by Tree::of(&[("crates/x/src/helpers/mod.rs", "")]), at "crates/x/src/helpers/mod.rs";
    no_file_is_forgotten: shape::mounted,
        broken by Tree::of(&[("dev/x/tests/it/main.rs", "mod a;"), ("dev/x/tests/it/a.rs", ""), ("dev/x/tests/it/b.rs", "")]),
        at "dev/x/tests/it/b.rs";
    crates_point_downwards: walls::edges,
        broken by walls::example("cloakroom-core", "cloakroom-store", None), at "cloakroom-core";
    crates_do_not_know_too_much: walls::ignorance,
        broken by walls::example("cloakroom-app", "axum", None), at "cloakroom-app";
    modules_have_no_cycle: cycles::check,
        broken by Tree::of(&[
            ("crates/x/Cargo.toml", ""),
            ("crates/x/src/lib.rs", "mod a; mod b; mod c;"),
            ("crates/x/src/a.rs", "use crate::{c, b::B};"),
            ("crates/x/src/b/mod.rs", "mod d;"),
            ("crates/x/src/b/d.rs", "use super::super::a::A;"),
            ("crates/x/src/c.rs", ""),
        ]),
        at "crates/x";
    nothing_is_global: state::check,
        broken by Tree::of(&[("crates/x/src/a.rs", "static CACHE:\n    OnceLock<Cache> = OnceLock::new();")]),
        at "crates/x/src/a.rs";
    no_test_is_switched_off: writing::ignored,
        broken by Tree::of(&[("crates/x/src/a.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}")]), at "crates/x/src/a.rs";
    no_test_sleeps: writing::sleeps,
        broken by Tree::of(&[("crates/x/tests/a.rs", "use tokio::time::sleep;\nsleep(A).await;")]), at "crates/x/tests/a.rs";
    no_lint_is_silenced: writing::allows,
        broken by Tree::of(&[("crates/x/src/a.rs", "#![allow(dead_code)]")]), at "crates/x/src/a.rs";
    expected_lints_have_a_reason: writing::reasons,
        broken by Tree::of(&[("crates/x/src/a.rs", "#[expect(clippy::panic)]")]), at "crates/x/src/a.rs";
    open_ends_have_an_issue: writing::open_ends,
        broken by Tree::of(&[("crates/x/src/a.rs", concat!("// TO", "DO: later\n"))]), at "crates/x/src/a.rs";
    dependencies_have_a_reason: manifest::reasons,
        broken by Tree::of(&[("Cargo.toml", "[workspace.dependencies]\n# --- group\na = \"1\"\n\nb = \"1\"\n")]), at "Cargo.toml";
    migrations_are_numbered: manifest::migrations,
        broken by Tree::of(&[("crates/s/migrations/0001_a.sql", ""), ("crates/s/migrations/0003_b.sql", "")]),
        at "crates/s/migrations/0003_b.sql";
    links_lead_somewhere: prose::links,
        broken by Tree::of(&[("docs/a.md", "see [b](../b.md)")]), at "docs/a.md";
    named_paths_exist: prose::paths,
        broken by Tree::of(&[("README.md", "start at `server/src/wire.rs`")]), at "README.md";
    required_files_exist: prose::required,
        broken by Tree::of(&[("README.md", "a")]), at "LICENSE-MIT";
    client_is_built_from_its_source: client::fresh,
        broken by Tree::of(&[("client/src/a.ts", "a"), ("client/dist/client.js", "/* cloakroom client, source sha256:00 */\n")]),
        at "client/dist/client.js";
    client_is_small: client::small,
        broken by Tree::of(&[("client/dist/client.js", &client::incompressible(4096))]), at "client/dist/client.js";
}

#[test]
fn every_excuse_is_needed() {
    let tree = Tree::repository();
    for excuse in EXCUSES {
        let law = LAWS.iter().find(|law| law.name == excuse.law);
        let law = law.unwrap_or_else(|| panic!("no law is named {}", excuse.law));
        assert!(!excuse.reason.is_empty(), "{} {}: why?", excuse.law, excuse.path);
        let needed = (law.check)(&tree).iter().any(|breach| breach.path == excuse.path);
        assert!(needed, "{} keeps the law {} now: take its excuse out", excuse.path, excuse.law);
    }
}

fn assert_kept(law: &str, breaches: &[Breach]) {
    let excused = |breach: &&Breach| EXCUSES.iter().any(|excuse| excuse.law == law && excuse.path == breach.path);
    let left: Vec<String> = breaches
        .iter()
        .filter(|breach| !excused(breach))
        .map(|breach| format!("{}: {}", breach.path, breach.what))
        .collect();
    assert!(left.is_empty(), "{law}:\n  {}", left.join("\n  "));
}
