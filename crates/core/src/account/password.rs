//! What a password must be: long, and nothing else (NIST SP 800-63B-4 §3.1.1.2; no composition rules).

use crate::account::Email;
use crate::secret::Password;

/// What the configuration asks of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Fewest characters of a password that stands alone, 15 by default (decision K3 of the standards page).
    pub min_characters: usize,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_characters: 15 }
    }
}

/// Why a password was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordRefusal {
    /// It has fewer characters than the policy asks for.
    TooShort {
        /// How many it needs.
        min_characters: usize,
    },
    /// It is the address itself, or a part of it with a few characters around.
    ContainsEmail,
    /// It is made of a word that the operator has listed.
    ContainsWord,
    /// It is one short piece over and over, such as `aaaaaaaaaaaaaaa` or `123412341234123`.
    Repetitive,
}

impl PasswordPolicy {
    /// Judges a new password by its length and form; how easily it is guessed is for `cloakroom_password`.
    pub fn judge(&self, password: &Password, email: &Email) -> Result<(), PasswordRefusal> {
        if password.characters() < self.min_characters {
            return Err(PasswordRefusal::TooShort { min_characters: self.min_characters });
        }
        let folded = password.reveal().to_lowercase();
        let address = email.canonical();
        let local = address.rsplit_once('@').map_or(address.as_str(), |(local, _)| local);
        let rest = folded.replace(&address, "").replace(local, "");
        if local.len() >= 3 && rest.chars().count() < folded.chars().count().min(self.min_characters / 2) {
            return Err(PasswordRefusal::ContainsEmail);
        }
        let letters: Vec<char> = folded.chars().collect();
        let repeats = |piece: usize| letters.iter().zip(letters.iter().skip(piece)).all(|(a, b)| a == b);
        if (1..=4).any(|piece| letters.len() > piece && repeats(piece)) {
            return Err(PasswordRefusal::Repetitive);
        }
        Ok(())
    }

    /// Judges a new password by words that it must not be made of (v5.0.0-6.2.11): such a word, in any case, with few characters
    /// around it.
    pub fn judge_words(&self, password: &Password, words: &[String]) -> Result<(), PasswordRefusal> {
        let folded = password.reveal().to_lowercase();
        let length = folded.chars().count();
        let made_of = |word: &String| {
            let word = word.to_lowercase();
            let rest = if word.is_empty() { length } else { folded.replace(&word, "").chars().count() };
            rest < length && rest < self.min_characters / 2
        };
        if words.iter().any(made_of) { Err(PasswordRefusal::ContainsWord) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(password: &str) -> Result<(), PasswordRefusal> {
        let email = Email::parse("ann.miller@example.com").unwrap();
        PasswordPolicy::default().judge(&Password::new(password.into()).unwrap(), &email)
    }

    #[test]
    fn ni_08_length_counts_and_composition_does_not() {
        assert_eq!(judge("correct horse battery"), Ok(()));
        assert_eq!(judge("пароль из пяти слов"), Ok(()));
        assert_eq!(judge("Tr0ub4dor&3"), Err(PasswordRefusal::TooShort { min_characters: 15 }));
        assert_eq!(judge(&"\u{1F511}".repeat(14)), Err(PasswordRefusal::TooShort { min_characters: 15 }));
    }

    #[test]
    fn asvs_6_2_11_words_that_the_operator_lists_are_refused() {
        let judge = |text: &str| {
            let words = ["Acme Rockets".to_owned(), String::new()];
            PasswordPolicy::default().judge_words(&Password::new(text.into()).unwrap(), &words)
        };
        assert_eq!(judge("acme rockets 2026!"), Err(PasswordRefusal::ContainsWord));
        assert_eq!(judge("acme rockets fly over quiet meadows"), Ok(()));
        assert_eq!(judge("amber kettle river thimble"), Ok(()));
    }

    #[test]
    fn the_address_and_one_piece_over_and_over_are_refused() {
        assert_eq!(judge("ann.miller@example.com1"), Err(PasswordRefusal::ContainsEmail));
        assert_eq!(judge("aaaaaaaaaaaaaaaaa"), Err(PasswordRefusal::Repetitive));
        assert_eq!(judge("1234123412341234"), Err(PasswordRefusal::Repetitive));
    }
}
