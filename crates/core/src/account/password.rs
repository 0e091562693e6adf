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
    /// It is one short piece over and over, such as `aaaaaaaaaaaaaaa` or `123412341234123`.
    Repetitive,
}

impl PasswordPolicy {
    /// Judges a new password. The strength estimate against lists of leaked passwords comes with recovery (issue 4).
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
    fn the_address_and_one_piece_over_and_over_are_refused() {
        assert_eq!(judge("ann.miller@example.com1"), Err(PasswordRefusal::ContainsEmail));
        assert_eq!(judge("aaaaaaaaaaaaaaaaa"), Err(PasswordRefusal::Repetitive));
        assert_eq!(judge("1234123412341234"), Err(PasswordRefusal::Repetitive));
    }
}
