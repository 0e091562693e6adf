//! `cloakroom-lab run`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use cloakroom_browser::{Engine, ThirdParty};
use cloakroom_lab_report::{self as report, Baseline};
use tokio::signal::unix::{SignalKind, signal};

use super::Ending;
use crate::catalogue::Catalogue;
use crate::run::{Lane, Plan, Progress, Seen, State, merge, record, title, tried, without};
use crate::world::program;

/// The baseline that is built in: the verdicts about Cloakroom that the documentation states.
const BASELINE: &str = include_str!("../../baseline.json");

/// What to run, and where to write it.
#[derive(Args)]
pub(crate) struct Run {
    /// Browsers to run in; all three if none is named
    #[arg(long, value_delimiter = ',', value_enum)]
    browser: Vec<BrowserName>,
    /// Strategies, such as S1 or cloakroom-cookie, or the groups naive and cloakroom; all if none is named
    #[arg(long, value_delimiter = ',')]
    strategy: Vec<String>,
    /// Attacks, such as A1; all if none is named
    #[arg(long, value_delimiter = ',')]
    attack: Vec<String>,
    /// Whether browsers send and keep cookies in what another site embeds
    #[arg(long, value_enum, default_value_t = Cookies::Allow)]
    third_party_cookies: Cookies,
    /// Whether browsers treat a cookie without `SameSite` as Lax; as they do by themselves if nothing is said
    #[arg(long, value_enum)]
    lax_by_default: Option<Switch>,
    /// How many browsers run at the same time
    #[arg(long, default_value_t = 3)]
    jobs: usize,
    /// Runs each cell so many times, and marks those that differ
    #[arg(long, default_value_t = 1)]
    repeat: usize,
    /// Shows the browsers on the screen
    #[arg(long)]
    headed: bool,
    /// Leaves out what happens to Cloakroom without its defences
    #[arg(long)]
    no_defences: bool,
    /// Leaves out the usability columns
    #[arg(long)]
    no_usability: bool,
    /// Decides the order of the cells
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the report goes: run.json, index.html and run.md
    #[arg(long, value_name = "FOLDER", default_value = "lab-report")]
    out: PathBuf,
    /// The verdicts about Cloakroom to compare with, instead of those built in
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Writes the verdicts about Cloakroom of this run as a baseline
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// An earlier run.json: the page shows what changed since
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BrowserName {
    Chromium,
    Firefox,
    Webkit,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Cookies {
    Allow,
    Block,
    Both,
}

impl Run {
    pub(crate) fn run(self) -> Result<Ending> {
        let plan = self.plan()?;
        let needs_cloakroom = plan.rows.iter().any(|row| crate::world::own(row).is_some());
        if needs_cloakroom {
            program()?;
        }
        let baseline = match &self.baseline {
            Some(file) => Baseline::read(&std::fs::read(file).with_context(|| file.display().to_string())?)
                .with_context(|| file.display().to_string())?,
            None => Baseline::read(BASELINE.as_bytes()).context("the baseline that is built in")?,
        };
        let before = match &self.before {
            Some(file) => Some(
                report::read(&std::fs::read(file).with_context(|| file.display().to_string())?)
                    .with_context(|| file.display().to_string())?,
            ),
            None => None,
        };
        std::fs::create_dir_all(&self.out).with_context(|| format!("cannot make the folder {}", self.out.display()))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let stop = Arc::new(AtomicBool::default());
        let (run, failed) = runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate())?;
            let mut running = pin!(carry_out(plan, Arc::clone(&stop)));
            loop {
                tokio::select! {
                    run = &mut running => return run,
                    _ = tokio::signal::ctrl_c() => {}
                    _ = terminate.recv() => {}
                }
                // With the runtime, lanes end, and with them their browsers and servers.
                if stop.swap(true, Ordering::Relaxed) {
                    bail!("stopped; nothing was written");
                }
                eprintln!(
                    "\nending: what was seen is written when the cells under way are done; once more to end at once"
                );
            }
        })?;

