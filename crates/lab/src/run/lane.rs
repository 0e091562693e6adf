//! One browser with a world of its own, through which cells go one after another. Several lanes run side by side and share
//! nothing.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use cloakroom_browser::{Browser, Engine, Launch, ThirdParty};
use cloakroom_lab_report::{Cell, Control, UsabilityCell, Verdict};
use cloakroom_lab_victims::falls;

use super::cell::{Attempt, attempt};
use super::plan::{OLD, Plan, SAYS_NOTHING, State};
use super::progress::Progress;
use crate::attack::Attack;
use crate::beside::{Beside, Place};
use crate::scene::Kept;
use crate::usability::{Measure, measure, restarts};
use crate::world::World;

/// The attack on the profile's folder.
const DISK: &str = "M2";

/// The lane.
pub(crate) struct Lane {
    state: State,
    world: Arc<World>,
    browser: Browser,
    launch: Launch,
    /// What became of the victim that must fall, by attack.
    controls: HashMap<&'static str, (Control, Option<Attempt>)>,
    /// Rows that cannot live in this browser, by what was seen of it.
    lacking: HashMap<String, Attempt>,
    beside: Beside,
    /// The context of the last cell, if that did not spoil it.
    kept: Option<Kept>,
    number: u64,
}

impl Lane {
    /// Builds the world and starts the browser in it.
    pub(crate) async fn open(state: State, plan: &Plan) -> Result<Self> {
        let world = World::build(state.engine).await?;
        let launch = Launch {
            third_party_cookies: Some(state.third_party),
            trusted: Some(world.trusted()),
            device_bound_sessions: state.engine == Engine::Chromium,
            headed: plan.headed,
            lax_by_default: plan.lax_by_default,
            frugal: true,
            ..Launch::default()
        };
        let browser = start(state, &launch).await?;
        Ok(Self {
            state,
            world,
            browser,
            launch,
            controls: HashMap::new(),
            lacking: HashMap::new(),
            beside: Beside::default(),
            kept: None,
            number: 0,
        })
    }

    /// The state's key.
    pub(crate) fn id(&self) -> String {
        self.state.id()
    }

    /// Measures the everyday use of every row.
    pub(crate) async fn use_daily(&mut self, plan: &Plan, progress: &Progress) -> Vec<UsabilityCell> {
        let mut done = Vec::new();
        for row in &plan.rows {
            if progress.is_stopped() {
                return done;
            }
            self.number += 1;
            let place = self.place();
            let measured = measure(&place, row, self.number).await;
            done.extend(measured.into_iter().map(|measure| self.usability(row, measure)));
            progress.done(&format!("{} {row}: everyday use", self.state.id()));
        }
        if progress.is_stopped() {
            return done;
        }
        self.number += 1;
        let first = self.number;
        self.number += u64::try_from(plan.rows.len()).unwrap_or_default();
        let measured = restarts(&self.world, self.state.engine, &self.launch, &plan.rows, first).await;
        for (row, measure) in plan.rows.iter().zip(measured) {
            done.push(self.usability(row, measure));
        }
        done
    }

    fn usability(&self, row: &str, measure: Measure) -> UsabilityCell {
        UsabilityCell {
            browser: self.state.id(),
            strategy: row.to_owned(),
            usability: measure.usability.to_owned(),
            value: measure.value,
            why: measure.why,
        }
    }

    /// The browser's build, as it says it.
    pub(crate) fn version(&self) -> String {
        self.browser.version().to_owned()
    }

    /// The world of this lane.
    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// The next cell begins in an empty context.
    pub(crate) async fn begin_anew(&mut self) {
        if let Some(kept) = self.kept.take() {
            kept.close().await;
        }
    }

