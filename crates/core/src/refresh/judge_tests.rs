//! The table of the protocol page, row by row, and the properties that hold for every family.

use super::*;
use crate::refresh::EndReason;
use crate::refresh::Ended;
use proptest::prelude::*;

const OLD_KEY: KeyId = KeyId::from_bytes([1; 16]);
const KEY: KeyId = KeyId::from_bytes([2; 16]);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000 + seconds)
}

fn family(generation: u32) -> Family {
    Family { generation, ..Family::opened([7; 16], OLD_KEY, at(0)) }
}

fn acknowledged(generation: u32, seconds: i64) -> Family {
    Family { acknowledged_at: Some(at(seconds)), ..family(generation) }
}

fn present(generation: u32) -> Presented {
    Presented { generation, genuine: true, beside: Beside::Token { generation, issue: 0 } }
}

fn judged(family: &Family, presented: Presented, now: Timestamp) -> Verdict {
    judge(family, presented, KEY, now, &Policy::default())
}

#[test]
fn the_current_token_opens_the_next_generation() {
    for family in [family(4), acknowledged(4, 1)] {
        let Verdict::Rotate(order) = judged(&family, present(4), at(300)) else { panic!("not rotated") };
        assert_eq!(order.expected, Version { generation: 4, issue: 0 });
        assert_eq!((order.next.generation, order.next.issue, order.next.acknowledged_at), (5, 0, None));
        assert_eq!((order.next.rotated_at, order.next.key, order.next.seed), (at(300), KEY, family.seed));
    }
}

#[test]
fn a_lost_answer_is_given_again_however_late() {
    for seconds in [1, 60, 86_400] {
        let Verdict::Repeat(order) = judged(&family(4), present(3), at(seconds)) else { panic!("not repeated") };
        assert_eq!((order.next.generation, order.next.issue, order.next.key), (4, 1, OLD_KEY));
        assert_eq!(order.older_issues_until, at(seconds + 10));
    }
}

#[test]
fn a_lost_answer_is_given_again_only_to_the_jar_that_asked_for_it() {
    let beside = |generation, issue| Presented { beside: Beside::Token { generation, issue }, ..present(3) };
    let Verdict::Rotate(order) = judged(&Family { issue: 2, ..family(3) }, beside(3, 2), at(300)) else { panic!() };
    assert_eq!(order.next.rotated_with, 2);
    let again = |presented| judged(&order.next, presented, at(310));
    assert!(matches!(again(beside(3, 2)), Verdict::Repeat(_)));
    for other in [beside(3, 1), beside(3, 3), beside(4, 2), beside(2, 2)] {
        assert_eq!(again(other), Verdict::Replay(Replay { silent: false }), "{other:?}");
    }
    // Where what comes along never changes, it tells no jar from another.
    assert!(matches!(again(Presented { beside: Beside::Proof, ..present(3) }), Verdict::Repeat(_)));
}

#[test]
fn a_second_tab_within_the_window_is_told_to_look_into_its_jar() {
    assert_eq!(judged(&acknowledged(4, 5), present(3), at(15)), Verdict::Raced);
}

#[test]
fn a_used_up_token_after_the_window_ends_the_family() {
    let late = at(15).plus(Lifetime::from_millis(1));
    assert_eq!(judged(&acknowledged(4, 5), present(3), late), Verdict::Replay(Replay { silent: false }));
    // Older than the one before is a replay at any time, in use or not.
    assert_eq!(judged(&family(4), present(2), at(0)), Verdict::Replay(Replay { silent: false }));
}

#[test]
fn without_sightings_a_generation_counts_as_used_from_its_rotation() {
    let policy = Policy { sightings: false, ..Policy::default() };
    assert_eq!(judge(&family(4), present(3), KEY, at(10), &policy), Verdict::Raced);
    assert_eq!(judge(&family(4), present(3), KEY, at(11), &policy), Verdict::Replay(Replay { silent: false }));
}

