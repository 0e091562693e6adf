//! JSON objects read strictly: every member once at every level (RFC 7515 §4, RFC 8725 §3.7), nesting and number
//! of members bounded, nothing after the end. Knows no member by name; that is for its callers.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Objects and arrays inside the outermost object may nest this deep.
pub(crate) const MAX_DEPTH: u8 = 8;

/// No object may have more members than this; it also bounds the search for a second one of the same name.
pub(crate) const MAX_MEMBERS: usize = 128;

/// What a reader does with the members of the outermost object.
pub(crate) trait Members<'de>: Default {
    /// Is called once per member and must take its value; [`skip`] is for those that mean nothing to it.
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Reads a whole text as one object. `None` for anything that is not exactly that. Bytes that are not UTF-8, or that
/// begin with a byte order mark, are not JSON (RFC 8259 §8.1).
pub(crate) fn object<'de, M: Members<'de>>(bytes: &'de [u8]) -> Option<M> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut json = serde_json::Deserializer::from_str(text);
    let members = json.deserialize_map(Outermost(M::default())).ok()?;
    json.end().ok()?;
    Some(members)
}

/// Whether a text is one JSON object that every reader reads alike: UTF-8 without a byte order mark, no member twice at any
/// level, at most 8 levels deep and 128 members wide.
pub fn is_strict_object(bytes: &[u8]) -> bool {
    object::<Unread>(bytes).is_some()
}

#[derive(Default)]
struct Unread;

impl<'de> Members<'de> for Unread {
    fn member<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
        skip(map)
    }
}

/// Takes a value and forgets it, checking its form all the same.
pub(crate) fn skip<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value_seed(Nested(MAX_DEPTH))
}

/// Takes a value that must be a string, without a copy where it contains no escapes.
pub(crate) fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Cow<'de, str>, A::Error> {
    map.next_value_seed(Text)
}

struct Outermost<M>(M);

impl<'de, M: Members<'de>> Visitor<'de> for Outermost<M> {
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<M, A::Error> {
        let mut names = Vec::with_capacity(16);
        while let Some(name) = map.next_key_seed(Text)? {
            self.0.member(&name, &mut map)?;
            remember(&mut names, name)?;
        }
        Ok(self.0)
    }
}

fn remember<'de, E: Error>(names: &mut Vec<Cow<'de, str>>, name: Cow<'de, str>) -> Result<(), E> {
    if names.contains(&name) || names.len() == MAX_MEMBERS {
        return Err(E::custom("a member twice, or too many"));
    }
    names.push(name);
    Ok(())
}

/// Any value, with this many levels left below it.
struct Nested(u8);

impl Nested {
    fn inner<E: Error>(&self) -> Result<u8, E> {
        self.0.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let left = self.inner()?;
        while seq.next_element_seed(Nested(left))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let left = self.inner()?;
        let mut names = Vec::new();
        while let Some(name) = map.next_key_seed(Text)? {
            remember(&mut names, name)?;
            map.next_value_seed(Nested(left))?;
        }
        Ok(())
    }
}

/// A string, borrowed where it can be.
pub(crate) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Anything;

    impl<'de> Members<'de> for Anything {
        fn member<A: MapAccess<'de>>(&mut self, _: &str, map: &mut A) -> Result<(), A::Error> {
            skip(map)
        }
    }

    fn accepts(bytes: &[u8]) -> bool {
        object::<Anything>(bytes).is_some()
    }

    #[test]
    fn j87_11_a_member_that_appears_twice_is_refused_at_every_level() {
        assert!(accepts(br#"{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}]}"#));
        assert!(!accepts(br#"{"a":1,"a":1}"#));
        assert!(!accepts(br#"{"a":1,"\u0061":1}"#));
        assert!(!accepts(br#"{"x":{"a":1,"b":2,"a":3}}"#));
        assert!(!accepts(br#"{"x":[[{"a":1,"a":3}]]}"#));
    }

    #[test]
    fn j87_11_what_is_not_strict_json_in_utf8_is_refused() {
        let refused: [&[u8]; 18] = [
            b"",
            b" ",
            b"[]",
            b"null",
            b"\"a\"",
            b"{",
            b"{}x",
            b"{}{}",
            b"{'a':1}",
            b"{a:1}",
            b"{\"a\":01}",
            b"{\"a\":1,}",
            b"{\"a\":1e999}",
            b"{\"a\":NaN}",
            b"{\"a\":\"\\ud800\"}",
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xc0\xaf\"}",
            b"{\0\"\0a\0\"\0:\x001\0}\0",
        ];
        for bytes in refused {
            assert!(!accepts(bytes), "{bytes:?}");
        }
        assert!(accepts(b" {\t\"a\" : [ 1.5e3 , -2 , null, true ] }\r\n"));
    }

    #[test]
    fn j87_26_nesting_and_members_are_bounded() {
        let nested = |depth: u8| {
            let depth = usize::from(depth);
            format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth))
        };
        assert!(accepts(nested(MAX_DEPTH).as_bytes()));
        assert!(!accepts(nested(MAX_DEPTH + 1).as_bytes()));
        assert!(!accepts(nested(255).as_bytes()));
        let wide = |members: usize| {
            let members: Vec<_> = (0..members).map(|name| format!("\"{name}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(accepts(wide(MAX_MEMBERS).as_bytes()));
        assert!(!accepts(wide(MAX_MEMBERS + 1).as_bytes()));
    }
}