        let is_stopped = stop.load(Ordering::Relaxed);
        let (json, page, text) = (self.out.join("run.json"), self.out.join("index.html"), self.out.join("run.md"));
        std::fs::write(&json, report::json(&run)).with_context(|| json.display().to_string())?;
        std::fs::write(&page, report::page(&run, before.as_ref())).with_context(|| page.display().to_string())?;
        std::fs::write(&text, report::markdown(&run)).with_context(|| text.display().to_string())?;
        if is_stopped && self.write_baseline.is_some() {
            bail!("the run was ended early, so no baseline was written; what was seen is in {}", page.display());
        }
        if let Some(file) = &self.write_baseline {
            std::fs::write(file, Baseline::of(&run).json()).with_context(|| file.display().to_string())?;
        }
        super::answer(&summary(&run));
        if is_stopped {
            super::answer("\nEnded early: only what was seen until then.\n");
        }
        super::answer(&format!("\nThe page: {}\nThe data: {}\n", page.display(), json.display()));
        let worse = baseline.worse(&run);
        for worse in &worse {
            super::answer(&format!("WORSE than the baseline: {}\n", worse.text()));
        }
        if !failed.is_empty() && !is_stopped {
            let failed: Vec<_> = failed.into_iter().map(State::id).collect();
            bail!("{} did not run, though it is installed; the page says why", failed.join(", "));
        }
        Ok(if worse.is_empty() { Ending::Good } else { Ending::Worse })
    }

    fn plan(&self) -> Result<Plan> {
        let asked = |engine: Engine| {
            let name = match engine {
                Engine::Chromium => BrowserName::Chromium,
                Engine::Firefox => BrowserName::Firefox,
                Engine::WebKit => BrowserName::Webkit,
            };
            self.browser.is_empty() || self.browser.contains(&name)
        };
        let is_one_of_two = self.third_party_cookies == Cookies::Both;
        let parties: &[ThirdParty] = match self.third_party_cookies {
            Cookies::Allow => &[ThirdParty::Allow],
            Cookies::Block => &[ThirdParty::Block],
            Cookies::Both => &[ThirdParty::Allow, ThirdParty::Block],
        };
        let states = Engine::EVERY
            .into_iter()
            .filter(|engine| asked(*engine))
            .flat_map(|engine| parties.iter().map(move |party| State { engine, third_party: *party, is_one_of_two }));
        if self.jobs == 0 {
            bail!("--jobs must be at least 1");
        }
        Ok(Plan {
            states: states.collect(),
            rows: Plan::rows(&self.strategy)?,
            attacks: Plan::attacks(&self.attack)?,
            seed: self.seed,
            jobs: self.jobs,
            repeat: self.repeat,
            headed: self.headed,
            lax_by_default: self.lax_by_default.map(|switch| switch == Switch::On),
            without: !self.no_defences,
            usability: !self.no_usability,
        })
    }
}

