//! What can happen next, and what the world is afterwards. Load, judgement and commit are separate steps, so that
//! refreshes interleave; a crash is the loss of what a node has seen and, one by one, of what it was working on.
//!
//! Two simplifications, both towards more behaviour: a refresh that lost its race may be read again by the other node,
//! and a tab learns of a lost message at once or at any later time. A use takes no time: an earlier use is an earlier
//! acknowledgement, which is the harder case for the owner.

use crate::canonical;
use crate::commit;
use crate::rules::Ask;
use crate::setup::{Reports, Setup, Strategy, TICK};
use crate::world::{Leg, NODES, NOW, Thief, Token, World};
use cloakroom_core::refresh::Verdict;
use cloakroom_core::time::Timestamp;

/// One step. Legs and nodes are numbered as in the state before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The clock moves on.
    Tick,
    /// A tab of the owner sends a refresh.
    Send(usize),
    /// A refresh of the owner reaches a node, or is read again after a lost race.
    Load(usize, usize),
    /// The node carries out what it judged.
    Commit(usize),
    /// The answer reaches the jar.
    Receive(usize),
    /// The request, the work on it, or the answer is lost.
    Lose(usize),
    /// The owner uses the access token at this node.
    Use(usize),
    /// A node writes what it has seen.
    Report(usize),
    /// A node forgets what it has seen.
    Crash(usize),
    /// The thief copies the jar.
    Copy,
    /// The thief presents a refresh token at this node.
    ThiefAsk(Ask, usize),
    /// The thief's refresh is read again after a lost race.
    ThiefLoad(usize),
    /// The node carries out what it judged of the thief's refresh, and he has the answer.
    ThiefCommit,
    /// The thief uses an access token of the newest generation at this node.
    ThiefUse(usize),
}

/// Every step that is possible. None once the family has ended: nothing moves after that.
pub(crate) fn possible(setup: &Setup, world: &World, steps: &mut Vec<Step>) {
    if world.row.ended {
        return;
    }
    let blind = setup.thief.is_some_and(Strategy::is_blind);
    if let Some(thief) = world.thief.as_ref().filter(|thief| blind && thief.leg != Leg::Idle) {
        // He acts at once and alone.
        steps.push(if matches!(thief.leg, Leg::Judged { .. }) { Step::ThiefCommit } else { Step::ThiefLoad(0) });
        return;
    }
    if may_tick(setup, world) {
        steps.push(Step::Tick);
    }
    let mut idle_seen = false;
    for (number, leg) in world.legs.iter().enumerate() {
        match leg {
            Leg::Idle if idle_seen => {}
            Leg::Idle => {
                idle_seen = true;
                if wants_refresh(setup, world) {
                    steps.push(Step::Send(number));
                }
            }
            Leg::Asking { .. } => steps.extend((0..NODES).map(|node| Step::Load(number, node))),
            Leg::Judged { .. } => steps.push(Step::Commit(number)),
            Leg::Answering { .. } => steps.push(Step::Receive(number)),
        }
        if setup.losses && *leg != Leg::Idle {
            steps.push(Step::Lose(number));
        }
    }
    let fresh = world.row.acknowledged_at.is_none();
    let unseen = (0..NODES).filter(|node| fresh && world.seen.get(*node) == Some(&None));
    if world.jar.generation == world.row.generation && world.accepts(&world.jar) {
        steps.extend(unseen.clone().map(Step::Use));
    }
    for (node, _) in world.seen.iter().enumerate().filter(|(_, seen)| seen.is_some()) {
        steps.push(Step::Report(node));
        if setup.reports == Reports::LateOrLost {
            steps.push(Step::Crash(node));
        }
    }
    match (setup.thief, &world.thief) {
        (Some(_), None) => steps.push(Step::Copy),
        (Some(strategy), Some(thief)) => {
            if strategy != Strategy::Silent && newest_of(world, thief).is_some() {
                steps.extend(unseen.map(Step::ThiefUse));
            }
            match thief.leg {
                Leg::Judged { .. } => steps.push(Step::ThiefCommit),
                Leg::Asking { .. } => steps.extend((0..NODES).map(Step::ThiefLoad)),
                _ => steps.extend(asks(setup, strategy, world, thief)),
            }
        }
        _ => {}
    }
}