    fn place(&self) -> Place<'_> {
        Place { world: &self.world, browser: &self.browser, launch: &self.launch, beside: &self.beside }
    }

    /// Goes through all cells and gives them as the report has them. First come the attack controls, by their victims, and
    /// what is stolen from a disk, since one profile is copied for all rows and sessions age.
    pub(crate) async fn run(
        &mut self,
        plan: &Plan,
        cells: Vec<(String, &'static Attack)>,
        progress: &Progress,
    ) -> Vec<Cell> {
        let mut done = Vec::with_capacity(cells.len());
        let (on_disk, others): (Vec<_>, Vec<_>) = cells.into_iter().partition(|(_, attack)| attack.id == DISK);
        if let Some((_, old)) = others.iter().find(|(_, attack)| attack.id == OLD) {
            let own = others.iter().any(|(row, _)| row == SAYS_NOTHING).then_some(SAYS_NOTHING);
            for row in std::iter::once(victim_of(old)).chain(own) {
                self.number += 1;
                if let Err(error) = self.beside.age(&self.place(), row, self.number).await {
                    tracing::warn!("{}: somebody who waits, {row}: {error:#}", self.state.id());
                }
            }
        }
        let mut controls: Vec<_> = others.iter().map(|(_, attack)| *attack).filter(|attack| attack.id != OLD).collect();
        controls.sort_by_key(|attack| (victim_of(attack), attack.spoils, attack.id));
        controls.dedup_by_key(|attack| attack.id);
        for attack in controls {
            if progress.is_stopped() {
                break;
            }
            self.control(attack).await;
        }
        self.copy_profile(&on_disk).await;
        for (row, attack) in on_disk.into_iter().chain(others) {
            if progress.is_stopped() {
                break;
            }
            let cell = self.cell(&row, attack, plan.repeat).await;
            let what = format!("{} {row} x {}", self.state.id(), attack.id);
            if cell.verdict == Verdict::Invalid {
                progress.say(&format!("{what} says nothing: {}", cell.why));
            }
            progress.done(&format!("{what}: {}", cell.verdict.word()));
            done.push(cell);
        }
        done
    }

    /// What it cannot do for all rows at once, each cell does for its own.
    async fn copy_profile(&mut self, cells: &[(String, &'static Attack)]) {
        if cells.is_empty() || self.state.engine == Engine::WebKit {
            return;
        }
        let mut rows: Vec<_> = cells.iter().map(|(row, _)| row.clone()).collect();
        rows.extend(cells.first().map(|(_, attack)| victim_of(attack).to_owned()).filter(|row| !rows.contains(row)));
        let first = self.number + 1;
        self.number += u64::try_from(rows.len()).unwrap_or_default();
        if let Err(error) = self.beside.copy_profile(&self.place(), &rows, first).await {
            tracing::warn!("{}: one profile for all rows: {error:#}", self.state.id());
        }
    }

    /// One cell, with its attack control, as often as the plan repeats.
    pub(crate) async fn cell(&mut self, row: &str, attack: &'static Attack, repeat: usize) -> Cell {
        let falls = self.control(attack).await;
        // Where the victim that must fall is this very row, it has just been attacked.
        let ready = if crate::world::own(row).is_none() && row == victim_of(attack) {
            self.controls.get_mut(attack.id).and_then(|(_, attempt)| attempt.take())
        } else {
            None
        };
        let first = match ready {
            Some(attempt) => attempt,
            None => self.once(row, attack).await,
        };
        let mut cell = first.into_cell(self.state.id(), row, attack.id, falls.clone());
        for _ in 1..repeat.max(1) {
            let again = self.once(row, attack).await.into_cell(self.state.id(), row, attack.id, falls.clone());
            if again.verdict != cell.verdict {
                cell.unstable_because = format!("another time: {}", again.why);
                cell.unstable.push(again.verdict);
                if again.verdict.worse_than(cell.verdict) && again.verdict != Verdict::Invalid {
                    cell.unstable.push(cell.verdict);
                    let (unstable, because) = (cell.unstable.clone(), cell.why.clone());
                    cell = again;
                    cell.unstable = unstable;
                    cell.unstable.retain(|verdict| *verdict != cell.verdict);
                    cell.unstable_because = format!("another time: {because}");
                }
            }
        }
        cell
    }

    /// The same attack on a victim built to fall to it, once for each lane.
    async fn control(&mut self, attack: &'static Attack) -> Control {
        if let Some((known, _)) = self.controls.get(attack.id) {
            return known.clone();
        }
        let row = victim_of(attack);
        let attempt = self.once(row, attack).await;
        let mut control = Control { passed: has_fallen(attack, &attempt), what: told(row, &attempt) };
        if !control.passed
            && attack.third_party
            && self.state.third_party == ThirdParty::Block
            && let Some(elsewhere) = self.once_with_third_parties(row, attack).await
        {
            control.passed = has_fallen(attack, &elsewhere);
            control.what = format!(
                "with third-party cookies allowed, {}; blocked, the browser itself stops it",
                told(row, &elsewhere)
            );
        }
        self.controls.insert(attack.id, (control.clone(), Some(attempt)));
        control
    }

    /// The same attempt in a browser that allows what this one blocks: so that an attack which the browser itself stops for
    /// everybody is still seen to work.
    async fn once_with_third_parties(&mut self, row: &str, attack: &'static Attack) -> Option<Attempt> {
        self.number += 1;
        let launch = Launch { third_party_cookies: Some(ThirdParty::Allow), ..self.launch.clone() };
        let browser = start(self.state, &launch).await.ok()?;
        let beside = Beside::default();
        let place = Place { world: &self.world, browser: &browser, launch: &launch, beside: &beside };
        Some(attempt(&place, row, attack, self.number, None).await.0)
    }

    /// One attempt, and another one where the browser did not even open a tab for the first, or where the first came to nothing
    /// in a context that others had used; none on a row that was seen not to live in this browser.
    async fn once(&mut self, row: &str, attack: &'static Attack) -> Attempt {
        if let Some(seen) = self.lacking.get(row) {
            return seen.same_again();
        }
        let shared = self.kept.as_ref().is_some_and(|kept| kept.is_for(row));
        let mut attempt = self.one(row, attack).await;
        if !attempt.began || (shared && attempt.verdict == Verdict::Invalid) {
            attempt = self.one(row, attack).await;
        }
        // An INVALID cell says nothing of anybody, so a second attempt hides nothing; that there was one is told.
        if attempt.verdict == Verdict::Invalid && !attempt.lacks {
            let first = attempt.why;
            attempt = self.one(row, attack).await;
            if attempt.verdict != Verdict::Invalid {
                attempt.why =
                    format!("{} (a first attempt came to nothing: {})", attempt.why, crate::world::cut(&first));
            }
        }
        if attempt.lacks {
            let mut seen = attempt.same_again();
            seen.why = format!("{} (seen under {})", seen.why, attack.id);
            self.lacking.insert(row.to_owned(), seen);
        }
        attempt
    }

    /// One attempt. A browser that hangs is replaced, so that the next cell does not suffer for it.
    async fn one(&mut self, row: &str, attack: &'static Attack) -> Attempt {
        self.number += 1;
        let kept = match self.kept.take() {
            Some(kept) if kept.is_for(row) => Some(kept),
            Some(kept) => {
                kept.close().await;
                None
            }
            None => None,
        };
        let (attempt, kept) = attempt(&self.place(), row, attack, self.number, kept).await;
        self.kept = kept;
        if !attempt.browser_is_well {
            self.kept = None;
            self.beside.give_up_aging().await;
            match start(self.state, &self.launch).await {
                Ok(browser) => self.browser = browser,
                Err(error) => tracing::warn!("the browser did not start again: {error:#}"),
            }
        }
        attempt
    }
}

/// Being logged out is what C7 is about; elsewhere a broken victim would look the same.
fn has_fallen(attack: &Attack, attempt: &Attempt) -> bool {
    match attempt.verdict {
        Verdict::Safe | Verdict::Na | Verdict::NotRun | Verdict::Invalid => false,
        Verdict::Deny => attack.id == "C7",
        _ => true,
    }
}

fn told(row: &str, attempt: &Attempt) -> String {
    format!("{row}: {}, {}", attempt.verdict.word(), attempt.why)
}

/// The row that must fall to an attack.
fn victim_of(attack: &Attack) -> &'static str {
    falls(attack.id)
}

async fn start(state: State, launch: &Launch) -> Result<Browser> {
    Browser::launch_with(state.engine, launch).await.with_context(|| format!("starting {}", state.engine.name()))
}
