//! Two runs against each other: which cells changed, what came and what went. Whether a change is bad enough to fail is left
//! to `baseline.rs`.

use std::fmt::Write as _;

use crate::index::Index;
use crate::run::{BrowserRun, Run};
use crate::verdict::Verdict;

/// What differs between two runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// When the earlier run began, and the later one: RFC 3339 in UTC.
    pub began: (String, String),
    /// One for each browser state that both runs have, in the order of the later one.
    pub browsers: Vec<BrowserChanges>,
    /// What only one of them has.
    pub comings: Vec<Coming>,
}

/// The cells of one browser state that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserChanges {
    /// [`BrowserRun::id`].
    pub browser: String,
    /// Names with versions, such as `Firefox 153.0` and `Firefox 154.0`.
    pub labels: (String, String),
    /// How many cells both runs judged.
    pub compared: usize,
    /// In the order of the later run.
    pub cells: Vec<CellChange>,
}

/// One cell that changed. A cell that one of the runs did not ask for, or could not run, has not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellChange {
    pub strategy: String,
    pub attack: String,
    pub before: Verdict,
    pub after: Verdict,
    /// What the earlier run saw.
    pub why_before: String,
    /// What the later run saw.
    pub why_after: String,
}

/// Something that only one of the runs has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coming {
    /// `browser`, `strategy` or `attack`.
    pub kind: &'static str,
    pub id: String,
    pub title: String,
    /// Whether only the later run has it.
    pub came: bool,
}

/// What changed from `before` to `after`.
pub fn compare(before: &Run, after: &Run) -> Changes {
    let (old, new) = (Index::of(before), Index::of(after));
    let browsers = after.browsers.iter().filter_map(|browser| {
        let earlier = old.browser(&browser.id)?;
        (ran(earlier) && ran(browser)).then(|| in_browser(&old, &new, browser))
    });
    Changes {
        began: (before.began_at.clone(), after.began_at.clone()),
        browsers: browsers.collect(),
        comings: comings(before, after),
    }
}

fn ran(browser: &BrowserRun) -> bool {
    browser.not_run.is_none()
}

fn in_browser(old: &Index, new: &Index, browser: &BrowserRun) -> BrowserChanges {
    let of_browser = new.run.cells.iter().filter(|cell| cell.browser == browser.id);
    let pairs: Vec<_> = of_browser
        .filter_map(|cell| Some((old.cell(&cell.browser, &cell.strategy, &cell.attack)?.1, cell)))
        .filter(|(before, after)| before.verdict != Verdict::NotRun && after.verdict != Verdict::NotRun)
        .collect();
    let changed = pairs.iter().filter(|(before, after)| before.verdict != after.verdict);
    BrowserChanges {
        browser: browser.id.clone(),
        labels: (old.browser_label(&browser.id), new.browser_label(&browser.id)),
        compared: pairs.len(),
        cells: changed
            .map(|(before, after)| CellChange {
                strategy: after.strategy.clone(),
                attack: after.attack.clone(),
                before: before.verdict,
                after: after.verdict,
                why_before: before.why.clone(),
                why_after: after.why.clone(),
            })
            .collect(),
    }
}

fn comings(before: &Run, after: &Run) -> Vec<Coming> {
    let named = |run: &Run| -> Vec<(&'static str, String, String)> {
        let browsers = run.browsers.iter().filter(|browser| ran(browser));
        let browsers = browsers.map(|browser| ("browser", browser.id.clone(), browser.label()));
        let strategies = run.strategies.iter().map(|row| ("strategy", row.id.clone(), row.title.clone()));
        let attacks = run.attacks.iter().map(|column| ("attack", column.id.clone(), column.title.clone()));
        browsers.chain(strategies).chain(attacks).collect()
    };
    let (old, new) = (named(before), named(after));
    let only = |these: &[(&'static str, String, String)], those: &[(&'static str, String, String)], came: bool| {
        let missing =
            these.iter().filter(|(kind, id, _)| !those.iter().any(|other| other.0 == *kind && other.1 == *id));
        missing.map(|(kind, id, title)| Coming { kind, id: id.clone(), title: title.clone(), came }).collect::<Vec<_>>()
    };
    let mut all = only(&new, &old, true);
    all.extend(only(&old, &new, false));
    all
}

impl CellChange {
    /// Whether it is bad news for somebody who relies on the strategy.
    pub fn is_worse(&self) -> bool {
        self.after.worse_than(self.before)
    }

    /// `worse`, `better`, or nothing where neither is so.
    pub fn direction(&self) -> &'static str {
        match (self.is_worse(), self.before.worse_than(self.after)) {
            (true, _) => "worse",
            (_, true) => "better",
            _ => "",
        }
    }
}

impl BrowserChanges {
    /// Such as `Firefox 153.0 → Firefox 154.0: 2 of 832 cells changed`.
    pub fn headline(&self) -> String {
        let (before, after) = &self.labels;
        let versions = if before == after { after.clone() } else { format!("{before} → {after}") };
        match self.cells.len() {
            0 => format!("{versions}: none of {} cells changed", self.compared),
            changed => format!("{versions}: {changed} of {} cells changed", self.compared),
        }
    }
}

impl Coming {
    /// Such as `new attack: C4 Lax+POST`.
    pub fn headline(&self) -> String {
        let when = if self.came { "new" } else { "no longer there" };
        format!("{when}: {} {} {}", self.kind, self.id, self.title)
    }
}

impl Changes {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.comings.is_empty() && self.browsers.iter().all(|browser| browser.cells.is_empty())
    }

    /// The changes as lines for a terminal, with a line end after each.
    pub fn text(&self) -> String {
        let mut text = format!("From the run of {} to the run of {}\n", self.began.0, self.began.1);
        for browser in &self.browsers {
            // Writing into a String cannot fail.
            let _ = writeln!(text, "\n{}", browser.headline());
            for cell in &browser.cells {
                let (before, after) = (cell.before.word(), cell.after.word());
                let _ = writeln!(
                    text,
                    "  {:<6}  {:<22} {:<5} {before:>7} → {after:<7}  {}",
                    cell.direction(),
                    cell.strategy,
                    cell.attack,
                    one_line(&cell.why_after)
                );
            }
        }
        if !self.comings.is_empty() {
            text.push('\n');
        }
        for coming in &self.comings {
            let _ = writeln!(text, "{}", one_line(&coming.headline()));
        }
        text
    }
}

/// Evidence may hold anything, and a terminal obeys control characters.
fn one_line(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
