//! The table "without this, that works again". A defence whose removal brought nothing back is marked.

use crate::index::Index;
use crate::run::WorksAgain;
use crate::verdict::Verdict;

use super::html::Html;
use super::level;

pub(super) fn write(html: &mut Html, index: &Index) {
    if index.run.defences.is_empty() {
        html.raw("<p class=\"absent\">No defence was removed in this run.</p>");
        return;
    }
    html.raw("<div class=\"scroll\"><table class=\"defences\"><caption>Each defence of Cloakroom, removed by a proxy</caption>");
    html.raw("<thead><tr><th scope=\"col\">Defence</th><th scope=\"col\">Removed by</th>");
    html.raw("<th scope=\"col\">Without it</th><th scope=\"col\">Cells tried</th></tr></thead><tbody>");
    for defence in &index.run.defences {
        html.raw(if defence.works_again.is_empty() { "<tr class=\"idle\">" } else { "<tr>" });
        html.raw("<th scope=\"row\" id=\"").name(&["defence", &defence.id]).raw("\">").text(&defence.title);
        html.raw("</th><td>").text(&defence.removed_by).raw("</td><td>");
        if let Some(idle) = defence.idle() {
            html.raw("<em>").raw(idle).raw("</em>");
        } else {
            html.raw("<ul>");
            for again in &defence.works_again {
                html.raw("<li>");
                works_again(html, index, again);
                html.raw("</li>");
            }
            html.raw("</ul>");
        }
        html.raw("</td><td class=\"number\">").text(&defence.tried.to_string()).raw("</td></tr>");
    }
    html.raw("</tbody></table></div>");
}

fn works_again(html: &mut Html, index: &Index, again: &WorksAgain) {
    turned(html, again.with, again.without);
    html.raw(" <b>").text(&index.attack_label(&again.attack)).raw("</b> on ").text(&again.strategy).raw(" in ");
    html.text(&index.browser_label(&again.browser)).raw(". <span class=\"soft\">").text(&again.why).raw("</span>");
}

/// One verdict that became another.
pub(super) fn turned(html: &mut Html, from: Verdict, to: Verdict) {
    html.raw("<span class=\"turned\">");
    chip(html, from);
    html.raw(" → ");
    chip(html, to);
    html.raw("</span>");
}

fn chip(html: &mut Html, verdict: Verdict) {
    html.raw("<span class=\"chip ").raw(level::class(verdict)).raw("\">").raw(verdict.word()).raw("</span>");
}
