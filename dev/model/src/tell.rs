//! An execution in words: one line for each step, with what matters of the state after it. Only for people.

use crate::setup::TICK;
use crate::step::Step;
use crate::world::{Leg, NOW, Token, World};
use cloakroom_core::access::Revocation;
use cloakroom_core::time::Timestamp;
use std::fmt::Write as _;

/// Tells an execution, one line for each step, the clock in ticks first.
pub fn tell(trace: &[(Step, World)]) -> String {
    let mut clock = 0;
    let mut text = String::new();
    for (step, world) in trace {
        clock += u32::from(*step == Step::Tick);
        // Writing to a string does not fail.
        let _ = writeln!(text, "{clock:>3}  {:<34} {}", name(*step), state(world));
    }
    text
}

fn name(step: Step) -> String {
    let node = |node: usize| if node == 0 { "a" } else { "b" };
    match step {
        Step::Tick => "the clock moves on".to_owned(),
        Step::Send(_) => "owner sends a refresh".to_owned(),
        Step::Load(_, at) => format!("node {} reads the row", node(at)),
        Step::Commit(_) => "it commits for the owner".to_owned(),
        Step::Receive(_) => "the owner's jar gets the answer".to_owned(),
        Step::Lose(_) => "a message is lost".to_owned(),
        Step::Use(at) => format!("owner uses the token at node {}", node(at)),
        Step::Report(_) => "a sighting is written".to_owned(),
        Step::Crash(_) => "a node forgets its sighting".to_owned(),
        Step::Copy => "the thief copies the jar".to_owned(),
        Step::ThiefAsk(ask, at) => format!("thief presents R({}) at node {}", ask.generation, node(at)),
        Step::ThiefLoad(at) => format!("node {} reads again for the thief", node(at)),
        Step::ThiefCommit => "it commits for the thief".to_owned(),
        Step::ThiefUse(at) => format!("thief uses the token at node {}", node(at)),
    }
}

fn ticks(at: Timestamp) -> String {
    let gap = at.millis() - NOW.millis();
    let tick = i64::try_from(TICK.millis()).unwrap_or(1);
    format!("{:+}", gap.div_euclid(tick) + i64::from(gap.rem_euclid(tick) != 0))
}

/// Generations and issues as the state numbers them: from the lowest that anybody still holds.
fn state(world: &World) -> String {
    if world.row.ended {
        return "the family has ended".to_owned();
    }
    let row = &world.row;
    let mut text = format!("row g{}.{}", row.generation, row.issue);
    if let Some(at) = row.acknowledged_at {
        let _ = write!(text, " in use since {}", ticks(at));
    }
    if row.late_repeats > 0 {
        let _ = write!(text, " late {}", row.late_repeats);
    }
    for seen in world.seen.iter().flatten() {
        let _ = write!(text, " seen {}", ticks(*seen));
    }
    let _ = write!(text, "; jar {}", held(world, &world.jar));
    for leg in &world.legs {
        let _ = match leg {
            Leg::Idle => Ok(()),
            Leg::Asking { ask, since, arrived } => {
                let place = if *arrived { "to be read again" } else { "under way" };
                write!(text, "; R({}) {place} since {}", ask.generation, ticks(*since))
            }
            Leg::Judged { ask, at, .. } => write!(text, "; R({}) read {}", ask.generation, ticks(*at)),
            Leg::Answering { at, token } => {
                write!(text, "; answer g{}.{} of {}", token.generation, token.issue, ticks(*at))
            }
        };
    }
    if let Some(thief) = &world.thief {
        let _ = write!(text, "; thief R{:?}", thief.refresh);
        for token in &thief.tokens {
            let _ = write!(text, " {}", held(world, token));
        }
        if thief.residue > NOW {
            let _ = write!(text, " an older one until {}", ticks(thief.residue));
        }
    }
    text
}

fn held(world: &World, token: &Token) -> String {
    let limit = world.feed.iter().find_map(|entry| match entry {
        Revocation::Issues { generation, oldest, from, .. }
            if *generation == token.generation && token.issue < *oldest =>
        {
            Some(*from)
        }
        _ => None,
    });
    let until = limit.map_or(token.expires_at, |from| from.min(token.expires_at));
    let until = if world.accepts(token) { format!("until {}", ticks(until)) } else { "refused".to_owned() };
    format!("g{}.{} {until}", token.generation, token.issue)
}
