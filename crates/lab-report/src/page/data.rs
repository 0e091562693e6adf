//! What the page's script reads: the run as JSON in data blocks. The first is read on opening; evidence stands in blocks of its
//! own, one for each strategy in each browser state, and pictures too, so that only what is looked at is parsed.

use std::collections::HashMap;

use serde_json::json;

use crate::change::Changes;
use crate::index::Index;
use crate::picture::inline;
use crate::run::{Cell, Run};
use crate::verdict::Verdict;

use super::evidence::Block;
use super::html::Html;
use super::level;

/// Bytes of pictures that the page holds.
const PICTURES: usize = 4 * 1024 * 1024;

/// The data blocks.
pub(super) fn write(html: &mut Html, index: &Index, changes: Option<&Changes>) {
    let run = index.run;
    let pictures = pictures(run);
    html.raw("<script type=\"application/json\" id=\"run\">").json(&core(index, changes)).raw("</script>\n");
    for browser in &run.browsers {
        for row in &run.strategies {
            let cells = run.attacks.iter().filter_map(|attack| index.cell(&browser.id, &row.id, &attack.id));
            let block = Block::of(cells, &pictures);
            if !block.is_empty() {
                html.raw("<script type=\"application/json\" id=\"evidence.").name(&[&browser.id, &row.id]).raw("\">");
                html.json(&block).raw("</script>\n");
            }
        }
    }
    let mut pictures: Vec<(usize, &str)> = pictures.into_iter().map(|(picture, number)| (number, picture)).collect();
    pictures.sort_unstable();
    for (number, picture) in pictures {
        html.raw("<script type=\"application/json\" id=\"picture.").number(number).raw("\">").json(&picture);
        html.raw("</script>\n");
    }
}

/// Everything but the evidence.
fn core(index: &Index, changes: Option<&Changes>) -> serde_json::Value {
    let run = index.run;
    let number = |ids: &HashMap<&str, usize>, id: &str| ids.get(id).copied();
    let browsers = numbered(run.browsers.iter().map(|browser| &*browser.id));
    let strategies = numbered(run.strategies.iter().map(|row| &*row.id));
    let attacks = numbered(run.attacks.iter().map(|attack| &*attack.id));
    let usabilities = numbered(run.usabilities.iter().map(|column| &*column.id));
    let cells = run.cells.iter().map(|cell| {
        json!([
            number(&browsers, &cell.browser),
            number(&strategies, &cell.strategy),
            number(&attacks, &cell.attack),
            cell.verdict,
            cell.why,
            cell.unstable,
            cell.unstable_because
        ])
    });
    let usability = run.usability.iter().map(|cell| {
        json!([
            number(&browsers, &cell.browser),
            number(&strategies, &cell.strategy),
            number(&usabilities, &cell.usability),
            cell.value,
            cell.why
        ])
    });
    let verdicts = Verdict::ALL.into_iter().map(|verdict| {
        json!({ "key": verdict, "word": verdict.word(), "meaning": verdict.meaning(), "level": level::class(verdict) })
    });
    let labels = run.browsers.iter().map(|browser| {
        json!({
            "id": browser.id,
            "label": index.browser_label(&browser.id),
            "cookies": browser.third_party_cookies.words(),
            "ran": browser.not_run.is_none()
        })
    });
    let before = changes.into_iter().flat_map(|changes| &changes.browsers).flat_map(|browser| {
        browser.cells.iter().filter_map(|cell| {
            let (number, _) = index.cell(&browser.browser, &cell.strategy, &cell.attack)?;
            Some((number.to_string(), json!([cell.before, cell.why_before])))
        })
    });
    json!({
        "schema": run.schema,
        "began": run.began_at,
        "before": changes.map(|changes| &changes.began.0),
        "browsers": labels.collect::<Vec<_>>(),
        "strategies": run.strategies,
        "attacks": run.attacks,
        "usabilities": run.usabilities,
        "verdicts": verdicts.collect::<Vec<_>>(),
        "cells": cells.collect::<Vec<_>>(),
        "usability": usability.collect::<Vec<_>>(),
        "changed": before.collect::<serde_json::Map<_, _>>(),
        "defences": run.defences,
    })
}

/// The place of each name in its list.
fn numbered<'a>(ids: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    ids.enumerate().map(|(number, id)| (id, number)).collect()
}

/// The pictures that the page holds, each once, with their numbers: those of the worst cells, as long as there is room.
fn pictures(run: &Run) -> HashMap<&str, usize> {
    let mut cells: Vec<&Cell> = run.cells.iter().collect();
    cells.sort_by_key(|cell| std::cmp::Reverse(cell.verdict));
    let mut room = PICTURES;
    let mut pictures = HashMap::new();
    for picture in cells.into_iter().filter_map(|cell| inline(cell.evidence.screenshot.as_deref()?)) {
        let number = pictures.len();
        if picture.len() <= room && !pictures.contains_key(picture) {
            room -= picture.len();
            pictures.insert(picture, number);
        }
    }
    pictures
}