/// Time stands still while a message is as late as it can be, and while somebody has to act first.
fn may_tick(setup: &Setup, world: &World) -> bool {
    let limit = TICK.times(u64::from(setup.delay));
    let late = |leg: &Leg| leg.since().is_some_and(|since| NOW.since(since) >= limit);
    let unknown = world.row.acknowledged_at.is_none() && world.seen == [None; NODES];
    let accepted = world.accepts(&world.jar);
    let owner_acts = setup.awake
        && ((accepted && unknown && world.jar.generation == world.row.generation)
            || (wants_refresh(setup, world) && !setup.eager && world.legs.iter().all(|leg| *leg == Leg::Idle)));
    let node_acts = setup.reports == Reports::Prompt && world.seen != [None; NODES];
    !world.legs.iter().any(late)
        && !owner_acts
        && !node_acts
        && !world.thief.as_ref().is_some_and(|thief| late(&thief.leg))
}

/// Whether the owner's browser would refresh now.
pub(crate) fn wants_refresh(setup: &Setup, world: &World) -> bool {
    let sent_away = setup.rules.signs_out_outdated() && world.is_outdated(&world.jar, NOW);
    (setup.eager || !world.accepts(&world.jar)) && !sent_away
}

/// An accepted access token of the newest generation in the thief's hands.
fn newest_of<'a>(world: &World, thief: &'a Thief) -> Option<&'a Token> {
    thief.tokens.iter().find(|token| token.generation == world.row.generation && world.accepts(token))
}

fn asks(setup: &Setup, strategy: Strategy, world: &World, thief: &Thief) -> Vec<Step> {
    let newest = world.row.generation;
    let quiet = world.accepts(&world.jar) && world.legs.iter().all(|leg| *leg == Leg::Idle);
    if (strategy.is_blind() && !quiet) || world.ghost.answers >= setup.answers {
        return Vec::new();
    }
    let fits = |generation: u32| match strategy {
        Strategy::Any | Strategy::Blind => true,
        Strategy::Copied => false,
        Strategy::Uses | Strategy::Silent => generation == newest,
        Strategy::Lockstep => generation + 1 == newest,
    };
    let issues = |generation: u32| -> Vec<u32> {
        if !setup.rules.is_bound() || generation + 1 < newest {
            return vec![0];
        }
        thief.tokens.iter().filter(|token| token.generation == generation).map(|token| token.issue).collect()
    };
    let asks = thief
        .refresh
        .iter()
        .filter(|generation| fits(**generation))
        .flat_map(|generation| issues(*generation).into_iter().map(|issue| Ask { generation: *generation, issue }));
    let nodes = if strategy.is_blind() { 1 } else { NODES };
    asks.flat_map(|ask| (0..nodes).map(move |node| Step::ThiefAsk(ask, node))).collect()
}

