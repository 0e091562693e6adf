//! Cloakroom without one of its defences: what works again, and what was decoration. The proxy takes the defence away; the
//! server is the same.

use std::collections::HashMap;

use cloakroom_lab_report::{Cell, Defence, Verdict, WorksAgain};

use super::lane::Lane;
use super::plan::Plan;
use super::progress::Progress;
use crate::attack::find;
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
            let alone = fallen(lane, guard, *with, vec![meddle], "").await;
            let again = match alone {
                Without::Nothing => together(lane, catalogue, text, guard, *with, meddle).await,
                other => other,
            };
            let word = match &again {
                Without::Falls(again) => again.without.word(),
                Without::Nothing => "nothing changes",
                Without::Invalid => "INVALID, so not counted",
            };
            progress.done(&format!("{} without {}, {guard}: {word}", lane.id(), text.id));
            defence.tried += u64::from(!matches!(again, Without::Invalid));
            if let Without::Falls(again) = again {
                defence.works_again.push(again);
            }
        }
        done.push(defence);
    }
    done
}

/// What came of a cell without a defence.
enum Without {
    Falls(WorksAgain),
    Nothing,
    /// A control failed, so it says nothing about the defence.
    Invalid,
}

/// The same without the defences that stand beside this one as well.
async fn together(
    lane: &mut Lane,
    catalogue: &Catalogue,
    text: &DefenceText,
    guard: &str,
    with: Verdict,
    meddle: Meddle,
) -> Without {
    let others: Vec<_> = catalogue
        .defences
        .iter()
        .filter(|other| text.shares_with.contains(&other.id) && other.guards.iter().any(|other| other == guard))
        .filter_map(|other| Some((other.title.as_str(), Meddle::of(&other.id)?)))
        .collect();
    if others.is_empty() {
        return Without::Nothing;
    }
    let names: Vec<_> = others.iter().map(|(title, _)| *title).collect();
    let all = std::iter::once(meddle).chain(others.iter().map(|(_, meddle)| *meddle)).collect();
    fallen(lane, guard, with, all, &format!("only together with {}: ", names.join(", "))).await
}

/// What is worse without these, if anything is.
async fn fallen(lane: &mut Lane, guard: &str, with: Verdict, meddles: Vec<Meddle>, how: &str) -> Without {
    let Some(attack) = find(guard) else { return Without::Invalid };
    lane.begin_anew().await;
    lane.world().meddle(meddles);
    let cell = lane.cell(ROW, attack, 1).await;
    lane.begin_anew().await;
    lane.world().meddle(Vec::new());
    if cell.verdict == Verdict::Invalid {
        return Without::Invalid;
    }
    if !cell.verdict.worse_than(with) {
        return Without::Nothing;
    }
    Without::Falls(WorksAgain {
        browser: lane.id(),
        strategy: ROW.to_owned(),
        attack: guard.to_owned(),
        with,
        without: cell.verdict,
        why: format!("{how}{}", cell.why),
    })
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
