//! The promises of the protocol page, explored; and that every known fault breaks the promise that it should.

use cloakroom_model::{Variant, broken, explore, explore_until, exposures, following, held, longest, tell};

#[test]
fn every_promise_holds_in_every_state() {
    for scenario in held() {
        let outcome = explore(&scenario.setup, scenario.promises);
        for (name, trace) in &outcome.broken {
            eprintln!("{}: {name} is broken:\n{}", scenario.name, tell(trace));
        }
        assert!(outcome.broken.is_empty(), "{}", scenario.name);
        eprintln!("{}: {} states", scenario.name, outcome.states);
        assert!(outcome.complete && outcome.states > 1000, "{}: {outcome:?}", scenario.name);
    }
}

#[test]
fn every_known_fault_breaks_its_promise_and_has_a_trace() {
    for scenario in broken() {
        let outcome = explore_until(&scenario.setup, scenario.promises, scenario.breaks);
        for promise in scenario.breaks {
            let trace = outcome.against(*promise);
            assert!(trace.is_some_and(|trace| !trace.is_empty()), "{}: {}", scenario.name, promise.name);
        }
    }
}

#[test]
fn a_blind_thief_is_exposed_no_longer_than_the_page_says() {
    // In quarter race windows; an access token lives three race windows and a hair, 13 of them.
    let expected = [13, 18, 29];
    for ((name, setup), expected) in exposures(80).into_iter().zip(expected) {
        let (ticks, trace) = longest(&setup);
        assert_eq!(ticks, expected, "{name}");
        assert!(trace.is_some(), "{name}");
    }
}

#[test]
fn lockstep_goes_on_with_every_answer_unless_a_repeat_is_bound_to_one_jar() {
    let ticks = |variant, answers| longest(&following(variant, answers, 80)).0;
    assert!(ticks(Variant::AnyJar, 1) < ticks(Variant::AnyJar, 2));
    assert!(ticks(Variant::AnyJar, 2) < ticks(Variant::AnyJar, 3));
    assert_eq!(ticks(Variant::Shipped, 3), ticks(Variant::Shipped, 2));
    assert!(ticks(Variant::Shipped, 3) < ticks(Variant::AnyJar, 2));
}
