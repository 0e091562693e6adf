//! Several accounts in one browser: `/u/1/…` is the same site with the cookies of slot 1. A path without such a beginning
//! is slot 0, and `/u/0/…` is the same as that.
//!
//! Slots keep accounts apart for honest pages, not for hostile ones: all are one origin.

use http::header::LOCATION;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri};

/// A numbered place for one account in a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Slot(u8);

impl Slot {
    /// The slot of a path that names none.
    pub(crate) const FIRST: Self = Self(0);
    /// More slots than this there cannot be: each has cookies of its own, and requests carry them all.
    pub const MOST: u8 = 10;

    /// The number, below [`Self::MOST`].
    pub fn number(self) -> u8 {
        self.0
    }

    /// The slot with a number that was one of a slot; the first where it no longer is.
    pub(crate) fn numbered(number: u8, slots: u8) -> Self {
        if number < slots.min(Self::MOST) { Self(number) } else { Self::FIRST }
    }

    /// What paths of this slot begin with: nothing for slot 0, else `/u/1`.
    pub fn prefix(self) -> String {
        if self.0 == 0 { String::new() } else { format!("/u/{}", self.0) }
    }

    /// Splits an address into its slot and what comes after: `/u/1/notes?x` is `/notes?x` in slot 1. The beginning is read
    /// byte by byte: any other spelling of it is a path like others, in slot 0. `None` when it names no slot of the
    /// `slots` that there are.
    pub fn of(uri: &Uri, slots: u8) -> Option<(Self, Uri)> {
        let rest = uri.path().strip_prefix("/u/")?;
        let (digit, rest) = (rest.bytes().next().filter(u8::is_ascii_digit)? - b'0', rest.get(1..)?);
        if digit >= slots.min(Self::MOST) || slots < 2 || !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        let path = if rest.is_empty() { "/" } else { rest };
        let path = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
        Some((Self(digit), Uri::from_parts(parts).ok()?))
    }

    /// A local address within this slot: what a redirect or a link of ours is made of.
    pub(crate) fn at(self, to: &str) -> String {
        format!("{}{to}", self.prefix())
    }

    /// Keeps a redirect of an application within the slot: it knows nothing of slots and sends people to `/login`. Another
    /// site, another slot and a relative address stay as they are.
    pub fn keep_in(self, headers: &mut HeaderMap) {
        let slot = |to: &str| to.parse().ok().is_some_and(|uri| Self::of(&uri, Self::MOST).is_some());
        let local = |to: &&str| to.starts_with('/') && !to.starts_with("//") && !slot(to);
        if self.0 != 0
            && let Some(to) = headers.get(LOCATION).and_then(|value| value.to_str().ok()).filter(local)
            && let Ok(value) = HeaderValue::from_str(&self.at(to))
        {
            headers.insert(LOCATION, value);
        }
    }

    /// An address of this slot as it is without it: what a page of the slot gives as the place to return to.
    pub(crate) fn without(self, path: &str) -> &str {
        let prefix = self.prefix();
        path.strip_prefix(&prefix).filter(|rest| self.0 != 0 && rest.starts_with('/')).unwrap_or(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str, slots: u8) -> Option<(u8, String)> {
        Slot::of(&path.parse().unwrap(), slots).map(|(slot, uri)| (slot.number(), uri.to_string()))
    }

    #[test]
    fn a_slot_is_read_byte_by_byte_and_what_follows_stays_as_it_is() {
        assert_eq!(split("/u/1/notes?a=%2F", 3), Some((1, "/notes?a=%2F".into())));
        assert_eq!(split("/u/0/", 3), Some((0, "/".into())));
        assert_eq!(split("/u/2", 3), Some((2, "/".into())));
        assert_eq!(split("/u/1//evil.example/%2e%2e/x", 3), Some((1, "//evil.example/%2e%2e/x".into())));
        for other in ["/u/3/x", "/u/11/x", "/u/1x", "/u//x", "/U/1/x", "/u/%31/x", "/u/1%2fx", "//u/1/x", "/notes"] {
            assert_eq!(split(other, 3), None, "{other}");
        }
        assert_eq!(split("/u/0/x", 1), None, "with one slot there is no such path");
        assert_eq!(split("/u/9/x", 255), Some((9, "/x".into())));
    }

    #[test]
    fn a_redirect_of_an_application_stays_in_the_slot() {
        let (one, _) = Slot::of(&"/u/1/".parse().unwrap(), 2).unwrap();
        for (to, kept) in [
            ("/login", "/u/1/login"),
            ("/u/0/x", "/u/0/x"),
            ("/u/alice/profile", "/u/1/u/alice/profile"),
            ("//evil.example", "//evil.example"),
            ("https://other.example/", "https://other.example/"),
            ("next", "next"),
        ] {
            let mut headers = HeaderMap::from_iter([(LOCATION, HeaderValue::from_static(to))]);
            one.keep_in(&mut headers);
            assert_eq!(headers[LOCATION], kept);
        }
    }

    #[test]
    fn links_of_a_slot_stay_in_it() {
        let (one, _) = Slot::of(&"/u/1/".parse().unwrap(), 2).unwrap();
        assert_eq!((one.at("/auth/login"), Slot::default().at("/x")), ("/u/1/auth/login".into(), "/x".into()));
        assert_eq!(
            (one.without("/u/1/notes"), one.without("/u/10/notes"), one.without("/notes")),
            ("/notes", "/u/10/notes", "/notes")
        );
        assert_eq!(Slot::default().without("/u/1/notes"), "/u/1/notes");
    }
}
