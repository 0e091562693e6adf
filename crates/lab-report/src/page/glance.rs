//! One line for each strategy: how many of its cells ended how badly, in all browser states together.

use crate::index::Index;
use crate::run::{Cell, Strategy};

use super::html::Html;
use super::level::LEVELS;

pub(super) fn write(html: &mut Html, index: &Index) {
    html.raw("<div class=\"scroll\"><table class=\"glance\"><caption>Cells of each strategy, all browser states together</caption>");
    html.raw("<thead><tr><th scope=\"col\">Strategy</th><td class=\"bar\"></td>");
    for level in &LEVELS {
        html.raw("<th scope=\"col\">").raw(level.title).raw("</th>");
    }
    html.raw("</tr></thead>");
    for (ours, rows) in index.rows().into_iter().filter(|(_, rows)| !rows.is_empty()) {
        html.raw(if ours { "<tbody class=\"ours\">" } else { "<tbody>" });
        heading(html, ours, LEVELS.len() + 2);
        for row in rows {
            line(html, index, row);
        }
        html.raw("</tbody>");
    }
    html.raw("</table></div>");
}

/// The line that sets Cloakroom's rows apart from the victims'.
pub(super) fn heading(html: &mut Html, ours: bool, columns: usize) {
    html.raw("<tr class=\"set\"><th scope=\"rowgroup\" colspan=\"").number(columns).raw("\"><span>");
    html.raw(if ours { "Cloakroom’s own" } else { "As tutorials do it" }).raw("</span></th></tr>");
}

/// The row's header: id and title, with a link to what the strategy is.
pub(super) fn row_header(html: &mut Html, row: &Strategy) {
    html.raw("<th scope=\"row\"><a href=\"#").name(&["strategy", &row.id]).raw("\">");
    html.raw("<b>").text(&row.id).raw("</b> ");
    if row.id != row.title {
        html.text(&row.title);
    }
    html.raw("</a></th>");
}

fn line(html: &mut Html, index: &Index, row: &Strategy) {
    let cells: Vec<&Cell> = index.run.cells.iter().filter(|cell| cell.strategy == row.id).collect();
    let counts = LEVELS
        .each_ref()
        .map(|level| (level, cells.iter().filter(|cell| level.verdicts.contains(&cell.verdict)).count()));
    html.raw("<tr>");
    row_header(html, row);
    // The numbers beside it say the same.
    html.raw("<td class=\"bar\"><svg aria-hidden=\"true\" preserveAspectRatio=\"none\" viewBox=\"0 0 ");
    html.number(cells.len().max(1)).raw(" 1\">");
    let mut at = 0;
    for (level, count) in &counts {
        html.raw("<rect class=\"").raw(level.class).raw("\" x=\"").number(at).raw("\" width=\"").number(*count);
        html.raw("\" height=\"1\"/>");
        at += count;
    }
    html.raw("</svg></td>");
    for (level, count) in &counts {
        html.raw("<td class=\"")
            .raw(if *count == 0 { "zero" } else { level.class })
            .raw("\">")
            .number(*count)
            .raw("</td>");
    }
    html.raw("</tr>");
}
