//! The registered claims (RFC 7519 §4.1) and their rules, read from the signed bytes themselves, so that no claims
//! type can forget a rule or answer for another token.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::Refused;
use crate::strict_json::{Members, Text, object, skip, text};

/// What a payload says about itself.
#[derive(Default)]
pub(crate) struct Registered<'p> {
    iss: Option<Cow<'p, str>>,
    aud: Audiences<'p>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iat: Option<NumericDate>,
}

impl<'p> Registered<'p> {
    /// Reads a payload: an object, strictly.
    pub(crate) fn parse(payload: &'p [u8]) -> Result<Self, Refused> {
        object(payload).ok_or(Refused::BadClaims)
    }

    /// Made by `issuer`. Compared byte by byte (RFC 7519 §2, `StringOrURI`).
    pub(crate) fn check_issuer(&self, issuer: &str) -> Result<(), Refused> {
        let iss = self.iss.as_deref().ok_or(Refused::BadClaims)?;
        if iss == issuer { Ok(()) } else { Err(Refused::WrongIssuer) }
    }

    /// Made by `issuer`, for `audience` among others. Compared as [`Self::check_issuer`] does.
    pub(crate) fn check_parties(&self, issuer: &str, audience: &str) -> Result<(), Refused> {
        self.check_issuer(issuer)?;
        match &self.aud {
            Audiences::Missing => Err(Refused::BadClaims),
            Audiences::One(one) if one == audience => Ok(()),
            Audiences::Many(many) if many.iter().any(|one| one == audience) => Ok(()),
            _ => Err(Refused::WrongAudience),
        }
    }

    /// `exp` and `iat` are there; neither `nbf` nor `iat` lies after `now`, give or take `leeway` seconds. A fraction
    /// of a second is rounded against the token.
    pub(crate) fn check_begin(&self, now: i64, leeway: i64) -> Result<(), Refused> {
        let (Some(_), Some(iat)) = (&self.exp, &self.iat) else { return Err(Refused::BadClaims) };
        let latest = now.saturating_add(leeway);
        let early = |date: &NumericDate| date.rounded_up > latest;
        if early(iat) || self.nbf.as_ref().is_some_and(early) { Err(Refused::NotYetValid) } else { Ok(()) }
    }

    /// `exp` lies after `now`, give or take `leeway` seconds: at that very second the token is over.
    pub(crate) fn check_end(&self, now: i64, leeway: i64) -> Result<(), Refused> {
        let exp = self.exp.as_ref().ok_or(Refused::BadClaims)?;
        if now >= exp.rounded_down.saturating_add(leeway) { Err(Refused::Expired) } else { Ok(()) }
    }
}

impl<'p> Members<'p> for Registered<'p> {
    fn member<A: MapAccess<'p>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "iss" => self.iss = Some(text(map)?),
            "aud" => self.aud = map.next_value_seed(AudienceValue)?,
            "exp" => self.exp = Some(map.next_value_seed(NumericDateValue)?),
            "nbf" => self.nbf = Some(map.next_value_seed(NumericDateValue)?),
            "iat" => self.iat = Some(map.next_value_seed(NumericDateValue)?),
            _ => skip(map)?,
        }
        Ok(())
    }
}

