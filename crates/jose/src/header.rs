//! The protected header as a closed view: the three members that matter, and whether it asks for anything that is not
//! done here. Members without meaning to us are ignored (RFC 7515 §4), but must be well-formed and unique.

use std::borrow::Cow;

use serde::de::MapAccess;

use crate::Refused;
use crate::strict_json::{Members, object, skip, text};

/// What a header says.
#[derive(Default)]
pub(crate) struct Header<'h> {
    alg: Option<Cow<'h, str>>,
    kid: Option<Cow<'h, str>>,
    typ: Option<Cow<'h, str>>,
    refused: Option<Refused>,
}

impl<'h> Header<'h> {
    /// Reads a decoded header.
    pub(crate) fn parse(bytes: &'h [u8]) -> Result<Self, Refused> {
        let header = object::<Self>(bytes).ok_or(Refused::Malformed)?;
        match header.refused {
            Some(reason) => Err(reason),
            None if header.alg.is_none() => Err(Refused::Malformed),
            None => Ok(header),
        }
    }

    /// The algorithm's name, which only ever confirms what the key is bound to.
    pub(crate) fn algorithm(&self) -> &str {
        self.alg.as_deref().unwrap_or_default()
    }

    /// The key's name: untrusted text, good for one look-up (RFC 8725 §3.10).
    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Whether the token says that it is of this type. A missing `typ` is of no type.
    pub(crate) fn is_of_type(&self, expected: &str) -> bool {
        self.typ.as_deref().is_some_and(|typ| media_type(typ).eq_ignore_ascii_case(media_type(expected)))
    }

    /// Whether the token says nothing of its kind: `typ` is missing, or is `JWT`, which every token is (RFC 7519 §5.1).
    pub(crate) fn is_untyped(&self) -> bool {
        self.typ.is_none() || self.is_of_type("JWT")
    }
}

/// `application/` may be left out where no other slash follows (RFC 7515 §4.1.9).
fn media_type(typ: &str) -> &str {
    const PREFIX: &str = "application/";
    match (typ.get(..PREFIX.len()), typ.get(PREFIX.len()..)) {
        (Some(prefix), Some(rest)) if prefix.eq_ignore_ascii_case(PREFIX) && !rest.contains('/') => rest,
        _ => typ,
    }
}

impl<'h> Members<'h> for Header<'h> {
    fn member<A: MapAccess<'h>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "alg" => self.alg = Some(text(map)?),
            "kid" => self.kid = Some(text(map)?),
            "typ" => self.typ = Some(text(map)?),
            _ => {
                skip(map)?;
                self.refused = self.refused.or(match name {
                    "crit" => Some(Refused::CriticalHeader),
                    "jwk" | "jku" | "x5c" | "x5u" => Some(Refused::KeyInHeader),
                    // Present is enough, whatever the value: `"b64": true` says nothing that its absence does not.
                    "b64" | "zip" | "enc" => Some(Refused::UnsupportedHeader),
                    _ => None,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(json: &str) -> Option<Refused> {
        Header::parse(json.as_bytes()).err()
    }

    #[test]
    fn a_header_is_read_and_unknown_members_are_ignored() {
        let header =
            Header::parse(br#"{"alg":"EdDSA","kid":"k\u0031","typ":"JWT","x5t":"abc","other":{"a":[1]}}"#).unwrap();
        assert_eq!((header.algorithm(), header.kid()), ("EdDSA", Some("k1")));
        assert_eq!(Header::parse(br#"{"alg":"EdDSA"}"#).unwrap().kid(), None);
    }

    #[test]
    fn j87_22_and_j87_16_headers_that_ask_for_more_are_refused() {
        let with = |member: &str| refusal(&format!(r#"{{"alg":"EdDSA","kid":"k",{member}}}"#));
        for member in [r#""crit":["exp"]"#, r#""crit":[]"#, r#""crit":null"#, r#""crit":"b64""#] {
            assert_eq!(with(member), Some(Refused::CriticalHeader), "{member}");
        }
        for member in [r#""jwk":{"kty":"OKP"}"#, r#""jku":"https://x/""#, r#""x5u":null"#, r#""x5c":["MII"]"#] {
            assert_eq!(with(member), Some(Refused::KeyInHeader), "{member}");
        }
        for member in [r#""b64":false"#, r#""b64":true"#, r#""zip":"DEF""#, r#""enc":"A256GCM""#] {
            assert_eq!(with(member), Some(Refused::UnsupportedHeader), "{member}");
        }
    }

    #[test]
    fn j87_11_members_of_a_wrong_type_or_twice_are_refused() {
        for json in [
            "{}",
            r#"{"kid":"k"}"#,
            r#"{"alg":null}"#,
            r#"{"alg":1}"#,
            r#"{"alg":["EdDSA"]}"#,
            r#"{"alg":"EdDSA","kid":null}"#,
            r#"{"alg":"EdDSA","kid":7}"#,
            r#"{"alg":"EdDSA","typ":{}}"#,
            r#"{"alg":"EdDSA","alg":"EdDSA"}"#,
            r#"{"alg":"none","\u0061lg":"EdDSA"}"#,
            r#"{"alg":"EdDSA","x":1,"x":2}"#,
        ] {
            assert_eq!(refusal(json), Some(Refused::Malformed), "{json}");
        }
    }

    #[test]
    fn j87_17_types_compare_without_case_and_with_an_optional_prefix() {
        let is = |typ: &str, expected: &str| {
            Header::parse(serde_json::json!({"alg": "EdDSA", "typ": typ}).to_string().as_bytes())
                .unwrap()
                .is_of_type(expected)
        };
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
            assert!(is(typ, "at+jwt"), "{typ}");
            assert!(is(typ, "application/at+jwt"), "{typ}");
        }
        for typ in
            ["", "JWT", "at+jwt ", "at", "application/", "application/application/at+jwt", "text/at+jwt", "logout+jwt"]
        {
            assert!(!is(typ, "at+jwt"), "{typ}");
        }
        assert!(!Header::parse(br#"{"alg":"EdDSA"}"#).unwrap().is_of_type("at+jwt"));
    }

    #[test]
    fn j87_17_jwt_is_no_type() {
        let is_untyped = |header: &str| Header::parse(header.as_bytes()).unwrap().is_untyped();
        for header in
            [r#"{"alg":"EdDSA"}"#, r#"{"alg":"EdDSA","typ":"jwt"}"#, r#"{"alg":"EdDSA","typ":"application/JWT"}"#]
        {
            assert!(is_untyped(header), "{header}");
        }
        for typ in ["", "at+jwt", "logout+jwt", "dpop+jwt", "JWT ", "JOSE"] {
            assert!(!is_untyped(&serde_json::json!({"alg": "EdDSA", "typ": typ}).to_string()), "{typ}");
        }
    }
}
