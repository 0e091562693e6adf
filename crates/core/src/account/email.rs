//! An address: enough checking to catch a slip of the finger, not to know whether mail arrives (a mail does that).

use std::fmt;

/// An email address as it was typed, without surrounding white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// The text is not an address that mail could be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an email address looks like name@example.com and has at most 254 characters")]
pub struct NotAnEmail;

impl Email {
    /// Reads an address: one `@` with a local part of 1 to 64 bytes before it and a host name after it,
    /// at most 254 bytes in all (RFC 5321 §4.5.3.1), no white space, no control character, no quoting.
    pub fn parse(text: &str) -> Result<Self, NotAnEmail> {
        let text = text.trim();
        let (local, domain) = text.rsplit_once('@').ok_or(NotAnEmail)?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>[\\]@".contains(c);
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.chars().all(|c| c == '-' || c.is_alphanumeric())
        };
        let fits = text.len() <= 254 && (1..=64).contains(&local.len()) && !local.contains(odd);
        if fits && domain.split('.').all(label) { Ok(Self(text.to_owned())) } else { Err(NotAnEmail) }
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `a…n@example.com`: enough for its owner to know it.
    pub fn partly(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or((&self.0, ""));
        let mut letters = local.chars();
        let first = letters.next().map(String::from).unwrap_or_default();
        let last = letters.next_back().map(String::from).unwrap_or_default();
        format!("{first}\u{2026}{last}@{domain}")
    }

    /// The form that is unique among accounts: all of it in lower case, since no mail provider in use tells
    /// `Ann@` from `ann@`, and people do not remember which they typed.
    pub fn canonical(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_people_have_are_taken() {
        for ok in
            ["ann@example.com", " ann.b+tag@sub.example.co ", "o'neil@example.com", "дом@пример.рф", "root@localhost"]
        {
            assert_eq!(Email::parse(ok).unwrap().as_str(), ok.trim());
        }
        assert_eq!(Email::parse("Ann@Example.com").unwrap().canonical(), "ann@example.com");
        assert_eq!(Email::parse("ann.b@example.com").unwrap().partly(), "a\u{2026}b@example.com");
        assert_eq!(Email::parse("a@example.com").unwrap().partly(), "a\u{2026}@example.com");
    }

    #[test]
    fn what_could_never_receive_mail_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for bad in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "a b@example.com",
            "ann@exa mple.com",
            "ann@-x.com",
            "ann@x..com",
            "a\r\nBcc: x@y.z@example.com",
            "<ann@example.com>",
            "ann@example.com.",
            &long,
        ] {
            assert_eq!(Email::parse(bad), Err(NotAnEmail), "{bad}");
        }
    }
}
