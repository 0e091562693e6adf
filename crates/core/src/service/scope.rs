//! Scopes (RFC 6749 §3.3): a set of words, each once, in the order in which they were written.

use std::fmt;
use std::str::FromStr;

/// What a token is good for; possibly for nothing in particular.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scope(Vec<String>);

/// The text is no list of scope tokens with one space between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not words of visible ASCII, without \" and \\, with one space between, at most 1024 bytes")]
pub struct NotAScope;

impl Scope {
    /// The longest text, in bytes.
    pub const MAX: usize = 1024;

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every word of it is in another one.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|word| other.0.contains(word))
    }

    /// What is in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|word| other.0.contains(word)).cloned().collect())
    }
}

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let is_plain = |byte: u8| (b'!'..=b'~').contains(&byte) && !matches!(byte, b'"' | b'\\');
        let mut words: Vec<String> = Vec::new();
        for word in text.split(' ') {
            if word.is_empty() || !word.bytes().all(is_plain) || text.len() > Self::MAX {
                return Err(NotAScope);
            }
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        Ok(Self(words))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_3_3_a_scope_is_read_as_a_set_of_words() {
        let scope: Scope = "b a b".parse().unwrap();
        assert_eq!(scope.to_string(), "b a");
        assert!(scope.is_within(&"a b c".parse().unwrap()) && !scope.is_within(&"a c".parse().unwrap()));
        assert!("".parse::<Scope>().unwrap().is_empty());
        for bad in [" ", "a ", " a", "a  b", "a\tb", "a\"b", "a\\b", "ä", &"a".repeat(Scope::MAX + 1)] {
            assert_eq!(bad.parse::<Scope>(), Err(NotAScope), "{bad}");
        }
    }
}
