//! A run as Markdown, for the documents. The same run gives the same bytes. Evidence is left to the page and to the JSON file.

use std::fmt::Write as _;

use crate::index::Index;
use crate::label::duration;
use crate::run::{BrowserRun, Cell, Run};
use crate::verdict::Verdict;

/// The results as a document: how they were made, the legend, a table for each browser state, everyday use, defences, and what
/// could not be judged.
pub fn markdown(run: &Run) -> String {
    let index = Index::of(run);
    let mut text = String::new();
    made(&mut text, &index);
    legend(&mut text, run);
    attacks(&mut text, run);
    for browser in &run.browsers {
        verdicts(&mut text, &index, browser);
    }
    for browser in run.browsers.iter().filter(|browser| browser.not_run.is_none()) {
        usability(&mut text, &index, browser);
    }
    defences(&mut text, &index);
    doubtful(&mut text, &index, "Unstable cells", "Every cell gave the same verdict in every repetition.", |cell| {
        !cell.unstable.is_empty()
    });
    doubtful(&mut text, &index, "Cells that could not be judged", "Every control of every cell worked.", |cell| {
        cell.verdict == Verdict::Invalid
    });
    text
}

/// Writing into a `String` cannot fail.
macro_rules! say {
    ($text:expr, $($words:tt)*) => { let _ = writeln!($text, $($words)*); };
}

fn made(text: &mut String, index: &Index) {
    let run = index.run;
    say!(text, "# Results of the attack lab\n");
    say!(text, "| | |\n|---|---|");
    say!(text, "| Made | {}, in {} |", plain(&run.began_at), duration(run.took_seconds));
    say!(text, "| Command | {} |", code(&run.command));
    say!(text, "| Seed | {} |", run.seed);
    say!(text, "| Machine | {} |", plain(&run.machine));
    say!(text, "| Lab | {} |", plain(&run.lab));
    say!(text, "| Cloakroom | {} |", plain(&run.cloakroom));
    for browser in &run.browsers {
        let cookies = browser.third_party_cookies.words();
        match &browser.not_run {
            None => {
                say!(text, "| {} | {}, {cookies} |", plain(&browser.name), plain(&browser.version));
            }
            Some(reason) => {
                say!(text, "| {} | not run: {} |", plain(&browser.name), plain(reason));
            }
        }
    }
}

fn legend(text: &mut String, run: &Run) {
    say!(text, "\n## What the words mean\n");
    say!(
        text,
        "From the best to the worst. A cell is what was observed at a server, never what a page says of itself.\n"
    );
    say!(text, "| word | meaning | cells |\n|---|---|--:|");
    for verdict in Verdict::ALL {
        let cells = run.cells.iter().filter(|cell| cell.verdict == verdict).count();
        say!(text, "| {} | {} | {cells} |", verdict.word(), plain(verdict.meaning()));
    }
    say!(
        text,
        "\nAn asterisk marks a cell that did not give the same verdict in every repetition; a dash, one that was not asked for."
    );
}

fn attacks(text: &mut String, run: &Run) {
    say!(text, "\n## The attacks\n");
    say!(text, "| | attack | group |\n|---|---|---|");
    for attack in &run.attacks {
        say!(text, "| {} | {} | {} |", plain(&attack.id), plain(&attack.title), plain(&attack.group));
    }
}

fn verdicts(text: &mut String, index: &Index, browser: &BrowserRun) {
    say!(text, "\n## {}, {}\n", plain(&browser.label()), browser.third_party_cookies.words());
    if let Some(reason) = &browser.not_run {
        say!(text, "Not run: {}", plain(reason));
        return;
    }
    let columns: Vec<String> = index.run.attacks.iter().map(|attack| plain(&attack.id)).collect();
    say!(text, "| strategy | {} |\n|---|{}", columns.join(" | "), "---|".repeat(columns.len()));
    for row in index.rows().into_iter().flat_map(|(_, rows)| rows) {
        let cells = index.run.attacks.iter().map(|attack| match index.cell(&browser.id, &row.id, &attack.id) {
            Some((_, cell)) if cell.unstable.is_empty() => cell.verdict.word().to_owned(),
            Some((_, cell)) => format!("{}\\*", cell.verdict.word()),
            None => "–".to_owned(),
        });
        say!(text, "| {} | {} |", name(&row.id, &row.title, row.is_cloakroom), cells.collect::<Vec<_>>().join(" | "));
    }
}

