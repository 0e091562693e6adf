//! The compact serialisation (RFC 7515 §7.1): three parts of canonical base64url. Looks at no byte of their meaning.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::Refused;

/// No token may be longer, in bytes of its text.
pub const MAX_TOKEN: usize = 8 * 1024;

/// No header may be longer, in bytes of its base64url text.
pub const MAX_HEADER: usize = 4 * 1024;

/// A token taken apart; its parts share one buffer.
pub(crate) struct Compact<'t> {
    signed: &'t str,
    decoded: Vec<u8>,
    header: usize,
    payload: usize,
}

impl<'t> Compact<'t> {
    /// Splits and decodes. base64url has one spelling here (no padding, no other alphabet, zero bits at the end), so
    /// that one signature has one text.
    pub(crate) fn parse(token: &'t str) -> Result<Self, Refused> {
        if token.len() > MAX_TOKEN {
            return Err(Refused::TooLarge);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
        // A dot too many stays in `payload`, where it is no base64url.
        let (header, payload) = signed.split_once('.').ok_or(Refused::Malformed)?;
        if header.len() > MAX_HEADER {
            return Err(Refused::TooLarge);
        }
        let mut decoded = Vec::with_capacity(token.len());
        let mut append = |part: &str| {
            URL_SAFE_NO_PAD.decode_vec(part, &mut decoded).map_err(|_| Refused::Malformed)?;
            Ok(decoded.len())
        };
        let (header, payload) = (append(header)?, append(payload)?);
        append(signature)?;
        Ok(Self { signed, decoded, header, payload })
    }

    /// What the signature is made over, as it was sent.
    pub(crate) fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    pub(crate) fn header(&self) -> &[u8] {
        self.decoded.get(..self.header).unwrap_or_default()
    }

    pub(crate) fn payload(&self) -> &[u8] {
        self.decoded.get(self.header..self.payload).unwrap_or_default()
    }

    pub(crate) fn signature(&self) -> &[u8] {
        self.decoded.get(self.payload..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_apart_into_its_three_parts() {
        let compact = Compact::parse("Zm9v.YmE.YmF6eg").unwrap();
        assert_eq!((compact.header(), compact.payload(), compact.signature()), (&b"foo"[..], &b"ba"[..], &b"bazz"[..]));
        assert_eq!(compact.signed(), b"Zm9v.YmE");
    }

    #[test]
    fn j87_20_only_three_parts_of_canonical_base64url_are_a_token() {
        for token in
            ["", ".", "Zm9v", "Zm9v.YmE", "Zm9v.YmE.YmE.", ".Zm9v.YmE.YmE", "Zm9v.YmE.YmE.YmE", "Zm9v.YmE.YmE.YmE.YmE"]
        {
            assert_eq!(Compact::parse(token).err(), Some(Refused::Malformed), "{token:?}");
        }
        for part in ["YmE=", "YmF", "Y", "Ym E", "YmE\n", " YmE", "Y+E", "Y/E", "{}", "\"\"", "YmE\0", "YmÉ"] {
            for token in [format!("{part}.YmE.YmE"), format!("YmE.{part}.YmE"), format!("YmE.YmE.{part}")] {
                assert_eq!(Compact::parse(&token).err(), Some(Refused::Malformed), "{token:?}");
            }
        }
    }

    #[test]
    fn j87_26_a_token_over_8_kib_or_a_header_over_4_kib_is_refused() {
        let of = |header: usize, payload: usize| format!("{}.{}.", "A".repeat(header), "A".repeat(payload));
        assert!(Compact::parse(&of(4096, 4092)).is_ok());
        assert_eq!(Compact::parse(&of(4096, 4096)).err(), Some(Refused::TooLarge));
        assert_eq!(Compact::parse(&of(4100, 4)).err(), Some(Refused::TooLarge));
    }
}