/// The world after a step; `None` where it changes nothing.
pub(crate) fn after(setup: &Setup, world: &World, step: Step) -> Option<World> {
    let mut next = world.clone();
    match step {
        Step::Tick => tick(setup, &mut next),
        Step::Send(leg) => {
            let ask = if setup.rules.is_bound() { next.jar.ask() } else { Ask { issue: 0, ..next.jar.ask() } };
            *next.legs.get_mut(leg)? = Leg::Asking { ask, since: NOW, arrived: false };
        }
        Step::Load(leg, node) => *next.legs.get_mut(leg)? = load(setup, world, world.legs.get(leg)?, node)?,
        Step::Commit(leg) => {
            let judged = std::mem::replace(next.legs.get_mut(leg)?, Leg::Idle);
            let after = commit::carry_out(setup, &mut next, judged, false)?;
            *next.legs.get_mut(leg)? = after;
        }
        Step::Receive(leg) => {
            let Leg::Answering { token, .. } = *world.legs.get(leg)? else { return None };
            next.jar = token;
            next.ghost.owner_in |= token.generation == next.row.generation;
            *next.legs.get_mut(leg)? = Leg::Idle;
        }
        Step::Lose(leg) => {
            *next.legs.get_mut(leg)? = Leg::Idle;
            next.ghost.slow = setup.thief.is_none();
        }
        Step::Use(node) | Step::ThiefUse(node) => *next.seen.get_mut(node)? = Some(NOW),
        Step::Report(node) => {
            let seen = next.seen.get_mut(node)?.take();
            next.row.acknowledged_at = next.row.acknowledged_at.or(seen);
        }
        Step::Crash(node) => *next.seen.get_mut(node)? = None,
        Step::Copy => {
            let (refresh, tokens) = (vec![next.jar.generation], vec![next.jar]);
            next.thief = Some(Thief { refresh, tokens, residue: NOW, leg: Leg::Idle });
        }
        Step::ThiefAsk(ask, node) => {
            let leg = load(setup, world, &Leg::Asking { ask, since: NOW, arrived: true }, node)?;
            next.thief.as_mut()?.leg = leg;
        }
        Step::ThiefLoad(node) => {
            let leg = load(setup, world, &world.thief.as_ref()?.leg, node)?;
            next.thief.as_mut()?.leg = leg;
        }
        Step::ThiefCommit => {
            let judged = std::mem::replace(&mut next.thief.as_mut()?.leg, Leg::Idle);
            let after = commit::carry_out(setup, &mut next, judged, true)?;
            let thief = next.thief.as_mut()?;
            if let Leg::Answering { token, .. } = after {
                thief.refresh.push(token.generation);
                thief.tokens.push(token);
                next.ghost.answers += u8::from(setup.answers != u8::MAX);
                if setup.thief == Some(Strategy::Uses) && next.row.acknowledged_at.is_none() {
                    next.seen = [Some(NOW); NODES];
                }
            } else {
                thief.leg = after;
            }
        }
    }
    canonical::bring(setup, &mut next);
    (next != *world).then_some(next)
}

/// A node reads the row, adds what it has seen itself, and judges. A verdict that writes nothing is over here: the tab
/// is told, sooner or later, and its jar does not change.
fn load(setup: &Setup, world: &World, leg: &Leg, node: usize) -> Option<Leg> {
    let Leg::Asking { ask, since, arrived } = *leg else { return None };
    let at = if arrived { since } else { NOW };
    let mut read = world.row.clone();
    read.acknowledged_at = read.acknowledged_at.or(*world.seen.get(node)?);
    Some(match setup.rules.judge(&read.family(), ask, at) {
        Verdict::Raced | Verdict::Refuse(_) => Leg::Idle,
        _ => Leg::Judged { ask, at, read },
    })
}

fn tick(setup: &Setup, world: &mut World) {
    let thief_alive = world.exposed();
    if setup.exposure_cap > 0 && thief_alive {
        world.ghost.exposure = world.ghost.exposure.saturating_add(1).min(setup.exposure_cap);
    }
    if let Some(thief) = world.thief.as_ref().filter(|_| setup.overlap) {
        let newest = |token: &Token| token.generation == world.row.generation && world.accepts(token);
        // The token that he copied is the owner's own; two issues of one generation are two holders.
        let his = |token: &Token| newest(token) && token.issue != world.jar.issue;
        if newest(&world.jar) && thief.tokens.iter().any(his) {
            world.ghost.overlap = world.ghost.overlap.saturating_add(1).min(setup.window_ticks() + 1);
        }
    }
    let quiet = world.legs.iter().all(|leg| *leg == Leg::Idle);
    world.ghost.slow |= setup.thief.is_none() && !quiet;
    canonical::shift(world, |at: &mut Timestamp| *at = at.minus(TICK));
}
