//! The attacks, one row each: what is run, and what it needs. Their stories are in the catalogue; here is what is done.

mod behind;
mod copied;
mod elsewhere;
mod login;
mod machine;
mod payload;
mod persists;
mod planted;
mod script;

use std::future::Future;
use std::pin::Pin;

use anyhow::Result;

use crate::scene::{Outcome, Scene};

/// The attacker's own PKCE verifier (RFC 7636 4.1): a flow that he began is his to end.
pub(crate) const VERIFIER: &str = "the-attacker-began-this-flow-so-he-can-end-it-0123";

/// What an attack does.
type Run = for<'a, 'w> fn(&'a mut Scene<'w>) -> Pin<Box<dyn Future<Output = Result<Outcome>> + Send + 'a>>;

/// One attack.
#[derive(Clone, Copy)]
pub(crate) struct Attack {
    pub(crate) id: &'static str,
    pub(crate) run: Run,
    /// Whether it may end differently with third-party cookies allowed and blocked.
    pub(crate) third_party: bool,
    /// Whether it may leave something in the browser that a log-out does not take away.
    pub(crate) spoils: bool,
}

impl Attack {
    const fn third_party(self) -> Self {
        Self { third_party: true, ..self }
    }

    const fn spoils(self) -> Self {
        Self { spoils: true, ..self }
    }
}

macro_rules! attack {
    ($id:literal, $run:path) => {
        Attack { id: $id, run: |scene| Box::pin($run(scene)), third_party: false, spoils: false }
    };
}

/// Every attack, in the order of the columns.
pub(crate) const ATTACKS: &[Attack] = &[
    attack!("A1", script::reads_storage),
    attack!("A2", script::hooks),
    attack!("A2b", script::starts_anew),
    attack!("A3", script::silent_flow).third_party(),
    attack!("A3b", script::calls_refresh),
    attack!("A4", script::rides),
    attack!("A5", persists::service_worker).spoils(),
    attack!("A6", persists::overwrites).spoils(),
    attack!("M1", script::poisoned_module).spoils(),
    attack!("R3", copied::trace),
    attack!("C1", elsewhere::forms).third_party(),
    attack!("C2", elsewhere::links).third_party(),
    attack!("C3", elsewhere::quiet).third_party(),
    attack!("C4", elsewhere::two_minutes).third_party(),
    attack!("C5", elsewhere::sibling).third_party(),
    attack!("C6", planted::tossing).spoils(),
    attack!("C7", planted::overflow).spoils(),
    attack!("C8", planted::login_csrf).third_party().spoils(),
    attack!("C9", elsewhere::path_traversal),
    attack!("C10", elsewhere::laundered).spoils(),
    attack!("U1", elsewhere::clickjacking).third_party(),
    attack!("U2", behind::watched).third_party(),
    attack!("N1", planted::in_clear).spoils(),
    attack!("L3", behind::shared_cache),
    attack!("R1", copied::other_machine),
    attack!("R2", copied::used_up),
    attack!("M2", machine::infostealer),
    attack!("M3", machine::extension),
    attack!("L1", behind::referrer),
    attack!("L2", behind::logs),
    attack!("L4", behind::back_after_log_out),
    attack!("L5", copied::after_log_out),
];

/// The attack of an id, in any case.
pub(crate) fn find(id: &str) -> Option<&'static Attack> {
    ATTACKS.iter().find(|attack| attack.id.eq_ignore_ascii_case(id))
}
