//! What was known about Cloakroom: the committed verdicts, and whether a run is worse. Naive victims are not in it; a browser
//! may do with them what it likes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::json::ReadError;
use crate::run::{Cell, Run};
use crate::verdict::Verdict;

/// What the field `schema` of a baseline says.
pub const BASELINE_SCHEMA: &str = "cloakroom-lab-baseline/1";

/// A baseline is some hundred verdicts.
const LONGEST: usize = 1024 * 1024;

/// The verdicts about Cloakroom that are known and accepted. `INVALID` and `NOT RUN` are no verdicts, and are not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Always [`BASELINE_SCHEMA`].
    pub schema: String,
    /// Browser id, strategy id, attack id.
    pub verdicts: BTreeMap<String, BTreeMap<String, BTreeMap<String, Verdict>>>,
}

/// A cell that is worse than the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worse {
    pub browser: String,
    pub strategy: String,
    pub attack: String,
    /// What the baseline says.
    pub known: Verdict,
    /// What was seen: the worst of the repetitions.
    pub seen: Verdict,
    /// What the cell says about it.
    pub why: String,
}

impl Worse {
    /// One line for a terminal, without control characters.
    pub fn text(&self) -> String {
        let Self { browser, strategy, attack, known, seen, why } = self;
        let line = format!("{browser} {strategy} {attack}: {} was {}: {why}", seen.word(), known.word());
        line.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
    }
}

impl Baseline {
    /// The verdicts of a run. Of an unstable cell the worst one.
    pub fn of(run: &Run) -> Self {
        let mut verdicts: BTreeMap<String, BTreeMap<String, BTreeMap<String, Verdict>>> = BTreeMap::new();
        for cell in of_cloakroom(run) {
            let seen = worst(cell);
            if !matches!(seen, Verdict::Invalid | Verdict::NotRun) {
                let attacks =
                    verdicts.entry(cell.browser.clone()).or_default().entry(cell.strategy.clone()).or_default();
                attacks.insert(cell.attack.clone(), seen);
            }
        }
        Self { schema: BASELINE_SCHEMA.to_owned(), verdicts }
    }

    /// Reads the file that [`Self::json`] made, of 1 MiB at most.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        if bytes.len() > LONGEST {
            let what = format!("has {} bytes, and no more than {LONGEST} are read", bytes.len());
            return Err(ReadError::Field { path: ".".to_owned(), what });
        }
        let mut text = serde_json::Deserializer::from_slice(bytes);
        let baseline: Self = serde_path_to_error::deserialize(&mut text).map_err(|error| ReadError::Field {
            path: error.path().to_string(),
            what: format!("does not fit ({})", error.inner()),
        })?;
        if baseline.schema == BASELINE_SCHEMA {
            Ok(baseline)
        } else {
            let what = format!("is {:?}, and this program reads {BASELINE_SCHEMA:?}", baseline.schema);
            Err(ReadError::Field { path: "schema".to_owned(), what })
        }
    }

    /// Indented JSON in the order of names, with a line end after it: made to be committed and compared line by line.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Every cell of the run that is worse than what is known. A cell that was judged and no longer can be is worse; a cell
    /// that was not asked for, or whose browser is not installed, is not.
    pub fn worse(&self, run: &Run) -> Vec<Worse> {
        let judged = of_cloakroom(run).filter_map(|cell| Some((cell, self.known(cell)?)));
        judged
            .filter(|(cell, known)| worst(cell).worse_than(*known))
            .map(|(cell, known)| Worse {
                browser: cell.browser.clone(),
                strategy: cell.strategy.clone(),
                attack: cell.attack.clone(),
                known,
                seen: worst(cell),
                why: cell.why.clone(),
            })
            .collect()
    }

    /// Every cell about Cloakroom that was judged, and that the baseline says nothing of: a new attack, strategy or browser.
    pub fn unknown<'a>(&self, run: &'a Run) -> Vec<&'a Cell> {
        let judged = of_cloakroom(run).filter(|cell| !matches!(worst(cell), Verdict::Invalid | Verdict::NotRun));
        judged.filter(|cell| self.known(cell).is_none()).collect()
    }

    fn known(&self, cell: &Cell) -> Option<Verdict> {
        self.verdicts.get(&cell.browser)?.get(&cell.strategy)?.get(&cell.attack).copied()
    }
}

fn of_cloakroom(run: &Run) -> impl Iterator<Item = &Cell> {
    let ours: Vec<&str> = run.strategies.iter().filter(|row| row.is_cloakroom).map(|row| &*row.id).collect();
    run.cells.iter().filter(move |cell| ours.contains(&&*cell.strategy))
}

/// What was seen once was seen. A repetition that could not be judged takes nothing away from the others.
fn worst(cell: &Cell) -> Verdict {
    let others = cell.unstable.iter().copied().filter(|verdict| !matches!(verdict, Verdict::Invalid | Verdict::NotRun));
    others.chain([cell.verdict]).max().unwrap_or(cell.verdict)
}
