//! Law about state: nothing that changes, or that is filled on first use, hangs in a `static`.
//!
//! What a function needs is handed to it; that is why one test can run beside another.

use super::source::{Source, line, words};
use super::tree::{Breach, Tree, without_tests};

/// Types that make a `static` more than a constant.
const CHANGING: &[&str] = &[
    "LazyLock",
    "LazyCell",
    "OnceLock",
    "OnceCell",
    "Once",
    "Lazy",
    "Mutex",
    "RwLock",
    "RefCell",
    "Cell",
    "UnsafeCell",
    "ArcSwap",
    "ArcSwapOption",
    "HashMap",
    "DashMap",
];

/// No `static mut`, no lazy or locked `static`, no `thread_local!`.
pub(crate) fn check(tree: &Tree) -> Vec<Breach> {
    tree.shipped_rust().flat_map(|(path, text)| global(path, &Source::of(without_tests(text).0).code)).collect()
}

fn global(path: &str, code: &str) -> Vec<Breach> {
    let breach = |at: usize, what: &str| Breach::at(path, format!("line {}: {what}", line(code, at)));
    let macros = ["thread_local", "lazy_static", "task_local"]
        .into_iter()
        .flat_map(|name| words(code, name).map(move |at| (at, name)));
    let statics = words(code, "static").filter(|at| !code[..*at].ends_with('\'')).filter_map(|at| {
        let declared = code[at..].split(['=', ';']).next().unwrap_or_default();
        let is_changing = declared.starts_with("static mut ")
            || declared.contains("Atomic")
            || CHANGING.iter().any(|name| words(declared, name).next().is_some());
        is_changing.then_some((at, "a static that changes or fills itself"))
    });
    macros.chain(statics).map(|(at, what)| breach(at, what)).collect()
}

#[test]
fn constants_and_lifetimes_are_no_state() {
    let text = "static NAMES: &[&'static str] = &[\"LazyLock\"];\nfn a() -> Cell<&'static str> { OnceLock::new() }";
    assert_eq!(check(&Tree::of(&[("crates/x/src/a.rs", text)])), []);
}

#[test]
fn every_kind_of_state_is_seen() {
    for text in
        ["static mut A: u8 = 0;", "thread_local! { static A: u8 = 0; }", "pub static A: AtomicU64 = AtomicU64::new(0);"]
    {
        assert_eq!(check(&Tree::of(&[("crates/x/src/a.rs", text)])).len(), 1, "{text}");
    }
}