fn usability(text: &mut String, index: &Index, browser: &BrowserRun) {
    let measured = index.run.usability.iter().any(|cell| cell.browser == browser.id);
    if !measured {
        return;
    }
    say!(text, "\n## Everyday use in {}, {}\n", plain(&browser.label()), browser.third_party_cookies.words());
    let columns: Vec<String> = index.run.usabilities.iter().map(|column| plain(&column.title)).collect();
    say!(text, "| strategy | {} |\n|---|{}", columns.join(" | "), "---|".repeat(columns.len()));
    for row in index.rows().into_iter().flat_map(|(_, rows)| rows) {
        let cells = index.run.usabilities.iter().map(|column| {
            index
                .usability(&browser.id, &row.id, &column.id)
                .map_or_else(|| "–".to_owned(), |(_, cell)| plain(&cell.value))
        });
        say!(text, "| {} | {} |", name(&row.id, &row.title, row.is_cloakroom), cells.collect::<Vec<_>>().join(" | "));
    }
}

fn defences(text: &mut String, index: &Index) {
    if index.run.defences.is_empty() {
        return;
    }
    say!(text, "\n## Without this, that works again\n");
    say!(text, "Each defence of Cloakroom was removed by a proxy, and the attacks were made again.\n");
    if let Some(from) = &index.run.defences_from {
        say!(text, "This was another run: {}.\n", plain(from));
    }
    say!(text, "| defence | removed by | what works again | cells tried |\n|---|---|---|--:|");
    for defence in &index.run.defences {
        let again: Vec<String> = defence
            .works_again
            .iter()
            .map(|again| {
                let (browser, strategy) = (plain(&index.browser_label(&again.browser)), plain(&again.strategy));
                let (with, without) = (again.with.word(), again.without.word());
                format!(
                    "{browser}, {strategy}, {}: {with} → **{without}**. {}",
                    plain(&again.attack),
                    plain(&again.why)
                )
            })
            .collect();
        let again = defence.idle().map_or_else(|| again.join("<br>"), |idle| format!("*{idle}*"));
        say!(text, "| {} | {} | {again} | {} |", plain(&defence.title), plain(&defence.removed_by), defence.tried);
    }
}

fn doubtful(text: &mut String, index: &Index, title: &str, none: &str, is_meant: fn(&Cell) -> bool) {
    say!(text, "\n## {title}\n");
    let mut meant = index.run.cells.iter().filter(|cell| is_meant(cell)).peekable();
    if meant.peek().is_none() {
        say!(text, "{none}");
        return;
    }
    say!(text, "| browser | strategy | attack | verdict | reason |\n|---|---|---|---|---|");
    for cell in meant {
        let verdicts: Vec<&str> = [cell.verdict].iter().chain(&cell.unstable).map(|verdict| verdict.word()).collect();
        let reasons = reasons(cell).join(" ");
        let (browser, strategy) =
            (plain(&index.browser_label(&cell.browser)), plain(&index.strategy_label(&cell.strategy)));
        say!(
            text,
            "| {browser} | {strategy} | {} | {} | {} |",
            plain(&cell.attack),
            verdicts.join(", "),
            plain(&reasons)
        );
    }
}

/// What is known of a cell that is unstable or could not be judged, in sentences.
fn reasons(cell: &Cell) -> Vec<String> {
    let mut reasons = vec![cell.why.clone()];
    if !cell.unstable_because.is_empty() {
        reasons.push(cell.unstable_because.clone());
    }
    if !cell.honest.passed {
        reasons.push(format!("The honest control failed: {}", cell.honest.what));
    }
    if !cell.falls.passed {
        reasons.push(format!("The attack control failed: {}", cell.falls.what));
    }
    reasons
}

fn name(id: &str, title: &str, is_cloakroom: bool) -> String {
    let name = if id == title { plain(id) } else { format!("{} {}", plain(id), plain(title)) };
    if is_cloakroom { format!("**{name}**") } else { name }
}

/// Text that is only text: in one line, nothing of it is markup (`CommonMark` 0.31.2, 2.4), and no column ends in it.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => plain.push_str("&amp;"),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => plain.extend(['\\', char]),
            char if char.is_control() || matches!(char, '\u{2028}' | '\u{2029}') => plain.push(' '),
            char => plain.push(char),
        }
    }
    plain
}

/// Text as code. A grave accent would end it, so it becomes an apostrophe; a column ends even in code (GFM, 4.10).
fn code(text: &str) -> String {
    let cleaned: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    format!("`{}`", cleaned.replace('`', "'").replace('|', "\\|"))
}
