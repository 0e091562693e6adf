//! Brings a state into the one form that stands for all states that behave the same, so that endless executions have
//! finitely many states. Exact, nothing is approximated:
//!
//! - an instant further back than any rule looks is as good as the oldest that one looks at;
//! - generations count only by order and by being neighbours, issues by order and by being the first;
//! - tabs are interchangeable, and so are nodes;
//! - what a rule can no longer reach (an entry of the feed for tokens that nobody holds, a sighting of a generation that
//!   is known to be in use, work on a row that has changed and will be read again) is dropped.

use crate::rules::Variant;
use crate::setup::{Setup, TICK};
use crate::world::{Leg, NODES, NOW, Row, Token, World};
use cloakroom_core::access::Revocation;
use cloakroom_core::refresh::Verdict;
use cloakroom_core::time::Timestamp;

/// Brings it into canonical form.
pub(crate) fn bring(setup: &Setup, world: &mut World) {
    if world.row.ended {
        // Nothing happens any more. What led here is told by the trace, not by the state.
        world.legs.fill(Leg::Idle);
        world.seen = [None; NODES];
        world.thief = None;
        world.feed.clear();
        return;
    }
    reread(setup, world);
    forget(setup, world);
    clamp(setup, world);
    renumber(world);
    world.legs.sort();
    world.seen.sort();
}

/// Work on a row that has changed since will lose its race.
fn reread(setup: &Setup, world: &mut World) {
    if !setup.rules.compares() {
        return;
    }
    let version = (world.row.generation, world.row.issue);
    let in_use = setup.rules.compares_use() && world.row.acknowledged_at.is_some();
    let thief = world.thief.as_mut().map(|thief| &mut thief.leg);
    for leg in world.legs.iter_mut().chain(thief) {
        if let Leg::Judged { ask, at, read } = leg {
            let changed = (read.generation, read.issue) != version;
            let loses = (changed || in_use)
                && match setup.rules.judge(&read.family(), *ask, *at) {
                    Verdict::Rotate(_) => changed,
                    Verdict::Repeat(_) => changed || in_use,
                    _ => false,
                };
            if loses {
                *leg = Leg::Asking { ask: *ask, since: *at, arrived: true };
            }
        }
    }
}

fn forget(setup: &Setup, world: &mut World) {
    if world.row.acknowledged_at.is_some() {
        world.seen = [None; NODES];
    }
    let newest = world.row.generation;
    if let Some(mut thief) = world.thief.take() {
        let oldest_kept = if setup.rules.is_bound() { newest.saturating_sub(1) } else { newest };
        for token in thief.tokens.iter().filter(|token| token.generation < newest) {
            thief.residue = thief.residue.max(good_until(world, token));
        }
        thief.residue = thief.residue.max(NOW);
        thief
            .tokens
            .retain(|token| token.generation >= oldest_kept && (setup.rules.is_bound() || NOW < token.expires_at));
        for generation in &mut thief.refresh {
            // Older than the one before: a replay, however old.
            *generation = (*generation).max(newest.saturating_sub(2));
        }
        thief.refresh.sort_unstable();
        thief.refresh.dedup();
        thief.tokens.sort_unstable();
        thief.tokens.dedup();
        if setup.exposure_cap == 0 {
            thief.residue = NOW;
        }
        if !setup.rules.is_bound() {
            // The newest issue is accepted for longest; the one before it can only break `one line of descent`.
            thief.tokens.drain(..thief.tokens.len().saturating_sub(2));
        }
        for token in thief.tokens.iter_mut().filter(|token| NOW >= token.expires_at) {
            // Good for nothing but to accompany a refresh token.
            (token.issued_at, token.expires_at) = (oldest(setup), NOW);
        }
        world.thief = Some(thief);
    }
    let jar = world.jar;
    let is_dead = NOW >= jar.expires_at || (jar.generation < newest && world.is_outdated(&jar, NOW));
    if is_dead && !setup.rules.signs_out_outdated() {
        world.jar = Token { issued_at: oldest(setup), expires_at: NOW, ..jar };
    }
    let mut feed = std::mem::take(&mut world.feed);
    feed.retain(|entry| held(world).any(|token| matters(entry, token)));
    feed.sort_by_key(place);
    // As `Mark` folds them: of one generation, the entry that outdates most.
    feed.reverse();
    feed.dedup_by_key(|entry| place(entry).0);
    feed.reverse();
    world.feed = feed;
}

/// The first tick at which this token of an earlier generation is refused; no rule will speak of it again.
fn good_until(world: &World, token: &Token) -> Timestamp {
    let mut at = NOW;
    while world.accepts_at(token, at) {
        at = at.plus(TICK);
    }
    at
}

/// Every access token in the world that somebody holds or will hold.
pub(crate) fn held(world: &World) -> impl Iterator<Item = &Token> {
    let answers =
        world.legs.iter().filter_map(|leg| if let Leg::Answering { token, .. } = leg { Some(token) } else { None });
    let stolen = world.thief.iter().flat_map(|thief| &thief.tokens);
    std::iter::once(&world.jar).chain(answers).chain(stolen)
}

fn place(entry: &Revocation) -> (u32, u32) {
    if let Revocation::Issues { generation, oldest, .. } = entry { (*generation, *oldest) } else { (0, 0) }
}

fn matters(entry: &Revocation, token: &Token) -> bool {
    let (generation, oldest) = place(entry);
    token.generation == generation && token.issue < oldest && NOW < token.expires_at
}

