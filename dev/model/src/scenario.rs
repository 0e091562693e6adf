//! The explorations that are told in the docs and asserted in the tests, so that both speak of the same.

use crate::explore::{Trace, explore_until};
use crate::property::{
    AGAINST_A_THIEF, ALONE, EXPOSURE, FORGERY_INERT, LOCKSTEP_BOUNDED, NO_FALSE_ALARM, ONE_LINE, OUTDATED_STAYS,
    Promise, SILENCE_BOUNDED, THIEF_CAUGHT, WAY_ON,
};
use crate::rules::Variant;
use crate::setup::{Reports, Setup, Strategy, TICK};
use cloakroom_core::refresh::Policy;
use cloakroom_core::time::Lifetime;
use std::sync::atomic::Ordering;

/// An exploration in which every promise must hold.
pub struct Held {
    /// What it is about.
    pub name: &'static str,
    /// The world.
    pub setup: Setup,
    /// What must hold in every state.
    pub promises: &'static [Promise],
}

/// A fault, or a limit of the rules, that the explorer must find.
pub struct Broken {
    /// What is wrong.
    pub name: &'static str,
    /// The world.
    pub setup: Setup,
    /// What is looked at.
    pub promises: &'static [Promise],
    /// What must be found broken.
    pub breaks: &'static [Promise],
}

fn one_tab(setup: Setup) -> Setup {
    Setup { tabs: 1, ..setup }
}

fn sighted(variant: Variant) -> Setup {
    let setup = one_tab(Setup::coarse(variant)).with_thief(Strategy::Any);
    let mut setup = Setup { answers: 2, reports: Reports::Prompt, ..setup };
    setup.rules.policy.late_limit = 2;
    setup
}

fn silent(variant: Variant) -> Setup {
    one_tab(Setup::coarse(variant)).with_thief(Strategy::Silent).busy()
}

fn lockstep(variant: Variant) -> Setup {
    let setup = one_tab(Setup::coarse(variant)).with_thief(Strategy::Lockstep).busy();
    Setup { overlap: true, answers: 3, ..setup }
}

fn revivals() -> Setup {
    let mut setup = one_tab(Setup::coarse(Variant::AnyJar)).with_thief(Strategy::Lockstep);
    setup.rules.policy.late_limit = 2;
    Setup { revivals: true, losses: false, answers: 3, reports: Reports::Prompt, ..setup }
}

/// What the rules promise, and what proposals would.
pub fn held() -> Vec<Held> {
    use Variant::{AnyJar, Shipped};
    let held = |name, setup, promises| Held { name, setup, promises };
    // A shorter run ends a family here: more refreshes at once leave room for fewer generations in trouble.
    let limited = |limit, mut setup: Setup| {
        setup.rules.policy.late_limit = limit;
        setup
    };
    let three = limited(3, Setup { tabs: 3, ..Setup::coarse(AnyJar) });
    vec![
        held("owner alone, two tabs, losses, crashes, late and lost sightings", Setup::coarse(Shipped), ALONE),
        held("any jar may repeat, three refreshes at once, a limit of three late repeats", three, ALONE),
        held(
            "sighted thief, prompt sightings, two answers",
            Setup { losses: false, ..sighted(Shipped) },
            AGAINST_A_THIEF,
        ),
        held("a second repeat revives no issue", revivals(), &[OUTDATED_STAYS]),
        held("silent blind thief, busy owner", silent(Shipped), &[SILENCE_BOUNDED]),
        held("the same where any jar may repeat", silent(AnyJar), &[SILENCE_BOUNDED]),
        held("lockstep thief, busy owner, three answers", lockstep(Shipped), &[LOCKSTEP_BOUNDED]),
        held("any jar may repeat (`memory`, `split-bearer`, `native`): owner alone", Setup::coarse(AnyJar), ALONE),
        held("the same: sighted thief, losses", sighted(AnyJar), AGAINST_A_THIEF),
    ]
}

