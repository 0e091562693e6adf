//! What is promised, as predicates over one state. Names are those of the protocol page.

use crate::canonical::held;
use crate::recovery::has_a_way_on;
use crate::setup::Setup;
use crate::world::{NOW, Token, World};
use cloakroom_core::refresh::{Beside, Presented, Verdict};
use std::sync::atomic::Ordering;

/// A promise.
#[derive(Clone, Copy, Debug)]
pub struct Promise {
    /// As the protocol page calls it.
    pub name: &'static str,
    pub(crate) holds: fn(&Setup, &World) -> bool,
}

/// Without a thief, no execution ends the family, unless five generations in a row were in trouble.
pub const NO_FALSE_ALARM: Promise = Promise {
    name: "no false alarm",
    holds: |setup, world| {
        let ghost = &world.ghost;
        !world.row.ended || (ghost.silent_end && ghost.slow_run + u8::from(ghost.slow) >= setup.late_limit())
    },
};

/// Without a thief, the browser comes back to an accepted access token by itself.
pub const WAY_ON: Promise = Promise {
    name: "always a way on",
    // What a false alarm ends has no way on either; that is told by the other promise.
    holds: |setup, world| world.row.ended || has_a_way_on(setup, world),
};

/// No two access tokens of one version, and of one generation one accepted issue, a race window after the last.
pub const ONE_LINE: Promise = Promise {
    name: "one line of descent",
    holds: |setup, world| {
        let newest = |token: &Token| {
            let row = &world.row;
            let by_row = token.generation != row.generation || token.issue == row.issue;
            by_row && !held(world).any(|other| other.generation == token.generation && other.issue > token.issue)
        };
        let settled = |token: &Token| NOW.since(token.issued_at) >= setup.rules.policy.race_window;
        let rival = |token: &Token, other: &Token| {
            other.generation == token.generation && other.issue < token.issue && world.accepts(other)
        };
        let last = |token: &&Token| settled(token) && newest(token);
        !world.ghost.twins && !held(world).filter(last).any(|token| held(world).any(|other| rival(token, other)))
    },
};

/// An issue that was outdated is not accepted again.
pub const OUTDATED_STAYS: Promise = Promise { name: "outdated stays outdated", holds: |_, world| !world.ghost.revived };

/// A used-up token is not paid for, and the owner is not served beside a thief whose use is known.
pub const THIEF_CAUGHT: Promise =
    Promise { name: "thief caught", holds: |_, world| !world.ghost.used_up_paid && !world.ghost.uncaught };

/// A silent thief meets his end at the fifth generation that the owner repeats late.
pub const SILENCE_BOUNDED: Promise =
    Promise { name: "silence bounded", holds: |setup, world| world.ghost.silent_run < setup.late_limit() };

/// Of one generation, both have an accepted token for a race window at most.
pub const LOCKSTEP_BOUNDED: Promise =
    Promise { name: "lockstep bounded", holds: |setup, world| world.ghost.overlap <= setup.window_ticks() };

/// No forged, unaccompanied or invented token is answered with anything but a refusal, which writes nothing.
pub const FORGERY_INERT: Promise = Promise {
    name: "forgery is inert",
    holds: |setup, world| {
        let family = world.row.family();
        (0..=family.generation + 1).all(|generation| {
            let forms = [(false, true), (false, false), (true, false), (true, true)];
            // A genuine token of a generation that was never opened does not exist; one that claims it is forged.
            let forged =
                |(genuine, accompanied): &(bool, bool)| !(*genuine && *accompanied) || generation > family.generation;
            forms.into_iter().filter(forged).all(|(genuine, accompanied)| {
                let beside = if accompanied { Beside::Proof } else { Beside::Nothing };
                let presented = Presented { generation, genuine, beside };
                matches!(setup.rules.judge_presented(&family, presented, NOW), Verdict::Refuse(_))
            })
        })
    },
};

/// The thief's time stays below the limit of the setup. Notes the largest that is met.
pub const EXPOSURE: Promise = Promise {
    name: "exposure",
    holds: |setup, world| {
        setup.exposure.fetch_max(u32::from(world.ghost.exposure), Ordering::Relaxed);
        world.ghost.exposure < setup.exposure_limit
    },
};

/// What is promised to an owner who is alone.
pub const ALONE: &[Promise] = &[NO_FALSE_ALARM, WAY_ON, ONE_LINE, FORGERY_INERT];

/// What is promised against a thief.
pub const AGAINST_A_THIEF: &[Promise] = &[ONE_LINE, THIEF_CAUGHT, FORGERY_INERT];