/// Runs every state as a lane of its own, `jobs` of them at a time. Gives the states that did not run as well, though their
/// browser is there.
async fn carry_out(plan: Plan, stop: Arc<AtomicBool>) -> Result<(report::Run, Vec<State>)> {
    let catalogue = Catalogue::read()?;
    let plan = Arc::new(plan);
    let began = Instant::now();
    let began_at = crate::world::now_rfc3339();
    let (here, missing): (Vec<_>, Vec<_>) = plan.states.iter().copied().partition(|state| state.engine.installed());
    let guards: usize = tried(&catalogue, &plan).iter().map(|(_, _, guards)| guards.len()).sum();
    let daily = if plan.usability { plan.rows.len() } else { 0 };
    let once = |state: &State| if state.is_second() { 0 } else { guards + daily };
    let total = here.iter().map(|state| plan.cells(*state).len() + once(state)).sum();
    let progress = Arc::new(Progress::of(total, stop));
    for state in &missing {
        progress.say(&not_installed(state.engine));
    }
    let places = Arc::new(tokio::sync::Semaphore::new(plan.jobs));
    let lanes = here.iter().copied().map(|state| {
        let (plan, progress, places) = (Arc::clone(&plan), Arc::clone(&progress), Arc::clone(&places));
        let catalogue = catalogue.clone();
        tokio::spawn(async move {
            let _place = places.acquire().await?;
            anyhow::ensure!(!progress.is_stopped(), "the run was ended before its turn");
            let mut lane = Lane::open(state, &plan).await?;
            let mut seen = Seen { cells: lane.run(&plan, plan.cells(state), &progress).await, ..Seen::default() };
            if !state.is_second() {
                seen.defences = without(&mut lane, &catalogue, &plan, &seen.cells, &progress).await;
                if plan.usability {
                    seen.usability = lane.use_daily(&plan, &progress).await;
                }
            }
            anyhow::Ok((lane.version(), seen))
        })
    });
    let lanes: Vec<_> = lanes.collect();
    let (mut ran, mut all, mut defences, mut failed) = (Vec::new(), Seen::default(), Vec::new(), Vec::new());
    for (state, lane) in here.into_iter().zip(lanes) {
        match lane.await.map_err(anyhow::Error::from).and_then(std::convert::identity) {
            Ok((version, seen)) => {
                ran.push((state, Ok(version)));
                all.cells.extend(seen.cells);
                all.usability.extend(seen.usability);
                defences.push(seen.defences);
            }
            Err(error) => {
                progress.say(&format!("{} did not run: {error:#}", state.id()));
                failed.push(state);
                ran.push((state, Err(format!("{error:#}"))));
            }
        }
    }
    ran.extend(missing.into_iter().map(|state| (state, Err(not_installed(state.engine)))));
    all.defences = merge(defences);
    in_order(&plan, &mut all.cells);
    let command = std::env::args().collect::<Vec<_>>();
    let command = std::iter::once("cloakroom-lab")
        .chain(command.iter().skip(1).map(String::as_str))
        .collect::<Vec<_>>()
        .join(" ");
    Ok((record(&catalogue, &plan, ran, all, began_at, began.elapsed().as_secs(), command), failed))
}

/// By rows and columns, however they were run.
fn in_order(plan: &Plan, cells: &mut [report::Cell]) {
    let row = |cell: &report::Cell| plan.rows.iter().position(|row| *row == cell.strategy);
    let column = |cell: &report::Cell| plan.attacks.iter().position(|attack| attack.id == cell.attack);
    cells.sort_by_key(|cell| (cell.browser.clone(), row(cell), column(cell)));
}

fn not_installed(engine: Engine) -> String {
    format!("{} is not installed: {}", title(engine), engine.install_command())
}

/// How many cells of each verdict, for each browser.
fn summary(run: &report::Run) -> String {
    let mut text = String::new();
    for browser in &run.browsers {
        if let Some(why) = &browser.not_run {
            let _ = writeln!(text, "{}: not run ({why})", browser.id);
            continue;
        }
        for (who, is_own) in [("naive", false), ("Cloakroom", true)] {
            let own = |cell: &&report::Cell| {
                let own = run.strategies.iter().any(|row| row.id == cell.strategy && row.is_cloakroom);
                cell.browser == browser.id && own == is_own
            };
            let counts = report::Verdict::ALL.iter().rev().filter_map(|verdict| {
                let count = run.cells.iter().filter(own).filter(|cell| cell.verdict == *verdict).count();
                (count > 0).then(|| format!("{count} {}", verdict.word()))
            });
            let counts: Vec<_> = counts.collect();
            if !counts.is_empty() {
                let _ = writeln!(text, "{} {}, {who}: {}", browser.id, browser.version, counts.join(", "));
            }
        }
    }
    text
}
