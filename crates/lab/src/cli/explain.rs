//! `cloakroom-lab explain`.

use anyhow::{Result, bail};
use clap::Args;
use std::fmt::Write as _;

use super::{Ending, answer};
use crate::catalogue::Catalogue;

/// What to explain.
#[derive(Args)]
pub(crate) struct Explain {
    /// An attack (A1 … L5), a strategy (S1 … S18, cloakroom-cookie, …) or an exhibit (E1 … E22); without it, everything there is is listed
    id: Option<String>,
}

impl Explain {
    pub(crate) fn run(self) -> Result<Ending> {
        let catalogue = Catalogue::read()?;
        let Some(id) = self.id else {
            answer(&list(&catalogue));
            return Ok(Ending::Good);
        };
        let Some(text) = find(&catalogue, &id) else {
            bail!("there is nothing called {id:?}; `cloakroom-lab explain` lists everything there is");
        };
        answer(&text);
        Ok(Ending::Good)
    }
}

fn list(catalogue: &Catalogue) -> String {
    let mut text = String::from("Attacks\n");
    for attack in &catalogue.attacks {
        let _ = writeln!(text, "  {:<5} {}", attack.id, attack.title);
    }
    text.push_str("\nStrategies\n");
    for strategy in &catalogue.strategies {
        let _ = writeln!(text, "  {:<22} {}", strategy.id, strategy.title);
    }
    text.push_str("\nExhibits\n");
    for exhibit in &catalogue.exhibits {
        let _ = writeln!(text, "  {:<5} {}", exhibit.id, exhibit.claim);
    }
    text
}

fn find(catalogue: &Catalogue, id: &str) -> Option<String> {
    if let Some(attack) = catalogue.attack(id) {
        return Some(format!(
            "{}  {}\n\n{}\n\nHow it works\n\n{}\n\nWhat stops it\n\n{}\n\nSources\n\n{}",
            attack.id,
            attack.title,
            attack.story.trim(),
            attack.mechanism.trim(),
            attack.stopped_by.trim(),
            sources(&attack.sources)
        ));
    }
    if let Some(strategy) = catalogue.strategy(id) {
        return Some(format!(
            "{}  {}\n\n{}\n\nWhat is said for it\n\n{}\n\nSources\n\n{}",
            strategy.id,
            strategy.title,
            strategy.summary.trim(),
            strategy.advice.trim(),
            sources(&strategy.sources)
        ));
    }
    let exhibit = catalogue.exhibits.iter().find(|exhibit| exhibit.id.eq_ignore_ascii_case(id))?;
    Some(format!(
        "{}  {}\n\nEvidence: {}\nThe whole of it: {}\n",
        exhibit.id,
        exhibit.claim.trim(),
        exhibit.cells.join(", "),
        exhibit.page
    ))
}

fn sources(sources: &[String]) -> String {
    sources.iter().map(|source| ["- ", source, "\n"].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attack_can_be_explained_with_its_sources() {
        let catalogue = Catalogue::read().unwrap();
        for attack in &catalogue.attacks {
            let text = find(&catalogue, &attack.id.to_lowercase()).unwrap();
            assert!(text.contains("How it works") && text.contains("- "), "{}", attack.id);
        }
        assert!(find(&catalogue, "Z9").is_none());
    }
}
