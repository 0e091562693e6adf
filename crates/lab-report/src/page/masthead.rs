//! The head of the page: what this is, how it was made, what is on it, and what the words mean.

use crate::change::Changes;
use crate::index::Index;
use crate::label::duration;
use crate::run::Run;
use crate::verdict::Verdict;

use super::html::Html;
use super::level::LEVELS;

/// The sentence under the title, and the facts of the run.
pub(super) fn write(html: &mut Html, index: &Index) {
    let run = index.run;
    let ran = run.browsers.iter().filter(|browser| browser.not_run.is_none()).count();
    let judged = run.cells.iter().filter(|cell| !matches!(cell.verdict, Verdict::NotRun | Verdict::Invalid)).count();
    html.raw("<p class=\"lead\">").number(run.strategies.len()).raw(" ways to keep a token, ");
    html.number(run.attacks.len()).raw(" attacks, ").number(ran);
    html.raw(if ran == 1 { " browser state: " } else { " browser states: " });
    html.number(judged).raw(" verdicts. Each is what arrived at a server, never what a page said of itself.</p>");

    html.raw("<dl class=\"facts\">");
    let mut fact = |name: &'static str, value: &str| {
        html.raw("<div><dt>").raw(name).raw("</dt><dd>").text(value).raw("</dd></div>");
    };
    fact("Made", &format!("{}, in {}", date(&run.began_at), duration(run.took_seconds)));
    for browser in &run.browsers {
        let name = browser.label();
        match &browser.not_run {
            None => fact("Browser", &format!("{name}, {}", browser.third_party_cookies.words())),
            Some(_) => fact("Browser", &format!("{name}, not run")),
        }
    }
    fact("Cloakroom", &run.cloakroom);
    fact("Lab", &run.lab);
    fact("Machine", &run.machine);
    fact("Seed", &run.seed.to_string());
    html.raw("<div class=\"wide\"><dt>Command</dt><dd><code>").text(&run.command).raw("</code></dd></div></dl>");
}

/// Links to the parts of the page.
pub(super) fn contents(html: &mut Html, index: &Index, changes: Option<&Changes>) {
    html.raw("<li><a href=\"#glance\">At a glance</a></li>");
    for browser in &index.run.browsers {
        html.raw("<li><a href=\"#").name(&["map", &browser.id]).raw("\">").text(&index.browser_label(&browser.id));
        html.raw("</a></li>");
    }
    html.raw("<li><a href=\"#defences\">Defences</a></li>");
    html.raw("<li class=\"script\"><a href=\"#beside\">Side by side</a></li>");
    html.raw(if changes.is_some() { "<li>" } else { "<li class=\"script\">" });
    html.raw("<a href=\"#changes\">Against another run</a></li><li><a href=\"#words\">In words</a></li>");
}

/// Every word with its meaning, the worst first.
pub(super) fn legend(html: &mut Html, run: &Run) {
    for level in &LEVELS {
        html.raw("<div class=\"step\"><h3>").raw(level.title).raw("</h3><dl>");
        for verdict in level.verdicts {
            let cells = run.cells.iter().filter(|cell| cell.verdict == *verdict).count();
            html.raw("<dt><span class=\"chip ").raw(level.class).raw("\" data-v=\"").text(verdict.word()).raw("\">");
            html.text(verdict.word()).raw("</span> <span class=\"count\">").number(cells).raw("</span></dt><dd>");
            html.text(verdict.meaning()).raw("</dd>");
        }
        html.raw("</dl></div>");
    }
}

/// `2026-11-22T19:47:33Z` as `2026-11-22 19:47 UTC`; anything else as it is.
fn date(moment: &str) -> String {
    match (moment.get(..10), moment.get(10..11), moment.get(11..16), moment.strip_suffix('Z')) {
        (Some(day), Some("T"), Some(time), Some(_)) => format!("{day} {time} UTC"),
        _ => moment.to_owned(),
    }
}

#[test]
fn a_moment_is_written_for_people() {
    assert_eq!(date("2026-11-22T19:47:33Z"), "2026-11-22 19:47 UTC");
    assert_eq!(date("at noon"), "at noon");
}
