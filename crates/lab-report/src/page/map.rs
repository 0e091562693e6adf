//! The heat map of each browser state, strategies by attacks, and the measures of everyday use below it. A cell is a link to
//! its reason in words; the script opens its evidence instead.

use std::collections::HashMap;

use crate::change::Changes;
use crate::index::Index;
use crate::run::{Attack, BrowserRun, Strategy};
use crate::verdict::Verdict;

use super::glance::{heading, row_header};
use super::html::Html;
use super::level;

/// What the cells of one browser state were in the earlier run, where they changed.
type Before<'a> = HashMap<(&'a str, &'a str), Verdict>;

pub(super) fn write(html: &mut Html, index: &Index, changes: Option<&Changes>) {
    for browser in &index.run.browsers {
        html.raw("<section class=\"state\" data-b=\"").text(&browser.id).raw("\" id=\"").name(&["map", &browser.id]);
        html.raw("\"><h2>").text(&browser.label()).raw(" <small>").raw(browser.third_party_cookies.words());
        html.raw("</small></h2>");
        if let Some(reason) = &browser.not_run {
            html.raw("<p class=\"absent\"><strong>Not run.</strong> ").text(reason).raw("</p>");
        } else {
            let states = changes.into_iter().flat_map(|changes| &changes.browsers);
            let cells = states.filter(|state| state.browser == browser.id).flat_map(|state| &state.cells);
            let before = cells.map(|cell| ((&*cell.strategy, &*cell.attack), cell.before)).collect();
            attacks(html, index, browser, &before);
            usability(html, index, browser);
        }
        html.raw("</section>");
    }
}

fn attacks(html: &mut Html, index: &Index, browser: &BrowserRun, before: &Before) {
    let groups = index.groups();
    html.raw("<div class=\"scroll\"><table class=\"map\"><caption><span>Verdicts in ")
        .text(&index.browser_label(&browser.id));
    html.raw(": strategies by attacks</span></caption><colgroup></colgroup>");
    for (_, attacks) in &groups {
        html.raw("<colgroup span=\"").number(attacks.len()).raw("\"></colgroup>");
    }
    html.raw("<thead><tr class=\"groups\"><td></td>");
    for (group, attacks) in &groups {
        html.raw("<th scope=\"colgroup\" colspan=\"")
            .number(attacks.len())
            .raw("\" data-g=\"")
            .text(group)
            .raw("\"><span>");
        html.text(group).raw("</span></th>");
    }
    html.raw("</tr><tr class=\"columns\"><th scope=\"col\" class=\"corner\">Strategy</th>");
    for_each(&groups, |first, attack| {
        html.raw(if first { "<th scope=\"col\" class=\"first\"" } else { "<th scope=\"col\"" });
        html.raw(" data-a=\"").text(&attack.id).raw("\"><a href=\"#").name(&["attack", &attack.id]).raw("\"><b>");
        html.text(&attack.id).raw("</b> <span>").text(&attack.title).raw("</span></a></th>");
    });
    html.raw("</tr></thead>");
    for (ours, rows) in index.rows().into_iter().filter(|(_, rows)| !rows.is_empty()) {
        html.raw(if ours { "<tbody class=\"ours\">" } else { "<tbody>" });
        heading(html, ours, index.run.attacks.len() + 1);
        for row in rows {
            html.raw("<tr data-s=\"").text(&row.id).raw("\">");
            row_header(html, row);
            for_each(&groups, |first, attack| cell(html, index, browser, row, attack, first, before));
            html.raw("</tr>");
        }
        html.raw("</tbody>");
    }
    html.raw("</table></div>");
}

/// Every attack, and whether it is the first of its group.
fn for_each<'a>(groups: &[(&'a str, Vec<&'a Attack>)], mut write: impl FnMut(bool, &'a Attack)) {
    for (_, attacks) in groups {
        for (number, attack) in attacks.iter().enumerate() {
            write(number == 0, attack);
        }
    }
}

fn cell(
    html: &mut Html,
    index: &Index,
    browser: &BrowserRun,
    row: &Strategy,
    attack: &Attack,
    first: bool,
    before: &Before,
) {
    let Some((number, cell)) = index.cell(&browser.id, &row.id, &attack.id) else {
        html.raw(if first { "<td class=\"none first\">" } else { "<td class=\"none\">" });
        html.raw("<span title=\"not asked for\">–</span></td>");
        return;
    };
    html.raw("<td class=\"").raw(level::class(cell.verdict)).raw(if first { " first\">" } else { "\">" });
    let place = [&*browser.id, &*row.id, &*attack.id];
    html.raw("<a id=\"")
        .name(&place)
        .raw("\" href=\"#word.")
        .name(&place)
        .raw("\" data-i=\"")
        .number(number)
        .raw("\">");
    html.text(cell.verdict.word());
    if !cell.unstable.is_empty() {
        html.raw("<i class=\"wavers\" title=\"not the same in every repetition\">*</i>");
    }
    if let Some(before) = before.get(&(&*row.id, &*attack.id)) {
        html.raw("<i class=\"changed\"><span> changed, was ").raw(before.word()).raw("</span></i>");
    }
    html.raw("</a></td>");
}

fn usability(html: &mut Html, index: &Index, browser: &BrowserRun) {
    if !index.run.usability.iter().any(|cell| cell.browser == browser.id) {
        return;
    }
    html.raw("<div class=\"scroll\"><table class=\"use\"><caption><span>Everyday use in ")
        .text(&index.browser_label(&browser.id));
    html.raw("</span></caption><thead><tr class=\"columns\"><th scope=\"col\" class=\"corner\">Strategy</th>");
    for column in &index.run.usabilities {
        html.raw("<th scope=\"col\">").text(&column.title).raw("</th>");
    }
    html.raw("</tr></thead>");
    for (ours, rows) in index.rows().into_iter().filter(|(_, rows)| !rows.is_empty()) {
        html.raw(if ours { "<tbody class=\"ours\">" } else { "<tbody>" });
        heading(html, ours, index.run.usabilities.len() + 1);
        for row in rows {
            html.raw("<tr data-s=\"").text(&row.id).raw("\">");
            row_header(html, row);
            for column in &index.run.usabilities {
                match index.usability(&browser.id, &row.id, &column.id) {
                    Some((number, cell)) => {
                        html.raw(if cell.value == "INVALID" { "<td class=\"lx\">" } else { "<td>" });
                        html.raw("<a href=\"#use.").name(&[&browser.id, &row.id]).raw("\" data-u=\"").number(number);
                        html.raw("\">").text(&cell.value).raw("</a></td>");
                    }
                    None => {
                        html.raw("<td class=\"none\">–</td>");
                    }
                }
            }
            html.raw("</tr>");
        }
        html.raw("</tbody>");
    }
    html.raw("</table></div>");
}
