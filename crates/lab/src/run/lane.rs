//! One browser with a world of its own, through which cells go one after another. Several lanes run side by side and share
//! nothing.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use cloakroom_browser::{Browser, Engine, Launch, ThirdParty};
use cloakroom_lab_report::{Cell, Control, UsabilityCell, Verdict};
use cloakroom_lab_victims::falls;

use super::cell::{Attempt, attempt};
use super::plan::{Plan, State};
use super::progress::Progress;
use crate::attack::Attack;
use crate::scene::Place;
use crate::usability::{Measure, measure, restarts};
use crate::world::World;

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
        Ok(Self { state, world, browser, launch, controls: HashMap::new(), lacking: HashMap::new(), number: 0 })
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
            let place = Place { world: &self.world, browser: &self.browser, launch: &self.launch };
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

    /// Goes through all cells and gives them as the report has them.
    pub(crate) async fn run(
        &mut self,
        plan: &Plan,
        cells: Vec<(String, &'static Attack)>,
        progress: &Progress,
    ) -> Vec<Cell> {
        let mut done = Vec::with_capacity(cells.len());
        for (row, attack) in cells {
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
        let place = Place { world: &self.world, browser: &browser, launch: &launch };
        Some(attempt(&place, row, attack, self.number).await)
    }

    /// One attempt, and another one where the browser did not even open a tab for the first; none on a row that was seen not
    /// to live in this browser.
    async fn once(&mut self, row: &str, attack: &'static Attack) -> Attempt {
        if let Some(seen) = self.lacking.get(row) {
            return seen.same_again();
        }
        let mut attempt = self.one(row, attack).await;
        if !attempt.began {
            attempt = self.one(row, attack).await;
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
        let place = Place { world: &self.world, browser: &self.browser, launch: &self.launch };
        let attempt = attempt(&place, row, attack, self.number).await;
        if !attempt.browser_is_well {
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
