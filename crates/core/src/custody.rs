//! Custody of a provider's access token for a session: whether it is good for the next call, and who renews it.
//!
//! Whoever renews writes a [`Claim`] first, by compare-and-swap: of all nodes one asks the provider (RFC 9700 §4.14.2: a
//! provider that sees an old refresh token for a second time ends the session there). Nobody waits while the old token lives.

use crate::time::{Lifetime, Timestamp};

/// So long before its end a token is renewed, or a quarter of its life before if that is shorter.
const EARLY: Lifetime = Lifetime::from_secs(30);

/// How long a claim holds: longer than a renewal takes at most, which is its holder's to see to. A node that dies in the middle of
/// one keeps the others waiting for so long.
pub const LEASE: Lifetime = Lifetime::from_secs(60);

/// After a failure nobody asks the provider for so long.
const PAUSE: Lifetime = Lifetime::from_secs(5);

/// What is known of a token without looking at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Custody {
    /// When it came.
    pub obtained_at: Timestamp,
    /// When it ends; `None` if the provider does not say: then it is used as long as the session lives.
    pub expires_at: Option<Timestamp>,
    /// Whether there is a refresh token.
    pub renewable: bool,
    /// Who renews it, or why nobody does for now.
    pub claim: Option<Claim>,
}

/// Keeps everybody else from renewing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// From then on it is void.
    pub until: Timestamp,
    /// Whether the renewal has failed, so that nobody has to wait for it.
    pub failed: bool,
}

impl Claim {
    /// Of whoever begins at `now`.
    pub const fn new(now: Timestamp) -> Self {
        Self { until: now.plus(LEASE), failed: false }
    }

    /// Whether it keeps others away at `now`. One that is longer than any is made by a clock that is far ahead: void.
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until && self.until <= now.plus(LEASE)
    }

    /// After a renewal has failed at `now`.
    pub const fn failed(now: Timestamp) -> Self {
        Self { until: now.plus(PAUSE), failed: true }
    }
}

/// What to do for the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The token is good.
    Use,
    /// Write this claim; if that succeeds, renew.
    Renew(Claim),
    /// Somebody renews it: look again in a moment.
    Await,
    /// The provider could not be asked just now, and the token is over.
    Away,
    /// The token is over and there is no way to another but a log-in.
    Over,
}

/// Judges a token for a call at `now`.
pub fn judge(custody: &Custody, now: Timestamp) -> Verdict {
    let Some(expires_at) = custody.expires_at.filter(|_| !custody.is_fresh(now)) else { return Verdict::Use };
    let lives = now < expires_at;
    if !custody.renewable {
        return if lives { Verdict::Use } else { Verdict::Over };
    }
    match custody.claim.filter(|claim| claim.holds(now)) {
        None => Verdict::Renew(Claim::new(now)),
        Some(_) if lives => Verdict::Use,
        Some(claim) if claim.failed => Verdict::Away,
        Some(_) => Verdict::Await,
    }
}

impl Custody {
    /// Whether nothing has to be done about it at `now`.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.fresh_until().is_none_or(|until| now < until)
    }

    /// Until when [`Self::is_fresh`]; `None` for as long as the session lives.
    pub fn fresh_until(&self) -> Option<Timestamp> {
        let expires_at = self.expires_at?;
        let quarter = Lifetime::from_millis(expires_at.since(self.obtained_at).millis() / 4);
        Some(expires_at.minus(EARLY.min(quarter)))
    }

    /// Whether the token itself is still good at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_000_000);

    fn after(seconds: u64) -> Timestamp {
        AT.plus(Lifetime::from_secs(seconds))
    }

    fn lives_for(seconds: u64) -> Custody {
        Custody { obtained_at: AT, expires_at: Some(after(seconds)), renewable: true, claim: None }
    }

    #[test]
    fn a_token_is_used_until_thirty_seconds_before_its_end_and_then_renewed_once() {
        let token = lives_for(300);
        assert_eq!(judge(&token, after(269)), Verdict::Use);
        let Verdict::Renew(claim) = judge(&token, after(270)) else { panic!("nobody renews") };
        let claimed = Custody { claim: Some(claim), ..token };
        assert_eq!(judge(&claimed, after(270)), Verdict::Use, "the old one lives");
        assert_eq!(judge(&claimed, after(299)), Verdict::Use);
        assert_eq!(judge(&claimed, after(329)), Verdict::Await);
        // Whoever claimed it is gone: another one tries.
        assert!(matches!(judge(&claimed, after(330)), Verdict::Renew(_)));
    }

    #[test]
    fn one_renews_what_is_over_and_the_others_wait() {
        let token = lives_for(300);
        let Verdict::Renew(claim) = judge(&token, after(900)) else { panic!("nobody renews") };
        let claimed = Custody { claim: Some(claim), ..token };
        assert_eq!(judge(&claimed, after(900)), Verdict::Await);
        assert_eq!(judge(&claimed, after(959)), Verdict::Await);
        assert!(matches!(judge(&claimed, after(960)), Verdict::Renew(_)));
    }

    #[test]
    fn a_claim_of_a_clock_that_is_far_ahead_is_void() {
        let ahead = Custody { claim: Some(Claim::new(after(3600))), ..lives_for(300) };
        assert!(matches!(judge(&ahead, after(400)), Verdict::Renew(_)));
    }

    #[test]
    fn a_provider_that_is_away_is_left_alone_for_a_while() {
        let failed = Custody { claim: Some(Claim::failed(after(290))), ..lives_for(300) };
        assert_eq!(judge(&failed, after(291)), Verdict::Use);
        assert!(matches!(judge(&failed, after(295)), Verdict::Renew(_)));
        let over = Custody { claim: Some(Claim::failed(after(400))), ..lives_for(300) };
        assert_eq!(judge(&over, after(404)), Verdict::Away);
        assert!(matches!(judge(&over, after(405)), Verdict::Renew(_)));
    }

    #[test]
    fn a_short_life_is_not_all_renewal() {
        let token = lives_for(20);
        assert_eq!(judge(&token, after(14)), Verdict::Use);
        assert!(matches!(judge(&token, after(15)), Verdict::Renew(_)));
    }

    #[test]
    fn without_a_refresh_token_it_ends_and_without_an_end_it_does_not() {
        let single = Custody { renewable: false, ..lives_for(300) };
        assert_eq!(judge(&single, after(299)), Verdict::Use);
        assert_eq!(judge(&single, after(300)), Verdict::Over);
        let endless = Custody { expires_at: None, ..lives_for(300) };
        assert_eq!(judge(&endless, after(1_000_000)), Verdict::Use);
    }
}