#[test]
fn five_late_generations_in_a_row_end_a_silent_thief() {
    let mut now = at(0);
    let mut family = family(1);
    for round in 1..=5 {
        // The thief rotates and stays silent; the owner comes late with the generation before.
        now = now.plus(Lifetime::from_secs(300));
        let before = family.generation;
        let Verdict::Rotate(order) = judged(&family, present(before), now) else { panic!() };
        family = order.next;
        now = now.plus(Lifetime::from_secs(3));
        match judged(&family, present(before), now) {
            Verdict::Repeat(order) if round < 5 => family = order.next,
            verdict => assert_eq!((round, verdict), (5, Verdict::Replay(Replay { silent: true }))),
        }
    }
}

#[test]
fn an_early_or_an_unneeded_repeat_breaks_the_run() {
    let late = Family { late_repeats: 4, ..family(4) };
    let Verdict::Repeat(order) = judged(&late, present(3), at(2)) else { panic!() };
    assert_eq!(order.next.late_repeats, 0);
    let Verdict::Rotate(order) = judged(&late, present(4), at(300)) else { panic!() };
    assert_eq!(order.next.late_repeats, 0);
    // A second repeat of the same generation is neither counted nor forgiven.
    let counted = Family { issue: 1, late_repeats: 4, ..family(4) };
    let Verdict::Repeat(order) = judged(&counted, present(3), at(300)) else { panic!() };
    assert_eq!(order.next.late_repeats, 4);
    let Verdict::Rotate(order) = judged(&counted, present(4), at(300)) else { panic!() };
    assert_eq!(order.next.late_repeats, 4);
}

#[test]
fn what_is_forged_unaccompanied_or_ended_is_refused() {
    let forged = Presented { genuine: false, ..present(4) };
    assert_eq!(judged(&family(4), forged, at(0)), Verdict::Refuse(Refusal::Forged));
    assert_eq!(judged(&family(4), present(5), at(0)), Verdict::Refuse(Refusal::Forged));
    let alone = Presented { beside: Beside::Nothing, ..present(4) };
    assert_eq!(judged(&family(4), alone, at(0)), Verdict::Refuse(Refusal::Unaccompanied));
    let ended = Family { ended: Some(Ended { at: at(0), reason: EndReason::LoggedOut }), ..family(4) };
    for generation in 0..=4 {
        assert_eq!(judged(&ended, present(generation), at(0)), Verdict::Refuse(Refusal::Ended));
    }
}

proptest! {
    #[test]
    fn a_judgement_never_goes_back_and_never_skips(
        generation in 0..6_u32, presented in 0..8_u32, issue in 0..4_u32, late_repeats in 0..5_u8,
        acknowledged in proptest::option::of(0..100_i64), now in 0..400_i64, genuine: bool, accompanied: bool,
    ) {
        let family = Family { issue, late_repeats, acknowledged_at: acknowledged.map(at), ..family(generation) };
        let beside = if accompanied { Beside::Proof } else { Beside::Nothing };
        let verdict = judged(&family, Presented { generation: presented, genuine, beside }, at(now));
        match verdict {
            Verdict::Rotate(order) => {
                prop_assert_eq!(order.expected, family.version());
                prop_assert_eq!(order.next.generation, generation + 1);
                prop_assert_eq!(presented, generation);
            }
            Verdict::Repeat(order) => {
                prop_assert_eq!(order.expected, family.version());
                prop_assert_eq!((order.next.generation, order.next.issue), (generation, issue + 1));
                prop_assert_eq!((presented + 1, acknowledged), (generation, None));
                prop_assert!(order.next.late_repeats < 5);
            }
            Verdict::Raced => prop_assert!(acknowledged.is_some_and(|a| now - a <= 10)),
            Verdict::Replay(_) => prop_assert!(genuine && accompanied && presented < generation),
            Verdict::Refuse(_) => prop_assert!(!genuine || !accompanied || presented > generation),
        }
    }
}