/// Further back than any rule looks.
fn oldest(setup: &Setup) -> Timestamp {
    NOW.minus(TICK.times(u64::from(setup.window_ticks()) + 1))
}

fn clamp(setup: &Setup, world: &mut World) {
    let oldest = oldest(setup);
    let just_late = NOW.minus(TICK);
    let (grace, paced) = (setup.rules.variant == Variant::PlainGrace, setup.rules.variant == Variant::Paced);
    let looks_at_rotation = grace || !setup.rules.policy.sightings;
    let clamp_row = |row: &mut Row| {
        row.rotated_at = row.rotated_at.max(if looks_at_rotation { oldest } else { just_late });
        row.issued_at = if paced { row.issued_at.max(oldest) } else { oldest };
        row.acknowledged_at = row.acknowledged_at.map(|at| at.max(oldest));
    };
    clamp_row(&mut world.row);
    for seen in world.seen.iter_mut().flatten() {
        *seen = (*seen).max(oldest);
    }
    let clamp_token = |token: &mut Token| {
        token.issued_at = token.issued_at.max(oldest);
        token.expires_at = token.expires_at.max(NOW);
    };
    clamp_token(&mut world.jar);
    for entry in &mut world.feed {
        if let Revocation::Issues { from, .. } = entry {
            *from = (*from).max(NOW);
        }
    }
    let tokens = world.thief.iter_mut().flat_map(|thief| &mut thief.tokens);
    tokens.for_each(clamp_token);
    let thief = world.thief.as_mut().map(|thief| &mut thief.leg);
    for leg in world.legs.iter_mut().chain(thief) {
        if let Leg::Judged { read, .. } = leg {
            // What was read is judged at the instant of its arrival, which lies a little back.
            read.issued_at = if paced { read.issued_at } else { oldest };
        }
    }
}

/// Numbers generations and issues anew, from the lowest that anything names.
fn renumber(world: &mut World) {
    let mut names: Vec<(u32, u32)> = Vec::with_capacity(12);
    visit(world, &mut |generation, issue| names.push((*generation, *issue)));
    names.sort_unstable();
    names.dedup();
    let mut numbers: Vec<((u32, u32), (u32, u32))> = Vec::with_capacity(names.len());
    for (generation, issue) in names {
        let number = match numbers.last() {
            None => (0, issue.min(1)),
            Some(((last, _), (number, rank))) if *last == generation => (*number, rank + 1),
            // Neighbours stay neighbours; strangers stay strangers.
            Some(((last, _), (number, _))) => (number + (generation - last).min(2), issue.min(1)),
        };
        numbers.push(((generation, issue), number));
    }
    visit(world, &mut |generation, issue| {
        if let Some((_, number)) = numbers.iter().find(|(name, _)| *name == (*generation, *issue)) {
            (*generation, *issue) = *number;
        }
    });
    world.feed.sort_by_key(place);
}

/// Everything that names a generation and an issue.
fn visit(world: &mut World, name: &mut impl FnMut(&mut u32, &mut u32)) {
    let visit_row = |row: &mut Row, name: &mut dyn FnMut(&mut u32, &mut u32)| {
        // The bond is an issue of the generation before.
        if row.generation > 0 {
            let mut before = row.generation - 1;
            name(&mut before, &mut row.bond);
        }
        name(&mut row.generation, &mut row.issue);
    };
    visit_row(&mut world.row, name);
    name(&mut world.jar.generation, &mut world.jar.issue);
    for entry in &mut world.feed {
        if let Revocation::Issues { generation, oldest, .. } = entry {
            name(generation, oldest);
        }
    }
    let mut thief_leg = None;
    if let Some(thief) = &mut world.thief {
        thief.refresh.iter_mut().for_each(|generation| name(generation, &mut 0));
        thief.tokens.iter_mut().for_each(|token| name(&mut token.generation, &mut token.issue));
        thief_leg = Some(&mut thief.leg);
    }
    for leg in world.legs.iter_mut().chain(thief_leg) {
        match leg {
            Leg::Idle => {}
            Leg::Asking { ask, .. } => name(&mut ask.generation, &mut ask.issue),
            Leg::Judged { ask, read, .. } => {
                name(&mut ask.generation, &mut ask.issue);
                visit_row(read, name);
            }
            Leg::Answering { token, .. } => name(&mut token.generation, &mut token.issue),
        }
    }
}

/// Applies `change` to every instant.
pub(crate) fn shift(world: &mut World, change: impl Fn(&mut Timestamp)) {
    let shift_row = |row: &mut Row| {
        change(&mut row.rotated_at);
        change(&mut row.issued_at);
        row.acknowledged_at.iter_mut().for_each(&change);
    };
    let shift_token = |token: &mut Token| {
        change(&mut token.issued_at);
        change(&mut token.expires_at);
    };
    shift_row(&mut world.row);
    shift_token(&mut world.jar);
    world.seen.iter_mut().flatten().for_each(&change);
    for entry in &mut world.feed {
        if let Revocation::Issues { from, .. } = entry {
            change(from);
        }
    }
    let mut thief_leg = None;
    if let Some(thief) = &mut world.thief {
        thief.tokens.iter_mut().for_each(shift_token);
        change(&mut thief.residue);
        thief_leg = Some(&mut thief.leg);
    }
    for leg in world.legs.iter_mut().chain(thief_leg) {
        match leg {
            Leg::Idle => {}
            Leg::Asking { since, .. } => change(since),
            Leg::Judged { at, read, .. } => {
                change(at);
                shift_row(read);
            }
            Leg::Answering { at, token } => {
                change(at);
                shift_token(token);
            }
        }
    }
}
