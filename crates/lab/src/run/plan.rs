//! What was asked for, made into cells. Nothing is run here.

use anyhow::{Result, bail};
use cloakroom_browser::{Engine, ThirdParty};
use cloakroom_lab_victims::{Bank, Kind};

use crate::attack::{ATTACKS, Attack, find};
use crate::world::{STRATEGIES, row_of};

/// One browser with third-party cookies in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) engine: Engine,
    pub(crate) third_party: ThirdParty,
    /// Whether the run has both states, so that each needs its word.
    pub(crate) is_one_of_two: bool,
}

impl State {
    /// Whether it is the second of two states of one browser, which runs only what may end differently.
    pub(crate) fn is_second(self) -> bool {
        self.is_one_of_two && self.third_party == ThirdParty::Block
    }

    /// The key that cells name.
    pub(crate) fn id(self) -> String {
        let name = self.engine.name();
        match (self.is_one_of_two, self.third_party) {
            (false, _) => name.to_owned(),
            (true, ThirdParty::Allow) => format!("{name}-3pc-allowed"),
            (true, ThirdParty::Block) => format!("{name}-3pc-blocked"),
        }
    }
}

/// What is to be run.
pub(crate) struct Plan {
    pub(crate) states: Vec<State>,
    /// Ids of strategies, in the order of the rows.
    pub(crate) rows: Vec<String>,
    pub(crate) attacks: Vec<&'static Attack>,
    pub(crate) seed: u64,
    pub(crate) jobs: usize,
    pub(crate) repeat: usize,
    pub(crate) headed: bool,
    /// Whether a cookie without `SameSite` is Lax; as the browser has it if none.
    pub(crate) lax_by_default: Option<bool>,
    /// Whether Cloakroom is also tried without its defences, one at a time.
    pub(crate) without: bool,
    /// Whether the usability columns are measured.
    pub(crate) usability: bool,
}

/// The attack that wants cookies of more than two minutes.
pub(super) const OLD: &str = "C4";

/// The row whose cookies are worth growing old: they say nothing of `SameSite`.
pub(super) const SAYS_NOTHING: &str = "S10d";

/// Every row there is: naive victims, then Cloakroom's own.
pub(crate) fn all_rows() -> Vec<String> {
    let naive = Bank::strategies().iter().filter(|info| info.kind == Kind::Naive).map(|info| info.id.to_owned());
    naive.chain(STRATEGIES.iter().map(|strategy| row_of(strategy))).collect()
}

impl Plan {
    /// The rows that were asked for; all of them if none was named. An error names what there is.
    pub(crate) fn rows(asked: &[String]) -> Result<Vec<String>> {
        let all = all_rows();
        if asked.is_empty() {
            return Ok(all);
        }
        let mut rows = Vec::new();
        for word in asked {
            let found: Vec<_> = all
                .iter()
                .filter(|row| {
                    row.eq_ignore_ascii_case(word)
                        || (word.eq_ignore_ascii_case("cloakroom") && row.starts_with("cloakroom-"))
                        || (word.eq_ignore_ascii_case("naive") && !row.starts_with("cloakroom-"))
                })
                .cloned()
                .collect();
            // The victims that must fall can be asked for by name, to look at them.
            let control =
                Bank::strategies().iter().find(|info| info.kind == Kind::Control && info.id.eq_ignore_ascii_case(word));
            if let Some(control) = control {
                rows.push(control.id.to_owned());
                continue;
            }
            if found.is_empty() {
                bail!(
                    "there is no strategy {word:?}; there are: {}, and the groups \"naive\" and \"cloakroom\"",
                    all.join(", ")
                );
            }
            rows.extend(found.into_iter().filter(|row| !rows.contains(row)).collect::<Vec<_>>());
        }
        Ok(rows)
    }

