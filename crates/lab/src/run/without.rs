//! Cloakroom without one of its defences: what works again, and what was decoration. The proxy takes the defence away; the
//! server is the same.

use std::collections::HashMap;

use cloakroom_lab_report::{Cell, Defence, Verdict, WorksAgain};

use super::lane::Lane;
use super::plan::Plan;
use super::progress::Progress;
use crate::attack::{Attack, find};
use crate::catalogue::{Catalogue, DefenceText};
use crate::meddle::Meddle;

/// The row that is tried: the strategy that people get who choose none.
const ROW: &str = "cloakroom-cookie";

/// The defences that this plan tries to do without, each with the attacks that it is there for.
pub(crate) fn tried<'a>(catalogue: &'a Catalogue, plan: &Plan) -> Vec<(&'a DefenceText, Meddle, Vec<&'a str>)> {
    if !plan.without || !plan.rows.iter().any(|row| row == ROW) {
        return Vec::new();
    }
    let wanted = |id: &&str| plan.attacks.iter().any(|attack| attack.id == *id);
    let tried = catalogue.defences.iter().filter_map(|text| {
        let meddle = Meddle::of(&text.id)?;
        let guards: Vec<_> = text.guards.iter().map(String::as_str).filter(wanted).collect();
        (!guards.is_empty()).then_some((text, meddle, guards))
    });
    tried.collect()
}

/// Runs them in one lane. `cells` are those of the same lane with every defence in place.
pub(crate) async fn without(
    lane: &mut Lane,
    catalogue: &Catalogue,
    plan: &Plan,
    cells: &[Cell],
    progress: &Progress,
) -> Vec<Defence> {
    let known: HashMap<&str, Verdict> =
        cells.iter().filter(|cell| cell.strategy == ROW).map(|cell| (cell.attack.as_str(), cell.verdict)).collect();
    let mut tries = Tried { lane, seen: HashMap::new() };
    let mut done = Vec::new();
    for (text, meddle, guards) in tried(catalogue, plan) {
        if progress.is_stopped() {
            break;
        }
        let mut defence = Defence {
            id: text.id.clone(),
            title: text.title.clone(),
            removed_by: text.removed_by.clone(),
            works_again: Vec::new(),
            tried: 0,
        };
        for guard in guards {
            if progress.is_stopped() {
                break;
            }
            let Some(with) = known.get(guard).filter(|with| **with != Verdict::Invalid) else { continue };
            let Some(attack) = find(guard) else { continue };
            let others = beside(catalogue, text, guard);
            let again = tries.works_again(attack, *with, meddle, &others).await;
            let word = match &again {
                Without::Falls(again) => again.without.word(),
                Without::Nothing => "nothing changes",
                Without::Invalid => "INVALID, so not counted",
            };
            progress.done(&format!("{} without {}, {guard}: {word}", tries.lane.id(), text.id));
            defence.tried += u64::from(!matches!(again, Without::Invalid));
            if let Without::Falls(again) = again {
                defence.works_again.push(again);
            }
        }
        done.push(defence);
    }
    done
}

/// The defences that stand beside this one against an attack.
fn beside<'a>(catalogue: &'a Catalogue, text: &DefenceText, guard: &str) -> Vec<Other<'a>> {
    let stands =
        |other: &&DefenceText| text.shares_with.contains(&other.id) && other.guards.iter().any(|id| id == guard);
    let others = catalogue.defences.iter().filter(stands);
    others.filter_map(|other| Some((other.title.as_str(), Meddle::of(&other.id)?))).collect()
}

/// What a lane has seen of the row without some of its defences.
struct Tried<'a> {
    lane: &'a mut Lane,
    /// By attack and by what was taken away, in order.
    seen: HashMap<(&'static str, Vec<Meddle>), Cell>,
}

/// What came of a cell without a defence.
enum Without {
    Falls(WorksAgain),
    Nothing,
    /// A control failed, so it says nothing about the defence.
    Invalid,
}

/// A defence beside which another stands: its title, and how it is taken away.
type Other<'a> = (&'a str, Meddle);

impl Tried<'_> {
    /// What is worse without this defence, alone or with as few others as will do.
    async fn works_again(
        &mut self,
        attack: &'static Attack,
        with: Verdict,
        meddle: Meddle,
        others: &[Other<'_>],
    ) -> Without {
        let worse = |cell: &Cell| cell.verdict != Verdict::Invalid && cell.verdict.worse_than(with);
        let alone = self.cell(attack, vec![meddle]).await;
        if worse(&alone) {
            return Without::Falls(self.found(attack, with, &alone, &[]));
        }
        let mut needed = others.to_vec();
        let mut falls = self.cell(attack, set(Some(meddle), &needed)).await;
        if others.is_empty() || !worse(&falls) {
            let invalid = alone.verdict == Verdict::Invalid || falls.verdict == Verdict::Invalid;
            return if invalid { Without::Invalid } else { Without::Nothing };
        }
        for other in others {
            let fewer: Vec<_> = needed.iter().filter(|needed| *needed != other).copied().collect();
            let cell = self.cell(attack, set(Some(meddle), &fewer)).await;
            if worse(&cell) {
                (needed, falls) = (fewer, cell);
            }
        }
        // If it falls without those others alone, this one had nothing to do with it.
        let theirs = self.cell(attack, set(None, &needed)).await;
        match theirs.verdict {
            Verdict::Invalid => Without::Invalid,
            theirs if !falls.verdict.worse_than(theirs) => Without::Nothing,
            _ => Without::Falls(self.found(attack, with, &falls, &needed)),
        }
    }

    fn found(&self, attack: &'static Attack, with: Verdict, cell: &Cell, others: &[Other<'_>]) -> WorksAgain {
        let names: Vec<_> = others.iter().map(|(title, _)| *title).collect();
        let how = if names.is_empty() { String::new() } else { format!("only together with {}: ", names.join(", ")) };
        WorksAgain {
            browser: self.lane.id(),
            strategy: ROW.to_owned(),
            attack: attack.id.to_owned(),
            with,
            without: cell.verdict,
            why: format!("{how}{}", cell.why),
        }
    }

    /// The row's cell without these.
    async fn cell(&mut self, attack: &'static Attack, meddles: Vec<Meddle>) -> Cell {
        let key = (attack.id, meddles);
        if let Some(seen) = self.seen.get(&key) {
            return seen.clone();
        }
        self.lane.begin_anew().await;
        self.lane.world().meddle(key.1.clone());
        let cell = self.lane.cell(ROW, attack, 1).await;
        self.lane.begin_anew().await;
        self.lane.world().meddle(Vec::new());
        self.seen.insert(key, cell.clone());
        cell
    }
}

/// In the order of the catalogue, so that the same set is known again.
fn set(meddle: Option<Meddle>, others: &[Other<'_>]) -> Vec<Meddle> {
    let mut all: Vec<_> = meddle.into_iter().chain(others.iter().map(|(_, meddle)| *meddle)).collect();
    all.sort_unstable();
    all
}

/// The same defence in several browsers is one row of the table.
pub(crate) fn merge(lanes: Vec<Vec<Defence>>) -> Vec<Defence> {
    let mut all: Vec<Defence> = Vec::new();
    for defence in lanes.into_iter().flatten() {
        match all.iter_mut().find(|known| known.id == defence.id) {
            Some(known) => {
                known.tried += defence.tried;
                known.works_again.extend(defence.works_again);
            }
            None => all.push(defence),
        }
    }
    all
}
