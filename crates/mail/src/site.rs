//! The site that mails speak of, and which addresses are on it.

/// What a mail calls the site, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The host as people know it: `notes.example`. Cut to 64 characters in a mail.
    pub name: String,
    /// Scheme, host and port, from the public URL: `https://notes.example`. Every link of every mail begins with it.
    pub origin: String,
}

impl Site {
    /// No link in a mail is longer, in bytes.
    const LONGEST_LINK: usize = 2048;

    /// The origin without a slash at its end.
    pub(crate) fn origin(&self) -> &str {
        self.origin.trim_end_matches('/')
    }

    /// Whether an address is on this site, of a bearable length, and made of characters that stand in a URL as they
    /// are (RFC 3986 §2) and mean nothing in HTML, so it needs no escaping. No `&`: an escaped one makes filters suspicious.
    pub(crate) fn holds(&self, address: &str) -> bool {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$()*+,;=%".contains(&b);
        let local = address.strip_prefix(self.origin()).unwrap_or("no");
        address.len() <= Self::LONGEST_LINK
            && address.bytes().all(plain)
            && (local.is_empty() || local.starts_with(['/', '?', '#']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_site_are_held() {
        let site = Site { name: "n".into(), origin: "https://notes.example/".into() };
        for ours in ["https://notes.example", "https://notes.example/", "https://notes.example/auth/reset#t=a-b_c"] {
            assert!(site.holds(ours), "{ours}");
        }
        for other in [
            "",
            "/auth/reset",
            "http://notes.example/",
            "https://notes.example.evil.example/",
            "https://notes.example@evil.example/",
            "https://notes.example:8443/",
            "https://notes.example/a b",
            "https://notes.example/\"><script>",
            "https://notes.example/\r\nBcc: x@y.example",
            "https://notes.example/дом",
            "https://notes.example/?a=b&amp;c=d",
            &format!("https://notes.example/{}", "a".repeat(2048)),
        ] {
            assert!(!site.holds(other), "{other}");
        }
    }
}
