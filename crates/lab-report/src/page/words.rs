//! The same without a picture: every attack and strategy as it is told, and the reason of every cell. What a page without
//! scripts has instead of the evidence.

use crate::index::Index;
use crate::run::{Attack, BrowserRun, Strategy};

use super::html::Html;

pub(super) fn write(html: &mut Html, index: &Index) {
    html.raw("<h3>The attacks</h3>");
    for attack in &index.run.attacks {
        told(html, attack);
    }
    html.raw("<h3>The strategies</h3>");
    for row in index.rows().into_iter().flat_map(|(_, rows)| rows) {
        html.raw("<details id=\"").name(&["strategy", &row.id]).raw("\"><summary><b>").text(&row.id).raw("</b> ");
        html.text(&row.title).raw("</summary><p>").text(&row.summary).raw("</p>");
        sources(html, &row.sources);
        html.raw("</details>");
    }
    for browser in index.run.browsers.iter().filter(|browser| browser.not_run.is_none()) {
        html.raw("<h3>Every cell in ").text(&index.browser_label(&browser.id)).raw("</h3>");
        for row in index.rows().into_iter().flat_map(|(_, rows)| rows) {
            reasons(html, index, browser, row);
        }
    }
}

fn told(html: &mut Html, attack: &Attack) {
    html.raw("<details id=\"").name(&["attack", &attack.id]).raw("\"><summary><b>").text(&attack.id).raw("</b> ");
    html.text(&attack.title).raw("</summary><p class=\"story\">").text(&attack.story).raw("</p><p>");
    html.text(&attack.mechanism).raw("</p><p><b>Stopped by:</b> ").text(&attack.stopped_by).raw("</p>");
    sources(html, &attack.sources);
    html.raw("</details>");
}

fn sources(html: &mut Html, sources: &[String]) {
    if sources.is_empty() {
        return;
    }
    html.raw("<ul class=\"sources\">");
    for source in sources {
        html.raw("<li>");
        // Nothing but the web is linked to: `javascript:` is an address, too.
        if source.starts_with("https://") {
            html.raw("<a rel=\"noreferrer\" href=\"").text(source).raw("\">").text(source).raw("</a>");
        } else {
            html.text(source);
        }
        html.raw("</li>");
    }
    html.raw("</ul>");
}

fn reasons(html: &mut Html, index: &Index, browser: &BrowserRun, row: &Strategy) {
    let cells: Vec<_> =
        index.run.attacks.iter().filter_map(|attack| index.cell(&browser.id, &row.id, &attack.id)).collect();
    let uses: Vec<_> =
        index.run.usabilities.iter().filter_map(|column| index.usability(&browser.id, &row.id, &column.id)).collect();
    if cells.is_empty() && uses.is_empty() {
        return;
    }
    html.raw("<details class=\"reasons\"><summary><b>")
        .text(&row.id)
        .raw("</b> ")
        .text(&row.title)
        .raw("</summary><ul>");
    for (_, cell) in cells {
        html.raw("<li id=\"word.").name(&[&browser.id, &row.id, &cell.attack]).raw("\"><b>");
        html.text(&index.attack_label(&cell.attack)).raw(": ").raw(cell.verdict.word()).raw(".</b> ").text(&cell.why);
        if !cell.unstable.is_empty() {
            html.raw(" <em>Not in every repetition: also ");
            let others: Vec<&str> = cell.unstable.iter().map(|verdict| verdict.word()).collect();
            html.text(&others.join(", ")).raw(".</em> ").text(&cell.unstable_because);
        }
        html.raw("</li>");
    }
    html.raw("</ul>");
    if !uses.is_empty() {
        html.raw("<ul id=\"use.").name(&[&browser.id, &row.id]).raw("\">");
        for (_, cell) in uses {
            let title =
                index.run.usabilities.iter().find(|column| column.id == cell.usability).map(|column| &*column.title);
            html.raw("<li><b>").text(title.unwrap_or(&cell.usability)).raw(": ").text(&cell.value).raw(".</b> ");
            html.text(&cell.why).raw("</li>");
        }
        html.raw("</ul>");
    }
    html.raw("</details>");
}
