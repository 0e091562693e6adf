//! Prints what the explorer finds as Markdown, which `docs/protocol/refresh.md` quotes; progress goes to stderr.
//! `--deep` adds explorations that are too long for the tests.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a report for people")]

use cloakroom_model::{
    ALONE, Setup, Variant, broken, explore, explore_until, exposures, following, held, longest, tell,
};

/// Ticks at which the count of the thief's time stops: twenty race windows.
const CAP: u8 = 80;

fn main() {
    println!("| exploration | promises | states | steps | holds |\n|---|---|---|---|---|");
    for scenario in held() {
        line(scenario.name, &scenario.setup, scenario.promises);
    }
    if std::env::args().any(|argument| argument == "--deep") {
        line("owner alone, two tabs, eighths of a race window as ticks", &Setup::fine(Variant::Shipped), ALONE);
    }
    println!("\n| fault | broken promise | steps to it |\n|---|---|---|");
    for scenario in broken() {
        eprintln!("{} ...", scenario.name);
        let outcome = explore_until(&scenario.setup, scenario.promises, scenario.breaks);
        for promise in scenario.breaks {
            let steps = outcome.against(*promise).map_or("NOT FOUND".to_owned(), |trace| trace.len().to_string());
            println!("| {} | {} | {steps} |", scenario.name, promise.name);
        }
    }
    println!("\n| thief | largest exposure, quarter race windows |\n|---|---|");
    let mut traces = Vec::new();
    for (name, setup) in exposures(CAP) {
        eprintln!("{name} ...");
        let (ticks, trace) = longest(&setup);
        println!("| {name} | {ticks} |");
        traces.push((name, trace));
    }
    for variant in [Variant::Shipped, Variant::AnyJar] {
        for answers in 1..=4 {
            eprintln!("lockstep, {answers} answers ...");
            let (ticks, trace) = longest(&following(variant, answers, CAP));
            println!("| sighted, lockstep, at most {answers} answers, rules {variant:?} | {ticks} |");
            if answers == 2 {
                traces.push(("sighted, lockstep, at most two answers", trace));
            }
        }
    }
    for (name, trace) in traces {
        println!("\n{name}:\n\n```text\n{}```", tell(&trace.unwrap_or_default()));
    }
}

fn line(name: &str, setup: &Setup, promises: &'static [cloakroom_model::Promise]) {
    eprintln!("{name} ...");
    let outcome = explore(setup, promises);
    let names: Vec<&str> = promises.iter().map(|promise| promise.name).collect();
    let broken: Vec<&str> = outcome.broken.iter().map(|(name, _)| *name).collect();
    let holds = match (outcome.complete, broken.is_empty()) {
        (true, true) => "yes".to_owned(),
        _ => format!("NO: {broken:?}"),
    };
    println!("| {name} | {} | {} | {} | {holds} |", names.join(", "), outcome.states, outcome.steps);
}
