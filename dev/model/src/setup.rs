//! What one exploration is about: the clock's grid, the network, how the owner and the thief behave. No state in here.

use crate::rules::{Rules, Variant};
use cloakroom_core::refresh::Policy;
use cloakroom_core::time::Lifetime;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// One step of the model's clock. All other lengths are chosen against it.
pub const TICK: Lifetime = Lifetime::from_millis(1000);

/// What the thief does with the jar that he copied.
///
/// A blind thief does not see the owner's traffic: he acts at once and alone, while no refresh of the owner is under way
/// or due. A sighted one acts between any two steps of the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Sighted: whatever he can, in any order.
    Any,
    /// Sighted: follows every rotation of the owner with the token before, and uses what he gets.
    Lockstep,
    /// Uses the access token that he copied; never refreshes.
    Copied,
    /// Blind: refreshes with what is current, and uses what he gets at once.
    Uses,
    /// Blind: refreshes with what is current; never uses anything.
    Silent,
    /// Blind: presents any token he has, uses when he likes.
    Blind,
}

impl Strategy {
    /// Whether he does not see the owner's traffic.
    pub(crate) fn is_blind(self) -> bool {
        matches!(self, Self::Uses | Self::Silent | Self::Blind)
    }
}

/// How uses of a generation become known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reports {
    /// Written before the clock moves on.
    Prompt,
    /// At any later time, or never.
    LateOrLost,
}

/// One exploration.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own, asked by name")]
pub struct Setup {
    /// The rules under test.
    pub rules: Rules,
    /// Longest way of a request, and of an answer with the time in the server, in ticks.
    pub delay: u8,
    /// Refreshes that the owner's browser can have under way at once: one for each tab.
    pub tabs: usize,
    /// Whether requests and answers of the owner can be lost, and nodes can crash.
    pub losses: bool,
    /// How uses become known.
    pub reports: Reports,
    /// Whether the owner refreshes also while the access token is still accepted.
    pub eager: bool,
    /// Whether the owner's browser is in use all the time: it uses a fresh token, and refreshes a refused one, before
    /// the clock moves on.
    pub awake: bool,
    /// The thief, if there is one.
    pub thief: Option<Strategy>,
    /// Refreshes of the thief that are answered with tokens, at most; 255: without end.
    pub answers: u8,
    /// Whether to note that an outdated access token is accepted again.
    pub revivals: bool,
    /// Whether to count how long both have an accepted token of one generation.
    pub overlap: bool,
    /// Where the count of the thief's time stops, in ticks; 0 counts nothing.
    pub exposure_cap: u8,
    /// Fails the property `exposure` when it is reached, in ticks.
    pub exposure_limit: u8,
    /// The largest exposure met so far, in ticks.
    pub exposure: Arc<AtomicU32>,
}

impl Setup {
    /// Quarter race windows as ticks: either way takes one tick at most, the window is a hair longer than four ways.
    pub fn coarse(variant: Variant) -> Self {
        Self::on_grid(variant, 1)
    }

    /// Eighths of race windows as ticks: either way takes two at most.
    pub fn fine(variant: Variant) -> Self {
        Self::on_grid(variant, 2)
    }

    fn on_grid(variant: Variant, delay: u8) -> Self {
        let race_window = TICK.times(4 * u64::from(delay)).plus(Lifetime::from_millis(1));
        let policy = Policy { race_window, late_after: Lifetime::from_millis(400), ..Policy::default() };
        Self {
            rules: Rules { policy, access_for: race_window.times(3), variant },
            delay,
            tabs: 2,
            losses: true,
            reports: Reports::LateOrLost,
            eager: false,
            awake: false,
            thief: None,
            answers: u8::MAX,
            revivals: false,
            overlap: false,
            exposure_cap: 0,
            exposure_limit: u8::MAX,
            exposure: Arc::default(),
        }
    }

    /// The race window in ticks, rounded up.
    pub(crate) fn window_ticks(&self) -> u8 {
        u8::try_from(self.rules.policy.race_window.millis().div_ceil(TICK.millis())).unwrap_or(u8::MAX)
    }

    /// The promise: so many late generations in a row end a family, whatever the policy under test says.
    pub(crate) fn late_limit(&self) -> u8 {
        self.rules.policy.late_limit.min(Policy::default().late_limit)
    }

    /// The same with this race window, and access tokens that live three times as long.
    #[must_use]
    pub fn windowed(mut self, race_window: Lifetime) -> Self {
        self.rules.policy.race_window = race_window;
        self.rules.access_for = race_window.times(3);
        self
    }

    /// The same with a thief.
    #[must_use]
    pub fn with_thief(self, strategy: Strategy) -> Self {
        Self { thief: Some(strategy), ..self }
    }

    /// The owner is there all the time, on a network that delays but loses nothing, and uses are reported promptly.
    #[must_use]
    pub fn busy(self) -> Self {
        Self { awake: true, losses: false, reports: Reports::Prompt, ..self }
    }

    /// Measures the thief's time up to `cap` ticks.
    #[must_use]
    pub fn measured(self, cap: u8) -> Self {
        Self { exposure_cap: cap, ..self }
    }
}
