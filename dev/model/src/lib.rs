//! The refresh protocol, explored state by state: the judgement of `cloakroom-core` itself (`refresh::judge`, and
//! `access::Mark` for what a verifier accepts), driven through every interleaving of a browser with several tabs and one
//! jar, a network that delays and loses, two nodes on one compare-and-swap store that forget and crash, late and lost
//! sightings, and a thief who copies the jar once.
//!
//! Executions are endless and explored as such: instants are kept relative and generations are numbered anew
//! (`canonical.rs`), so that the states are finitely many and all of them are visited. Where a thief can ask for tokens
//! without end, the number of answers he gets is bounded instead; `Setup::answers` says so.
//!
//! Not modelled: MACs and signatures (a forged token is one that says it is), clocks that differ, the lag of the
//! revocation feed, withdrawn keys, log-out, idle and absolute expiry, a jar that takes the cookies of one answer one by
//! one. It never ships.

mod canonical;
mod commit;
mod explore;
mod property;
mod recovery;
mod rules;
mod scenario;
mod setup;
mod step;
mod tell;
mod world;

pub use explore::{Outcome, Trace, explore, explore_until};
pub use property::{
    AGAINST_A_THIEF, ALONE, EXPOSURE, FORGERY_INERT, LOCKSTEP_BOUNDED, NO_FALSE_ALARM, ONE_LINE, OUTDATED_STAYS,
    Promise, SILENCE_BOUNDED, THIEF_CAUGHT, WAY_ON,
};
pub use rules::{Ask, Rules, Variant};
pub use scenario::{Broken, Held, broken, exposures, following, held, longest};
pub use setup::{Reports, Setup, Strategy, TICK};
pub use step::Step;
pub use tell::tell;
pub use world::World;