/// The known faults, and what the explorer found about the rules as they are.
pub fn broken() -> Vec<Broken> {
    let coarse = Setup::coarse;
    let broken = |name, setup, promises, breaks| Broken { name, setup, promises, breaks };
    let one_way = coarse(Variant::Shipped).windowed(TICK);
    let one_trip = coarse(Variant::Shipped).windowed(TICK.times(2).plus(Lifetime::from_millis(1)));
    let two_trips = coarse(Variant::Shipped).windowed(TICK.times(4));
    let mut endless = silent(Variant::AnyJar);
    endless.rules.policy = Policy { late_limit: u8::MAX, ..endless.rules.policy };
    let eager = Setup { eager: true, ..coarse(Variant::Shipped) };
    vec![
        broken("strict rotation", coarse(Variant::StrictRotation), ALONE, &[NO_FALSE_ALARM, WAY_ON]),
        broken("plain grace period", coarse(Variant::PlainGrace), ALONE, &[NO_FALSE_ALARM, WAY_ON]),
        broken("plain grace period, with a thief", sighted(Variant::PlainGrace), AGAINST_A_THIEF, &[THIEF_CAUGHT]),
        broken("check-then-update", coarse(Variant::CheckThenUpdate), ALONE, &[ONE_LINE]),
        broken("ignored acknowledgement", sighted(Variant::IgnoredAcknowledgement), AGAINST_A_THIEF, &[THIEF_CAUGHT]),
        broken("older issues kept", sighted(Variant::OlderIssuesKept), AGAINST_A_THIEF, &[ONE_LINE]),
        broken("forged tokens count", coarse(Variant::ForgedCounts), ALONE, &[FORGERY_INERT]),
        broken("no limit of late repeats", endless, &[SILENCE_BOUNDED], &[SILENCE_BOUNDED]),
        broken("race_window covers one way only", one_way, ALONE, &[NO_FALSE_ALARM]),
        broken("race_window covers one round trip", one_trip, ALONE, &[NO_FALSE_ALARM]),
        broken("race_window covers two round trips to the tick", two_trips, ALONE, &[NO_FALSE_ALARM]),
        broken("an outdated issue reads as signed out", coarse(Variant::OutdatedSignsOut), ALONE, &[WAY_ON]),
        broken("an owner who refreshes whenever he likes", eager, ALONE, &[NO_FALSE_ALARM]),
    ]
}

/// The explorations of the thief's time, by strategy: a busy owner with one tab, prompt sightings, no losses.
/// `cap` ends the count, in ticks.
pub fn exposures(cap: u8) -> Vec<(&'static str, Setup)> {
    let measured = |strategy| one_tab(Setup::coarse(Variant::Shipped)).with_thief(strategy).busy().measured(cap);
    vec![
        ("uses the copied access token only", measured(Strategy::Copied)),
        ("blind, refreshes and uses at once", measured(Strategy::Uses)),
        ("blind, refreshes and never uses", measured(Strategy::Silent)),
    ]
}

/// A sighted thief who follows every rotation, answered with tokens so many times at most.
pub fn following(variant: Variant, answers: u8, cap: u8) -> Setup {
    let setup = one_tab(Setup::coarse(variant)).with_thief(Strategy::Lockstep).busy().measured(cap);
    Setup { answers, ..setup }
}

/// The largest exposure of a setup in ticks, with the shortest execution that reaches it.
pub fn longest(setup: &Setup) -> (u32, Option<Trace>) {
    explore_until(setup, &[EXPOSURE], &[EXPOSURE]);
    let longest = setup.exposure.load(Ordering::Relaxed);
    let limit = u8::try_from(longest).unwrap_or(u8::MAX);
    let again = Setup { exposure_limit: limit, ..setup.clone() };
    (longest, explore_until(&again, &[EXPOSURE], &[EXPOSURE]).broken.pop().map(|(_, trace)| trace))
}
