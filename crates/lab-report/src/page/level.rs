//! How bad a verdict is, in six steps: what colours, weights and sums go by. The words are left to `verdict.rs`.

use crate::verdict::Verdict;

/// A step of the heat.
pub(super) struct Level {
    /// The class in the style sheet.
    pub(super) class: &'static str,
    /// What such cells have in common.
    pub(super) title: &'static str,
    pub(super) verdicts: &'static [Verdict],
}

/// From the worst to the best; what could not be judged comes last.
pub(super) const LEVELS: [Level; 7] = [
    Level { class: "l5", title: "Stolen", verdicts: &[Verdict::Leak, Verdict::Mint, Verdict::Replay] },
    Level { class: "l4", title: "Forged", verdicts: &[Verdict::Fixate, Verdict::Forge] },
    Level { class: "l3", title: "Used", verdicts: &[Verdict::Sib, Verdict::Stale, Verdict::Ride, Verdict::Detect] },
    Level { class: "l2", title: "Limited", verdicts: &[Verdict::Part, Verdict::Deny, Verdict::Oracle] },
    Level { class: "l1", title: "Safe", verdicts: &[Verdict::Safe] },
    Level { class: "l0", title: "Not applicable", verdicts: &[Verdict::Na, Verdict::NotRun] },
    Level { class: "lx", title: "No verdict", verdicts: &[Verdict::Invalid] },
];

/// The class of a verdict.
pub(super) fn class(verdict: Verdict) -> &'static str {
    LEVELS.iter().find(|level| level.verdicts.contains(&verdict)).map_or("lx", |level| level.class)
}

#[test]
fn every_verdict_has_one_level_and_levels_rise_with_verdicts() {
    let listed: Vec<Verdict> =
        LEVELS.iter().rev().skip(1).flat_map(|level| level.verdicts.iter().rev().copied()).collect();
    let without = |verdict: &Verdict| !matches!(verdict, Verdict::Na | Verdict::NotRun | Verdict::Invalid);
    let expected: Vec<Verdict> = Verdict::ALL.into_iter().filter(without).collect();
    assert_eq!(listed.into_iter().filter(without).collect::<Vec<_>>(), expected);
    assert_eq!(LEVELS.iter().map(|level| level.verdicts.len()).sum::<usize>(), Verdict::ALL.len());
}
