//! Whether the browser, left alone from here on, comes to an accepted access token. Not a property of one state but of
//! what a fair continuation of it leads to: the network works from now on, and nobody else is there.

use crate::canonical::shift;
use crate::commit::present;
use crate::rules::Ask;
use crate::setup::{Setup, TICK};
use crate::step::wants_refresh;
use crate::world::{Leg, NODES, World};

/// Whether all of the continuations end well: everything under way lost or everything delivered, then at once or when
/// the access token has long expired, one refresh at either node.
pub(crate) fn has_a_way_on(setup: &Setup, world: &World) -> bool {
    if world.ghost.slow_run + 1 >= setup.late_limit() {
        // That everything is lost once more may be the last of a run that ends the family.
        return true;
    }
    let mut lost = world.clone();
    lost.legs.fill(Leg::Idle);
    let delivered = deliver(setup, world.clone());
    [lost, delivered].iter().all(|now| {
        let mut later = now.clone();
        let wait = setup.rules.access_for.plus(setup.rules.policy.race_window).plus(TICK);
        shift(&mut later, |at| *at = at.minus(wait));
        [now, &later].into_iter().all(|world| (0..NODES).all(|node| comes_back(setup, world, node)))
    })
}

fn comes_back(setup: &Setup, world: &World, node: usize) -> bool {
    if world.row.ended {
        return false;
    }
    if world.accepts(&world.jar) {
        return true;
    }
    wants_refresh(setup, world)
        && present(setup, world, ask(setup, world), node).is_some_and(|(next, token)| next.accepts(&token))
}

fn ask(setup: &Setup, world: &World) -> Ask {
    let ask = world.jar.ask();
    if setup.rules.is_bound() { ask } else { Ask { issue: 0, ..ask } }
}

/// Whatever is under way arrives, one after the other.
fn deliver(setup: &Setup, mut world: World) -> World {
    for leg in std::mem::take(&mut world.legs) {
        match leg {
            Leg::Idle => {}
            Leg::Asking { ask, .. } | Leg::Judged { ask, .. } => {
                if let Some((next, token)) = present(setup, &world, ask, 0) {
                    world = next;
                    world.jar = token;
                } else {
                    // Raced changes nothing; a replay ends the family, which is seen elsewhere.
                }
            }
            Leg::Answering { token, .. } => world.jar = token,
        }
    }
    world
}
