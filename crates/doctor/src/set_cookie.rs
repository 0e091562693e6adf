//! One `Set-Cookie` line, read as browsers read it (RFC 6265bis §5.6). Its value is never kept apart from the name that
//! goes back to the server with it, and never shown.

/// A cookie that an answer sets. No `Debug`: its value is a secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    value: String,
    /// Names in lower case, in order, each with its value if it has one.
    attributes: Vec<(String, Option<String>)>,
    /// As they stood, for reports.
    tail: String,
}

impl SetCookie {
    /// Reads a line; none where there is no name.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (pair, tail) = line.split_once(';').unwrap_or((line, ""));
        let (name, value) = pair.split_once('=')?;
        let attributes = tail.split(';').map(str::trim).filter(|attribute| !attribute.is_empty());
        let attributes = attributes
            .map(|attribute| match attribute.split_once('=') {
                Some((name, value)) => (name.trim().to_ascii_lowercase(), Some(value.trim().to_owned())),
                None => (attribute.to_ascii_lowercase(), None),
            })
            .collect();
        let name = name.trim().to_owned();
        let tail = tail.trim().to_owned();
        (!name.is_empty()).then(|| Self { name, value: value.trim().to_owned(), attributes, tail })
    }

    /// Whether an attribute is there, with or without a value.
    pub(crate) fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|(name, _)| name == attribute)
    }

    /// The value of an attribute; of several the last one counts.
    pub(crate) fn get(&self, attribute: &str) -> Option<&str> {
        let (_, value) = self.attributes.iter().rev().find(|(name, _)| name == attribute)?;
        Some(value.as_deref().unwrap_or_default())
    }

    /// The names of its attributes, in lower case.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.iter().map(|(name, _)| name.as_str())
    }

    /// As a browser sends it back.
    pub(crate) fn sent_back(&self) -> String {
        format!("{}={}", self.name, self.value)
    }

    /// For reports, without its value.
    pub(crate) fn shown(&self) -> String {
        if self.tail.is_empty() { format!("{}=…", self.name) } else { format!("{}=…; {}", self.name, self.tail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_in_any_spelling_and_the_last_counts() {
        let cookie = SetCookie::parse("a=S3CRET=x ; path=/; HTTPONLY; SameSite=None;SameSite = Lax").unwrap();
        assert_eq!((cookie.name.as_str(), cookie.get("samesite"), cookie.get("path")), ("a", Some("Lax"), Some("/")));
        assert!(cookie.has("httponly") && !cookie.has("secure"));
        assert_eq!(cookie.sent_back(), "a=S3CRET=x");
        assert!(!cookie.shown().contains("S3CRET") && cookie.shown().starts_with("a=…; path=/"));
        assert!(SetCookie::parse("no cookie").is_none() && SetCookie::parse("=x").is_none());
    }
}
