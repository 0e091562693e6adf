//! Runs an exploration with `stateright`, breadth first: a counterexample is short, and but for the two threads the
//! shortest.

use crate::property::Promise;
use crate::setup::Setup;
use crate::step::{self, Step};
use crate::world::World;
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::collections::BTreeSet;

/// Threads of an exploration.
const THREADS: usize = 2;

/// A setup and what is promised about it, as `stateright` wants it.
#[derive(Clone)]
struct Explored {
    setup: Setup,
    promises: &'static [Promise],
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Distinct states.
    pub states: usize,
    /// Steps tried.
    pub steps: usize,
    /// Longest shortest way to a state, in steps.
    pub depth: usize,
    /// Whether every reachable state was visited.
    pub complete: bool,
    /// Broken promises, each with the steps to the first state that breaks it.
    pub broken: Vec<(&'static str, Trace)>,
}

/// An execution: each step with the state after it.
pub type Trace = Vec<(Step, World)>;

impl Outcome {
    /// The execution that breaks this promise, if one was found.
    pub fn against(&self, promise: Promise) -> Option<&Trace> {
        self.broken.iter().find(|(name, _)| *name == promise.name).map(|(_, trace)| trace)
    }
}

/// Visits every reachable state. Goes on after a promise is broken until all are, or nothing is left.
pub fn explore(setup: &Setup, promises: &'static [Promise]) -> Outcome {
    run(setup, promises, HasDiscoveries::All)
}

/// The same, but stops as soon as these promises are broken.
pub fn explore_until(setup: &Setup, promises: &'static [Promise], broken: &[Promise]) -> Outcome {
    let names: BTreeSet<&'static str> = broken.iter().map(|promise| promise.name).collect();
    run(setup, promises, HasDiscoveries::AllOf(names))
}

fn run(setup: &Setup, promises: &'static [Promise], end: HasDiscoveries) -> Outcome {
    let model = Explored { setup: setup.clone(), promises };
    let checker = model.checker().threads(THREADS).finish_when(end).spawn_bfs().join();
    let mut broken: Vec<(&'static str, Trace)> =
        checker.discoveries().into_iter().map(|(name, path)| (name, steps(path.into_vec()))).collect();
    broken.sort_by_key(|(name, _)| *name);
    Outcome {
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        complete: checker.is_done() && broken.len() < promises.len(),
        broken,
    }
}

fn steps(path: Vec<(World, Option<Step>)>) -> Trace {
    let (states, steps): (Vec<World>, Vec<Option<Step>>) = path.into_iter().unzip();
    steps.into_iter().flatten().zip(states.into_iter().skip(1)).collect()
}

impl Model for Explored {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::opened(&self.setup)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        step::possible(&self.setup, world, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        step::after(&self.setup, world, step)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // A property is a plain function and finds its predicate by its place.
        const CONDITIONS: [fn(&Explored, &World) -> bool; 8] = [
            |model, world| model.holds(0, world),
            |model, world| model.holds(1, world),
            |model, world| model.holds(2, world),
            |model, world| model.holds(3, world),
            |model, world| model.holds(4, world),
            |model, world| model.holds(5, world),
            |model, world| model.holds(6, world),
            |model, world| model.holds(7, world),
        ];
        self.promises.iter().zip(CONDITIONS).map(|(promise, holds)| Property::always(promise.name, holds)).collect()
    }
}

impl Explored {
    fn holds(&self, place: usize, world: &World) -> bool {
        self.promises.get(place).is_none_or(|promise| (promise.holds)(&self.setup, world))
    }
}