    /// The attacks that were asked for; all of them if none was named. An error names what there is.
    pub(crate) fn attacks(asked: &[String]) -> Result<Vec<&'static Attack>> {
        if asked.is_empty() {
            return Ok(ATTACKS.iter().collect());
        }
        let one = |word: &String| {
            find(word).ok_or_else(|| {
                let all: Vec<_> = ATTACKS.iter().map(|attack| attack.id).collect();
                anyhow::anyhow!("there is no attack {word:?}; there are: {}", all.join(", "))
            })
        };
        asked.iter().map(one).collect()
    }

    /// The cells of one state, in an order that the seed decides. Where a run has both states of third-party cookies, the
    /// second has only what may end differently. Cells of a row come in groups that end with an attack which spoils the
    /// browser's context, so that the others of a group can share one.
    pub(crate) fn cells(&self, state: State) -> Vec<(String, &'static Attack)> {
        let is_second = state.is_second();
        let mut groups = Vec::new();
        for (row, number) in self.rows.iter().zip(0_u64..) {
            let attacks = self.attacks.iter().copied().filter(|attack| !is_second || attack.third_party);
            let (mut spoiling, mut gentle): (Vec<_>, Vec<_>) = attacks.partition(|attack| attack.spoils);
            let seed = self.seed ^ (number << 8) ^ u64::from(is_second);
            shuffle(&mut spoiling, seed);
            shuffle(&mut gentle, seed);
            let share = gentle.len().div_ceil(spoiling.len().max(1)).max(1);
            let count = spoiling.len().max(usize::from(!gentle.is_empty()));
            let (mut gentle, mut spoiling) = (gentle.into_iter(), spoiling.into_iter());
            groups.extend((0..count).map(|_| {
                let group = gentle.by_ref().take(share).chain(spoiling.next());
                group.map(|attack| (row.clone(), attack)).collect::<Vec<_>>()
            }));
        }
        shuffle(&mut groups, self.seed ^ u64::from(is_second));
        // By then cookies have grown old by themselves.
        groups.sort_by_key(|group: &Vec<(String, &Attack)>| group.iter().any(|(_, attack)| attack.id == OLD));
        groups.concat()
    }
}

/// Fisher and Yates, by a generator that anybody can repeat (xorshift64*).
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for last in (1..items.len()).rev() {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let random = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        let other = usize::try_from(random).unwrap_or_default() % (last + 1);
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_order_and_loses_nothing() {
        let (mut one, mut two, mut other): (Vec<_>, Vec<_>, Vec<_>) =
            ((0..100).collect(), (0..100).collect(), (0..100).collect());
        shuffle(&mut one, 7);
        shuffle(&mut two, 7);
        shuffle(&mut other, 8);
        assert_eq!(one, two);
        assert_ne!(one, other);
        one.sort_unstable();
        assert_eq!(one, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn every_cell_comes_once_and_a_context_that_was_spoilt_is_not_used_again() {
        let state = State { engine: Engine::Firefox, third_party: ThirdParty::Allow, is_one_of_two: false };
        let plan = Plan {
            states: vec![state],
            rows: all_rows(),
            attacks: ATTACKS.iter().collect(),
            seed: 3,
            jobs: 1,
            repeat: 1,
            headed: false,
            lax_by_default: None,
            without: false,
            usability: false,
        };
        let cells = plan.cells(state);
        let names: std::collections::HashSet<_> = cells.iter().map(|(row, attack)| (row.as_str(), attack.id)).collect();
        assert_eq!((names.len(), cells.len()), (ATTACKS.len() * plan.rows.len(), ATTACKS.len() * plan.rows.len()));
        // Neighbours of one row share a context until one spoils it: most of them do.
        let shared = cells.windows(2).filter(|pair| pair[0].0 == pair[1].0 && !pair[0].1.spoils).count();
        assert!(shared * 3 > cells.len() * 2, "{shared} of {}", cells.len());
    }

    #[test]
    fn a_name_that_nobody_has_is_told_with_those_there_are() {
        assert!(Plan::rows(&["S99".to_owned()]).unwrap_err().to_string().contains("S10d"));
        assert!(Plan::attacks(&["Z1".to_owned()]).err().unwrap().to_string().contains("A2b"));
        assert_eq!(Plan::rows(&["cloakroom".to_owned()]).unwrap().len(), STRATEGIES.len());
    }
}
