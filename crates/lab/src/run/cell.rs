//! One cell from its beginning to its verdict. A cell in which anything went wrong is `INVALID`; it is never `SAFE`.

use std::time::{Duration, Instant};

use cloakroom_lab_report::{Cell, Control, Evidence, Verdict};

use crate::attack::Attack;
use crate::beside::Place;
use crate::scene::{Honest, Kept, Scene};
use crate::world::millis;

/// No cell takes longer, log-in and picture included.
const CELL_WITHIN: Duration = Duration::from_mins(4);

/// What one attempt gave.
pub(super) struct Attempt {
    pub(super) verdict: Verdict,
    pub(super) why: String,
    pub(super) honest: Control,
    pub(super) evidence: Evidence,
    pub(super) took: Duration,
    /// Whether it came as far as a tab with a victim.
    pub(super) began: bool,
    /// Whether the row itself cannot live in this browser, whatever attacks it.
    pub(super) lacks: bool,
    /// Whether the browser can be trusted with another cell.
    pub(super) browser_is_well: bool,
}

impl Attempt {
    /// An attempt that did not begin.
    fn not_begun(why: String, since: Instant) -> Self {
        Self {
            verdict: Verdict::Invalid,
            why,
            honest: Control { passed: false, what: "the cell could not be set up".to_owned() },
            evidence: Evidence::default(),
            took: since.elapsed(),
            began: false,
            lacks: false,
            browser_is_well: false,
        }
    }

    /// What another attack on a row that cannot live in this browser gives: the same, without doing it all again.
    pub(super) fn same_again(&self) -> Self {
        Self {
            verdict: self.verdict,
            why: self.why.clone(),
            honest: self.honest.clone(),
            evidence: Evidence::default(),
            took: Duration::ZERO,
            ..*self
        }
    }

    /// The cell of the report. `falls` is what the same attack did to a victim built to fall to it.
    pub(super) fn into_cell(self, browser: String, strategy: &str, attack: &str, falls: Control) -> Cell {
        let (verdict, why) = weigh(self.verdict, self.why, &falls);
        Cell {
            browser,
            strategy: strategy.to_owned(),
            attack: attack.to_owned(),
            verdict,
            why,
            honest: self.honest,
            falls,
            evidence: self.evidence,
            unstable: Vec::new(),
            unstable_because: String::new(),
            took_ms: millis(self.took),
        }
    }
}

/// A cell that says "nothing happened" is worth something only if the attack can be seen to work.
fn weigh(verdict: Verdict, why: String, falls: &Control) -> (Verdict, String) {
    if verdict == Verdict::Safe && !falls.passed {
        return (Verdict::Invalid, format!("the attack control failed ({}), so this says nothing: {why}", falls.what));
    }
    (verdict, why)
}

/// Makes one attack on one row, in the context that was kept for it or in an empty one. Gives the context as well, if the next
/// cell may have it.
pub(super) async fn attempt(
    place: &Place<'_>,
    row: &str,
    attack: &Attack,
    number: u64,
    kept: Option<Kept>,
) -> (Attempt, Option<Kept>) {
    let since = Instant::now();
    place.world.wipe();
    let set = tokio::time::timeout(CELL_WITHIN, Scene::set(place, row, number, kept)).await;
    let mut scene = match set {
        Ok(Ok(scene)) => scene,
        Ok(Err(error)) => return (Attempt::not_begun(format!("{error:#}"), since), None),
        Err(_) => return (Attempt::not_begun("the browser did not open a tab".into(), since), None),
    };
    let honest = tokio::time::timeout(CELL_WITHIN, scene.live_honestly()).await;
    let passed = |what: &str| Control { passed: true, what: what.to_owned() };
    let failed = |what: String| Control { passed: false, what };
    let lacks = matches!(honest, Ok(Ok(Honest::Unsupported(_))));
    let (honest, outcome, well) = match honest {
        Ok(Ok(Honest::Lives)) => {
            let outcome = tokio::time::timeout(CELL_WITHIN, (attack.run)(&mut scene)).await;
            let honest = passed("logged in, saw the own profile, sent money to a friend");
            match outcome {
                Ok(Ok((Verdict::Safe, why))) if scene.hurried => {
                    let why = format!("a part of the script was given up after too long, so this says nothing: {why}");
                    (honest, (Verdict::Invalid, why), true)
                }
                Ok(Ok(outcome)) => (honest, outcome, true),
                Ok(Err(error)) => {
                    scene.failed("the attack could not be carried out", &error);
                    (honest, (Verdict::Invalid, format!("the attack could not be carried out: {error:#}")), true)
                }
                Err(_) => (honest, (Verdict::Invalid, format!("not done within {CELL_WITHIN:?}")), false),
            }
        }
        Ok(Ok(Honest::Unsupported(why))) => (
            passed("the page says that this browser has no such thing"),
            (Verdict::Na, format!("this browser does not have it: {why}")),
            true,
        ),
        Ok(Ok(Honest::OnlyByHand(why))) => {
            let honest = passed("logged in, and was logged out by a reload");
            (honest, (Verdict::NotRun, format!("not under a driver: {why}")), true)
        }
        Ok(Err(error)) => {
            scene.failed("the honest use failed", &error);
            let what = format!("{error:#}");
            (failed(what.clone()), (Verdict::Invalid, format!("the honest control failed: {what}")), true)
        }
        Err(_) => (
            failed("not done in time".to_owned()),
            (Verdict::Invalid, "the honest use took too long".to_owned()),
            false,
        ),
    };
    let keep = well && !attack.spoils && honest.passed && outcome.0 != Verdict::Invalid;
    let (evidence, kept) = tokio::time::timeout(CELL_WITHIN, scene.end(keep)).await.unwrap_or_default();
    let took = since.elapsed();
    let attempt = Attempt {
        verdict: outcome.0,
        why: outcome.1,
        honest,
        evidence,
        took,
        began: true,
        lacks,
        browser_is_well: well,
    };
    (attempt, kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_without_a_working_attack_control_is_invalid_and_a_hit_stays_a_hit() {
        let falls = |passed| Control { passed, what: "S9".to_owned() };
        assert_eq!(weigh(Verdict::Safe, String::new(), &falls(false)).0, Verdict::Invalid);
        assert_eq!(weigh(Verdict::Safe, String::new(), &falls(true)).0, Verdict::Safe);
        assert_eq!(weigh(Verdict::Leak, String::new(), &falls(false)).0, Verdict::Leak);
        assert_eq!(weigh(Verdict::Na, String::new(), &falls(false)).0, Verdict::Na);
    }
}
