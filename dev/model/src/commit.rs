//! The store's side of a refresh: compare, write, and what the answer carries. The comparison is that of
//! `crates/store/src/session/sqlite.rs`: generation, issue, not ended; a repeat also needs the use to be unchanged.

use crate::canonical;
use crate::rules::Ask;
use crate::setup::{Setup, Strategy};
use crate::world::{Leg, NODES, NOW, Row, SESSION, Token, World};
use cloakroom_core::access::Revocation;
use cloakroom_core::refresh::{Family, Verdict};
use cloakroom_core::time::Timestamp;

/// Carries out what `judged` says. Gives what becomes of the refresh: an answer, nothing, or back to reading the row.
pub(crate) fn carry_out(setup: &Setup, world: &mut World, judged: Leg, by_thief: bool) -> Option<Leg> {
    let Leg::Judged { ask, at, read } = judged else { return None };
    let again = Leg::Asking { ask, since: at, arrived: true };
    let same_version = (world.row.generation, world.row.issue) == (read.generation, read.issue);
    let is_current = !setup.rules.compares() || same_version;
    Some(match setup.rules.judge(&read.family(), ask, at) {
        Verdict::Rotate(order) if is_current => {
            note_service(setup, world, at, by_thief, false);
            note_rotation(setup, world, at, by_thief);
            serve(setup, world, &order.next, at)
        }
        Verdict::Repeat(order)
            if is_current
                && (!setup.rules.compares_use() || world.row.acknowledged_at == order.next.acknowledged_at) =>
        {
            note_service(setup, world, at, by_thief, true);
            note_repeat(setup, world, &read, at, by_thief);
            if let Some(from) = setup.rules.outdates(&order) {
                let refused =
                    |world: &World| canonical::held(world).filter(|token| world.is_outdated(token, NOW)).count();
                let before = refused(world);
                outdate(world, order.next.generation, order.next.issue, from);
                world.ghost.revived |= setup.revivals && refused(world) < before;
            }
            // A fault that ignores the use does not erase it from the row.
            let next = Family { acknowledged_at: world.row.acknowledged_at, ..order.next };
            serve(setup, world, &next, at)
        }
        Verdict::Replay(replay) => {
            world.row.ended = true;
            world.ghost.silent_end = replay.silent;
            Leg::Idle
        }
        Verdict::Rotate(_) | Verdict::Repeat(_) => again,
        Verdict::Raced | Verdict::Refuse(_) => Leg::Idle,
    })
}

/// Writes the row and mints.
fn serve(setup: &Setup, world: &mut World, next: &Family, at: Timestamp) -> Leg {
    let minted = (next.generation, next.issue);
    // Versions only grow, so a second token of one version is one that does not lie ahead of the row.
    world.ghost.twins |= minted <= (world.row.generation, world.row.issue);
    if next.generation != world.row.generation {
        world.seen = [None; NODES];
    }
    world.row = Row::of(next);
    let token = Token {
        generation: next.generation,
        issue: next.issue,
        issued_at: at,
        expires_at: at.plus(setup.rules.access_for),
    };
    Leg::Answering { at, token }
}

fn outdate(world: &mut World, generation: u32, oldest: u32, from: Timestamp) {
    world.feed.push(Revocation::Issues { session: SESSION, generation, oldest, from });
}

fn note_service(setup: &Setup, world: &mut World, at: Timestamp, by_thief: bool, repeat: bool) {
    let Some(used_at) = world.row.acknowledged_at else { return };
    world.ghost.used_up_paid |= repeat;
    let known_for_long = at.since(used_at) > setup.rules.policy.race_window;
    world.ghost.uncaught |= !by_thief && known_for_long && world.ghost.by_thief && !world.ghost.owner_in;
}

fn note_rotation(setup: &Setup, world: &mut World, at: Timestamp, by_thief: bool) {
    let took_time = at < NOW || world.legs.iter().any(|leg| leg.since().is_some_and(|since| since < NOW));
    let ghost = &mut world.ghost;
    if setup.thief.is_none() {
        ghost.slow_run = if ghost.slow { (ghost.slow_run + 1).min(setup.late_limit()) } else { 0 };
        ghost.slow = took_time;
    }
    if !by_thief {
        ghost.silent_run = 0;
    }
    ghost.by_thief = by_thief;
    ghost.owner_in = !by_thief;
    ghost.overlap = 0;
}

fn note_repeat(setup: &Setup, world: &mut World, read: &Row, at: Timestamp, by_thief: bool) {
    let ghost = &mut world.ghost;
    if setup.thief == Some(Strategy::Silent) && !by_thief && ghost.by_thief && read.issue == 0 {
        let late = at.since(read.rotated_at) > setup.rules.policy.late_after;
        ghost.silent_run = if late { (ghost.silent_run + 1).min(setup.late_limit()) } else { 0 };
    }
}

/// What a browser that is alone presents; shared with the recovery.
pub(crate) fn present(setup: &Setup, world: &World, ask: Ask, node: usize) -> Option<(World, Token)> {
    let mut next = world.clone();
    let mut read = world.row.clone();
    read.acknowledged_at = read.acknowledged_at.or(*world.seen.get(node)?);
    match carry_out(setup, &mut next, Leg::Judged { ask, at: NOW, read }, false)? {
        Leg::Answering { token, .. } => Some((next, token)),
        _ => None,
    }
}
