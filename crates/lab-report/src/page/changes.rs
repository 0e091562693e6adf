//! What changed since an earlier run. The script writes the same of a run that is loaded from disk.

use crate::change::Changes;
use crate::index::Index;

use super::defences::turned;
use super::html::Html;

pub(super) fn write(html: &mut Html, index: &Index, changes: Option<&Changes>) {
    let Some(changes) = changes else { return };
    html.raw("<p>From the run of ").text(&changes.began.0).raw(" to this one, of ").text(&changes.began.1).raw(".</p>");
    for browser in &changes.browsers {
        html.raw("<h3>").text(&browser.headline()).raw("</h3>");
        if browser.cells.is_empty() {
            continue;
        }
        html.raw("<div class=\"scroll\"><table class=\"list\"><thead><tr><th scope=\"col\">Strategy</th>");
        html.raw("<th scope=\"col\">Attack</th><th scope=\"col\">Verdict</th><th scope=\"col\">What was seen</th></tr></thead><tbody>");
        for cell in &browser.cells {
            html.raw("<tr><th scope=\"row\">").text(&index.strategy_label(&cell.strategy)).raw("</th><td>");
            html.text(&index.attack_label(&cell.attack)).raw("</td><td>");
            turned(html, cell.before, cell.after);
            html.raw(if cell.is_worse() { " <b>" } else { " <span>" }).raw(cell.direction());
            html.raw(if cell.is_worse() { "</b>" } else { "</span>" });
            html.raw("</td><td>").text(&cell.why_after).raw("</td></tr>");
        }
        html.raw("</tbody></table></div>");
    }
    if !changes.comings.is_empty() {
        html.raw("<ul>");
        for coming in &changes.comings {
            html.raw("<li>").text(&coming.headline()).raw("</li>");
        }
        html.raw("</ul>");
    }
}
