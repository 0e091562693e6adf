//! When a run is worse than what is known, and when it is not.

use cloakroom_lab_report::{Baseline, Run, Verdict};

use crate::sample;

/// The small run with all of Cloakroom's cells at one verdict, and the first of them at another.
fn run_with(all: Verdict, first: Verdict) -> Run {
    let mut run = sample::small(5);
    run.cells.retain(|cell| cell.strategy == "cookie" || cell.strategy == "S1");
    let mut first = Some(first);
    for cell in run.cells.iter_mut().filter(|cell| cell.strategy == "cookie") {
        cell.verdict = first.take().unwrap_or(all);
        cell.unstable.clear();
    }
    run
}

fn worse(known: Verdict, seen: Verdict) -> usize {
    Baseline::of(&run_with(Verdict::Safe, known)).worse(&run_with(Verdict::Safe, seen)).len()
}

#[test]
fn only_a_verdict_that_is_worse_counts() {
    assert_eq!(worse(Verdict::Safe, Verdict::Safe), 0);
    assert_eq!(worse(Verdict::Ride, Verdict::Safe), 0);
    assert_eq!(worse(Verdict::Na, Verdict::Safe), 0, "there is something to attack now, and it stands");
    assert_eq!(worse(Verdict::Ride, Verdict::Leak), 1);
    assert_eq!(worse(Verdict::Leak, Verdict::Invalid), 1, "what was judged can no longer be");
    assert_eq!(worse(Verdict::Safe, Verdict::NotRun), 0, "nobody asked for it");
    assert_eq!(worse(Verdict::Invalid, Verdict::Invalid), 0, "it never was judged");
}

#[test]
fn a_worse_repetition_counts_and_one_that_could_not_be_judged_does_not() {
    let known = Baseline::of(&run_with(Verdict::Safe, Verdict::Safe));
    let mut run = run_with(Verdict::Safe, Verdict::Safe);
    run.cells[0].unstable = vec![Verdict::Invalid, Verdict::Na];
    assert_eq!(known.worse(&run), []);
    run.cells[0].unstable = vec![Verdict::Na, Verdict::Mint];
    let worse = known.worse(&run);
    assert_eq!((worse[0].seen, worse[0].known, worse.len()), (Verdict::Mint, Verdict::Safe, 1));
    assert!(worse[0].text().starts_with("chromium cookie A1: MINT was SAFE: "), "{}", worse[0].text());
}

#[test]
fn victims_are_not_in_it_and_cells_that_are_missing_count_for_nothing() {
    let known = Baseline::of(&run_with(Verdict::Safe, Verdict::Safe));
    assert!(!known.json().contains("S1"));
    let mut run = run_with(Verdict::Safe, Verdict::Safe);
    for cell in run.cells.iter_mut().filter(|cell| cell.strategy == "S1") {
        cell.verdict = Verdict::Leak;
    }
    run.cells.remove(0);
    assert_eq!(known.worse(&run), []);
    assert!(known.unknown(&run).is_empty());

    let nothing = Baseline::of(&Run { cells: Vec::new(), ..run.clone() });
    assert_eq!(nothing.worse(&run), [], "nothing is known, so nothing is worse");
    assert_eq!(nothing.unknown(&run).len(), run.cells.iter().filter(|cell| cell.strategy == "cookie").count());
}

#[test]
fn it_comes_back_as_it_went_and_other_files_are_refused() {
    let known = Baseline::of(&sample::full(5));
    assert_eq!(Baseline::read(known.json().as_bytes()).unwrap(), known);
    let said = |text: &str| Baseline::read(text.as_bytes()).unwrap_err().to_string();
    assert!(said(&known.json().replacen("SAFE", "FINE", 1)).contains("`verdicts.chromium.cookie."));
    assert!(
        said(&known.json().replace("baseline/1", "baseline/9")).contains("`schema` is \"cloakroom-lab-baseline/9\"")
    );
    assert!(said(&" ".repeat(2_000_000)).contains("2000000 bytes"));
}
