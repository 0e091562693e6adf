//! A run by its names: which cell is where, and what a browser state is called. Nothing is rendered here.

use std::collections::HashMap;

use crate::run::{Attack, BrowserRun, Cell, Run, Strategy, UsabilityCell};

/// Finds parts of a run without searching.
pub(crate) struct Index<'a> {
    pub(crate) run: &'a Run,
    cells: HashMap<(&'a str, &'a str, &'a str), (usize, &'a Cell)>,
    usability: HashMap<(&'a str, &'a str, &'a str), (usize, &'a UsabilityCell)>,
    browsers: HashMap<&'a str, &'a BrowserRun>,
    strategies: HashMap<&'a str, &'a Strategy>,
    attacks: HashMap<&'a str, &'a Attack>,
}

impl<'a> Index<'a> {
    pub(crate) fn of(run: &'a Run) -> Self {
        let cells = run.cells.iter().enumerate();
        let usability = run.usability.iter().enumerate();
        Self {
            run,
            cells: cells.map(|(at, cell)| ((&*cell.browser, &*cell.strategy, &*cell.attack), (at, cell))).collect(),
            usability: usability
                .map(|(at, cell)| ((&*cell.browser, &*cell.strategy, &*cell.usability), (at, cell)))
                .collect(),
            browsers: run.browsers.iter().map(|browser| (&*browser.id, browser)).collect(),
            strategies: run.strategies.iter().map(|strategy| (&*strategy.id, strategy)).collect(),
            attacks: run.attacks.iter().map(|attack| (&*attack.id, attack)).collect(),
        }
    }

    /// The cell, and its number in [`Run::cells`].
    pub(crate) fn cell(&self, browser: &str, strategy: &str, attack: &str) -> Option<(usize, &'a Cell)> {
        self.cells.get(&(browser, strategy, attack)).copied()
    }

    /// The measure, and its number in [`Run::usability`].
    pub(crate) fn usability(
        &self,
        browser: &str,
        strategy: &str,
        usability: &str,
    ) -> Option<(usize, &'a UsabilityCell)> {
        self.usability.get(&(browser, strategy, usability)).copied()
    }

    pub(crate) fn browser(&self, id: &str) -> Option<&'a BrowserRun> {
        self.browsers.get(id).copied()
    }

    pub(crate) fn strategy(&self, id: &str) -> Option<&'a Strategy> {
        self.strategies.get(id).copied()
    }

    pub(crate) fn attack(&self, id: &str) -> Option<&'a Attack> {
        self.attacks.get(id).copied()
    }

    /// What people call a browser state, such as `Firefox 153.0`, with the cookie state where the run has both.
    pub(crate) fn browser_label(&self, id: &str) -> String {
        let Some(browser) = self.browser(id) else { return id.to_owned() };
        let alone = self.run.browsers.iter().filter(|other| other.name == browser.name).count() < 2;
        if alone { browser.label() } else { format!("{}, {}", browser.label(), browser.third_party_cookies.words()) }
    }

    /// Such as `S1 localStorage`.
    pub(crate) fn strategy_label(&self, id: &str) -> String {
        self.strategy(id).map_or_else(|| id.to_owned(), |strategy| format!("{id} {}", strategy.title))
    }

    /// Such as `A1 A script reads every storage`.
    pub(crate) fn attack_label(&self, id: &str) -> String {
        self.attack(id).map_or_else(|| id.to_owned(), |attack| format!("{id} {}", attack.title))
    }

    /// Cloakroom's strategies, then the victims, each in the order of the run.
    pub(crate) fn rows(&self) -> [(bool, Vec<&'a Strategy>); 2] {
        [true, false].map(|ours| (ours, self.run.strategies.iter().filter(|row| row.is_cloakroom == ours).collect()))
    }

    /// The attacks by group: groups in the order in which the run first names them.
    pub(crate) fn groups(&self) -> Vec<(&'a str, Vec<&'a Attack>)> {
        let mut groups: Vec<(&str, Vec<&Attack>)> = Vec::new();
        for attack in &self.run.attacks {
            match groups.iter_mut().find(|(group, _)| *group == attack.group) {
                Some((_, attacks)) => attacks.push(attack),
                None => groups.push((&attack.group, vec![attack])),
            }
        }
        groups
    }
}
