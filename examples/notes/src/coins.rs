//! Everybody's coins, in two purses each, in memory. Moving them is what the gateway asks a proof for; this file knows nothing
//! of that, which is the point: an API behind Cloakroom is asked only for calls that were approved.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::book::MAX_USERS;
use crate::problem::Problem;

/// What everybody starts with.
const GIFT: u32 = 100;

/// One of the two purses of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Purse {
    /// For every day.
    Pocket,
    /// For later.
    Savings,
}

/// What is in the purses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Coins {
    pub(crate) pocket: u32,
    pub(crate) savings: u32,
}

impl Coins {
    const FRESH: Self = Self { pocket: GIFT, savings: 0 };
}

/// Coins of everybody who ever moved some.
#[derive(Default)]
pub(crate) struct Till(Mutex<HashMap<String, Coins>>);

impl Till {
    /// What a person has.
    pub(crate) fn of(&self, sub: &str) -> Coins {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(sub).copied().unwrap_or(Coins::FRESH)
    }

    /// Moves coins into one purse, out of the other.
    pub(crate) fn move_to(&self, sub: &str, to: Purse, amount: u32) -> Result<Coins, Problem> {
        if amount == 0 {
            return Err(Problem::BadTransfer);
        }
        let mut till = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = till.get(sub).copied().unwrap_or(Coins::FRESH);
        let (from, into) = match to {
            Purse::Pocket => (before.savings, before.pocket),
            Purse::Savings => (before.pocket, before.savings),
        };
        let left = from.checked_sub(amount).ok_or(Problem::TooFewCoins)?;
        // What is in both never grows: no overflow.
        let into = into.saturating_add(amount);
        let after = match to {
            Purse::Pocket => Coins { pocket: into, savings: left },
            Purse::Savings => Coins { pocket: left, savings: into },
        };
        if !till.contains_key(sub) && till.len() >= MAX_USERS {
            till.retain(|_, coins| *coins != Coins::FRESH);
            if till.len() >= MAX_USERS {
                return Err(Problem::Full);
            }
        }
        till.insert(sub.to_owned(), after);
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_move_between_the_purses_of_one_person_and_never_become_more() {
        let till = Till::default();
        assert_eq!(till.of("a"), Coins { pocket: 100, savings: 0 });
        assert_eq!(till.move_to("a", Purse::Savings, 5), Ok(Coins { pocket: 95, savings: 5 }));
        assert_eq!(till.move_to("a", Purse::Pocket, 6), Err(Problem::TooFewCoins));
        assert_eq!(till.move_to("a", Purse::Savings, 0), Err(Problem::BadTransfer));
        assert_eq!(till.move_to("a", Purse::Savings, u32::MAX), Err(Problem::TooFewCoins));
        assert_eq!((till.of("a"), till.of("b")), (Coins { pocket: 95, savings: 5 }, Coins::FRESH));
        assert_eq!(till.move_to("a", Purse::Pocket, 5), Ok(Coins::FRESH));
    }

    #[test]
    fn a_full_till_forgets_who_has_what_everybody_has() {
        let till = Till::default();
        for i in 0..MAX_USERS {
            till.move_to(&i.to_string(), Purse::Savings, 1).unwrap();
        }
        assert_eq!(till.move_to("late", Purse::Savings, 1), Err(Problem::Full));
        till.move_to("0", Purse::Pocket, 1).unwrap();
        assert!(till.move_to("late", Purse::Savings, 1).is_ok());
    }
}
