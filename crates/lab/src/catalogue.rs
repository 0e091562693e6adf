//! The texts of the lab, as they are written in `catalogue/*.toml`. Nothing in them is a result.

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// What is told of an attack.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AttackText {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) group: String,
    pub(crate) story: String,
    pub(crate) mechanism: String,
    pub(crate) stopped_by: String,
    pub(crate) sources: Vec<String>,
}

/// What is told of a strategy.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct StrategyText {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    #[serde(default)]
    pub(crate) advice: String,
    pub(crate) sources: Vec<String>,
}

/// What is told of a usability column.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct UsabilityText {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) how: String,
}

/// What is told of a defence, and which attacks it is there for.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct DefenceText {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) removed_by: String,
    pub(crate) guards: Vec<String>,
    /// Other defences against the same attacks.
    #[serde(default)]
    pub(crate) shares_with: Vec<String>,
}

/// A point where common advice is wrong or too simple.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ExhibitText {
    pub(crate) id: String,
    pub(crate) claim: String,
    /// Where it is told at length, from the repository's root.
    pub(crate) page: String,
    #[serde(default)]
    pub(crate) cells: Vec<String>,
}

/// Everything.
#[derive(Debug, Clone)]
pub(crate) struct Catalogue {
    pub(crate) attacks: Vec<AttackText>,
    pub(crate) strategies: Vec<StrategyText>,
    pub(crate) usabilities: Vec<UsabilityText>,
    pub(crate) defences: Vec<DefenceText>,
    pub(crate) exhibits: Vec<ExhibitText>,
}

#[derive(Deserialize)]
struct Attacks {
    attack: Vec<AttackText>,
}
#[derive(Deserialize)]
struct Strategies {
    strategy: Vec<StrategyText>,
}
#[derive(Deserialize)]
struct Usabilities {
    usability: Vec<UsabilityText>,
}
#[derive(Deserialize)]
struct Defences {
    defence: Vec<DefenceText>,
}
#[derive(Deserialize)]
struct Exhibits {
    exhibit: Vec<ExhibitText>,
}

impl Catalogue {
    /// Reads what was built in. An error would be one of the build.
    pub(crate) fn read() -> Result<Self> {
        let attacks: Attacks = toml::from_str(include_str!("../catalogue/attacks.toml")).context("attacks.toml")?;
        let strategies: Strategies =
            toml::from_str(include_str!("../catalogue/strategies.toml")).context("strategies.toml")?;
        let usabilities: Usabilities =
            toml::from_str(include_str!("../catalogue/usabilities.toml")).context("usabilities.toml")?;
        let defences: Defences = toml::from_str(include_str!("../catalogue/defences.toml")).context("defences.toml")?;
        let exhibits: Exhibits = toml::from_str(include_str!("../catalogue/exhibits.toml")).context("exhibits.toml")?;
        Ok(Self {
            attacks: attacks.attack,
            strategies: strategies.strategy,
            usabilities: usabilities.usability,
            defences: defences.defence,
            exhibits: exhibits.exhibit,
        })
    }

    /// What is told of an attack.
    pub(crate) fn attack(&self, id: &str) -> Option<&AttackText> {
        self.attacks.iter().find(|text| text.id.eq_ignore_ascii_case(id))
    }

    /// What is told of a strategy.
    pub(crate) fn strategy(&self, id: &str) -> Option<&StrategyText> {
        self.strategies.iter().find(|text| text.id.eq_ignore_ascii_case(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::ATTACKS;
    use crate::meddle::Meddle;
    use std::path::Path;

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

    #[test]
    fn every_attack_that_is_run_has_its_story_and_every_story_an_attack_that_is_run() {
        let catalogue = Catalogue::read().unwrap();
        let told: Vec<_> = catalogue.attacks.iter().map(|text| text.id.as_str()).collect();
        let run: Vec<_> = ATTACKS.iter().map(|attack| attack.id).collect();
        assert_eq!(told, run);
    }

    #[test]
    fn defences_and_exhibits_name_attacks_and_strategies_that_there_are() {
        let catalogue = Catalogue::read().unwrap();
        for defence in &catalogue.defences {
            for guard in &defence.guards {
                assert!(catalogue.attack(guard).is_some(), "{}: {guard}", defence.id);
            }
        }
        for exhibit in &catalogue.exhibits {
            let page = std::fs::read_to_string(Path::new(ROOT).join(&exhibit.page)).unwrap();
            assert!(page.contains(&format!("<!-- lab:cells {} -->", exhibit.cells.join(" "))), "{}", exhibit.page);
            let asked = page.split("<!-- lab:defences ").nth(1).and_then(|rest| rest.split(" -->").next());
            for defence in asked.unwrap_or_default().split_whitespace() {
                assert!(Meddle::of(defence).is_some(), "{}: no proxy takes {defence} away", exhibit.page);
            }
            for cell in &exhibit.cells {
                let (strategy, attack) = cell.split_once(':').unwrap();
                assert!(
                    catalogue.strategy(strategy).is_some() && catalogue.attack(attack).is_some(),
                    "{}: {cell}",
                    exhibit.id
                );
            }
        }
    }
}
