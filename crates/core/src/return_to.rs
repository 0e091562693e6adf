//! Where to send a browser afterwards: a local path or nothing.
//!
//! An open redirect is impossible because nothing but this type reaches a `Location` header built from a
//! request, and it holds only what every browser resolves to the same origin: one slash, then neither a
//! slash nor a backslash, printable ASCII only (v5.0.0-3.7.2, R97-02).

use std::fmt;

/// A path on this origin with an optional query, such as `/notes?page=2`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Longer values are refused, in bytes.
    pub const MAX_BYTES: usize = 2048;

    /// The front page.
    pub fn home() -> Self {
        Self("/".into())
    }

    /// Reads what a client asked for. `None` unless it is a path on this origin:
    /// it starts with one slash that no slash or backslash follows, and holds only visible ASCII without
    /// `\`, `"`, `<`, `>`, `` ` ``, `{`, `|`, `}`, `^` (WHATWG URL treats `\` as `/`, and strips tab and newline before it
    /// looks for `//`). A fragment is cut: it never reaches a server. The log-in routes themselves are refused,
    /// since returning to `/auth/logout` or `/auth/refresh` would loop; but not those that only lead on to a page (`/auth/account`,
    /// `/auth/onward`).
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > Self::MAX_BYTES {
            return None;
        }
        let text = text.split('#').next().unwrap_or_default();
        let rest = text.strip_prefix('/')?;
        if rest.starts_with('/') {
            return None;
        }
        let plain = |b: u8| b.is_ascii_graphic() && !b"\\\"<>`{|}^".contains(&b);
        if !rest.bytes().all(plain) {
            return None;
        }
        // A dot segment could climb to a `//` or into `/auth`: `/.//evil.example`, `/x/..//evil.example`.
        let path = rest.split('?').next().unwrap_or_default();
        let dotted = path.split('/').any(|segment| {
            let bare = segment.to_ascii_lowercase().replace("%2e", ".");
            bare == "." || bare == ".."
        });
        if dotted {
            return None;
        }
        let first = path.split('/').next().unwrap_or_default();
        let second = path.split('/').nth(1).unwrap_or_default();
        if first == "auth" && !matches!(second, "account" | "onward" | "") {
            return None;
        }
        // The same routes of another account in this browser (`/u/1/auth/…`).
        if first == "u" && path.split('/').nth(2) == Some("auth") {
            return None;
        }
        Some(Self(text.to_owned()))
    }

    /// The path and query, safe in a `Location` header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_paths_are_kept_as_they_are() {
        for path in [
            "/",
            "/notes",
            "/notes?x=1&y=//a",
            "/a/b//c",
            "/a%2Fb",
            "/auth/account",
            "/auth/onward?host=a.example&return_to=/",
            "/~me/@you:8080",
        ] {
            assert_eq!(ReturnTo::parse(path).unwrap().as_str(), path);
        }
        assert_eq!(ReturnTo::parse("/a#//evil.example").unwrap().as_str(), "/a");
    }

    #[test]
    fn asvs_3_7_2_nothing_leaves_this_origin() {
        for evil in [
            "",
            "evil",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            " //evil.example",
            "/%0d%0aSet-Cookie:x\r\n",
            "/.//evil.example",
            "/x/..//evil.example",
            "/%2e%2e//evil.example",
            "/a\u{2028}",
            "/\u{0}",
            "/é",
            "/auth/logout",
            "/auth/refresh?return_to=/",
            "/auth/login",
            "/auth/onwards",
            "/auth/x/onward",
            "///evil.example",
            "/\"><script>",
        ] {
            assert_eq!(ReturnTo::parse(evil), None, "{evil:?}");
        }
        assert_eq!(ReturnTo::parse(&format!("/{}", "a".repeat(ReturnTo::MAX_BYTES))), None);
    }
}