/// A string or an array of strings (RFC 7519 §4.1.3).
#[derive(Default)]
enum Audiences<'p> {
    #[default]
    Missing,
    One(Cow<'p, str>),
    Many(Vec<Cow<'p, str>>),
}

struct AudienceValue;

impl<'de> DeserializeSeed<'de> for AudienceValue {
    type Value = Audiences<'de>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AudienceValue {
    type Value = Audiences<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Audiences::One(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Audiences::One(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut many = Vec::new();
        while let Some(one) = seq.next_element_seed(Text)? {
            many.push(one);
        }
        Ok(Audiences::Many(many))
    }
}

/// Seconds since 1970, perhaps with a fraction (RFC 7519 §2), never negative, at most 2^53.
#[derive(Clone, Copy)]
pub(crate) struct NumericDate {
    pub(crate) rounded_down: i64,
    rounded_up: i64,
}

/// Beyond this, a number of JSON no longer counts single seconds (RFC 8259 §6).
const LATEST: i64 = 1 << 53;

pub(crate) struct NumericDateValue;

impl<'de> DeserializeSeed<'de> for NumericDateValue {
    type Value = NumericDate;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<NumericDate, D::Error> {
        json.deserialize_any(self)
    }
}

impl Visitor<'_> for NumericDateValue {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
        match i64::try_from(seconds) {
            Ok(whole) if whole <= LATEST => Ok(NumericDate { rounded_down: whole, rounded_up: whole }),
            _ => Err(E::custom("out of range")),
        }
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 is a double without loss")]
        let range = 0.0..=LATEST as f64;
        if !range.contains(&seconds) {
            return Err(E::custom("out of range"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 2^53 is an i64 without loss")]
        let whole = |seconds: f64| seconds as i64;
        Ok(NumericDate { rounded_down: whole(seconds.floor()), rounded_up: whole(seconds.ceil()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Registered<'_>, Refused> {
        Registered::parse(json.as_bytes())
    }

    #[test]
    fn j87_23_fractions_of_a_second_are_rounded_against_the_token() {
        let registered = parse(r#"{"exp":100.9,"iat":50.1,"nbf":60.5e0}"#).unwrap();
        assert_eq!(registered.check_end(99, 0), Ok(()));
        assert_eq!(registered.check_end(100, 0), Err(Refused::Expired));
        assert_eq!(registered.check_begin(60, 0), Err(Refused::NotYetValid));
        assert_eq!(registered.check_begin(61, 0), Ok(()));
    }

    #[test]
    fn j87_23_dates_that_are_no_numbers_or_out_of_range_are_refused() {
        for date in ["\"100\"", "null", "true", "[100]", "{}", "-1", "-0.5", "1e300", "9007199254740993", "1e16"] {
            for claim in ["exp", "nbf", "iat"] {
                assert!(parse(&format!("{{\"{claim}\":{date}}}")).is_err(), "{claim} {date}");
            }
        }
        let far = parse(r#"{"exp":9007199254740992,"iat":0}"#).unwrap();
        assert_eq!(far.check_end(i64::MIN, i64::MAX), Ok(()));
        assert_eq!(far.check_end(i64::MAX, 300), Err(Refused::Expired));
        assert_eq!(far.check_begin(i64::MAX, i64::MAX), Ok(()));
    }

    #[test]
    fn j87_23_exp_and_iat_are_required() {
        for json in ["{}", r#"{"exp":1}"#, r#"{"iat":1}"#, r#"{"nbf":1,"iat":1}"#] {
            assert_eq!(parse(json).unwrap().check_begin(1, 0), Err(Refused::BadClaims), "{json}");
        }
        assert_eq!(parse(r#"{"iat":1}"#).unwrap().check_end(0, 0), Err(Refused::BadClaims));
    }

    #[test]
    fn j87_14_the_audience_is_required_and_must_contain_ours() {
        let check = |json: &str| parse(json)?.check_parties("i", "a");
        assert_eq!(check(r#"{"iss":"i","aud":"a"}"#), Ok(()));
        assert_eq!(check(r#"{"iss":"i","aud":["b","a"]}"#), Ok(()));
        assert_eq!(check(r#"{"iss":"i","aud":["\u0061"]}"#), Ok(()));
        for aud in [r#""b""#, r#""""#, r#""A""#, r#""a ""#, "[]", r#"["b"]"#] {
            assert_eq!(check(&format!(r#"{{"iss":"i","aud":{aud}}}"#)), Err(Refused::WrongAudience), "{aud}");
        }
        for aud in ["null", "1", r#"{"a":"a"}"#, r#"["a",1]"#, r#"[["a"]]"#, r#"["a",null]"#] {
            assert_eq!(check(&format!(r#"{{"iss":"i","aud":{aud}}}"#)), Err(Refused::BadClaims), "{aud}");
        }
        assert_eq!(check(r#"{"iss":"i"}"#), Err(Refused::BadClaims));
    }

    #[test]
    fn j87_12_the_issuer_is_required_and_compared_exactly() {
        let check = |json: &str| parse(json)?.check_parties("https://i", "a");
        assert_eq!(check(r#"{"iss":"https://i","aud":"a"}"#), Ok(()));
        for iss in ["https://i/", "HTTPS://i", "https://j", ""] {
            assert_eq!(check(&format!(r#"{{"iss":"{iss}","aud":"a"}}"#)), Err(Refused::WrongIssuer), "{iss}");
        }
        assert_eq!(check(r#"{"aud":"a"}"#), Err(Refused::BadClaims));
        assert_eq!(check(r#"{"iss":["https://i"],"aud":"a"}"#), Err(Refused::BadClaims));
    }
}
