//! What can happen next.

use proptest::prelude::*;
use std::ops::RangeInclusive;

/// One thing that happens. Nodes are counted from 0.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A tab of the owner refreshes; the answer arrives or is lost.
    Refresh { node: usize, arrives: bool },
    /// Two tabs refresh at the same time on two nodes; the answers arrive in this order or the other, or are lost.
    Both { nodes: [usize; 2], arrive: [bool; 2], swapped: bool },
    /// The owner shows the access token in the jar.
    Use { node: usize },
    /// A node writes what it has seen in use.
    Flush { node: usize },
    /// A node reads the feed.
    Follow { node: usize },
    /// A node dies and starts anew: what it has seen and not written is forgotten.
    Crash { node: usize },
    /// Time passes.
    Wait { millis: u64 },
    /// Somebody shows a token that is none, or not theirs.
    Forge { node: usize, forgery: Forgery },
    /// A thief copies the jar, again perhaps.
    Steal,
    /// The thief shows his access token.
    ThiefUses { node: usize },
    /// The thief refreshes.
    ThiefRefreshes { node: usize },
}

/// What is wrong with a refresh token or with its company.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forgery {
    /// One bit of the MAC.
    Mac,
    /// It claims the next generation.
    Ahead,
    /// Nothing accompanies it.
    Alone,
    /// What accompanies it is another session's.
    ForeignCompany,
    /// It is another session's, and what accompanies it is this one's.
    Foreign,
}

const NODES: std::ops::Range<usize> = 0..3;
const LENGTH: RangeInclusive<usize> = 1..=36;

/// Instants between steps: within a race, about a race window, beyond it, beyond the life of an access token.
fn waits() -> impl Strategy<Value = u64> {
    prop_oneof![Just(100), Just(1500), Just(3000), Just(9900), Just(10_100), Just(30_000), Just(61_000), Just(301_000)]
}

fn forgeries() -> impl Strategy<Value = Forgery> {
    use Forgery::{Ahead, Alone, Foreign, ForeignCompany, Mac};
    prop_oneof![Just(Mac), Just(Ahead), Just(Alone), Just(ForeignCompany), Just(Foreign)]
}

fn of_the_owner() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (NODES, any::<bool>()).prop_map(|(node, arrives)| Step::Refresh { node, arrives }),
        3 => ([NODES, NODES], any::<[bool; 2]>(), any::<bool>())
            .prop_map(|(nodes, arrive, swapped)| Step::Both { nodes, arrive, swapped }),
        4 => NODES.prop_map(|node| Step::Use { node }),
        3 => NODES.prop_map(|node| Step::Flush { node }),
        2 => NODES.prop_map(|node| Step::Follow { node }),
        1 => NODES.prop_map(|node| Step::Crash { node }),
        5 => waits().prop_map(|millis| Step::Wait { millis }),
        2 => (NODES, forgeries()).prop_map(|(node, forgery)| Step::Forge { node, forgery }),
    ]
}

fn of_the_thief() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Steal),
        2 => NODES.prop_map(|node| Step::ThiefUses { node }),
        2 => NODES.prop_map(|node| Step::ThiefRefreshes { node }),
    ]
}

/// Without a thief.
pub(crate) fn alone() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(of_the_owner(), LENGTH)
}

/// With one, who has copied the jar at some time before the end.
pub(crate) fn with_a_thief() -> impl Strategy<Value = Vec<Step>> {
    let anybodys = prop_oneof![3 => of_the_owner(), 1 => of_the_thief()];
    (prop::collection::vec(anybodys, LENGTH), any::<prop::sample::Index>()).prop_map(|(mut steps, at)| {
        steps.insert(at.index(steps.len()), Step::Steal);
        steps
    })
}
