//! Secrets that are derived and never stored: `key id . session id . number . MAC`, base64url, under 128 bytes. Refresh
//! tokens and tickets are made of one; what the MAC covers tells them apart.

use crate::id::{KeyId, SessionId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Longer text is refused unread, in bytes.
pub(crate) const MAX_BYTES: usize = 128;

/// The text is not such a secret; nothing about it was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token or ticket of this program")]
pub struct Malformed;

/// The parts of one. No `Debug`; overwritten when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct Derived {
    #[zeroize(skip)]
    pub(crate) key: KeyId,
    #[zeroize(skip)]
    pub(crate) session: SessionId,
    pub(crate) number: u32,
    pub(crate) mac: [u8; 32],
}

impl Derived {
    /// Reads the wire form. One secret has one spelling: no leading zero, no padding, no trailing bits.
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() > MAX_BYTES {
            return Err(Malformed);
        }
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(Malformed);
        let key = next()?.parse().map_err(|_| Malformed)?;
        let session = next()?.parse().map_err(|_| Malformed)?;
        let digits = next()?;
        let number: u32 = digits.parse().map_err(|_| Malformed)?;
        if number.to_string() != digits {
            return Err(Malformed);
        }
        let mut mac = [0; 32];
        match URL_SAFE_NO_PAD.decode_slice(next()?, &mut mac) {
            Ok(32) => {}
            _ => return Err(Malformed),
        }
        if parts.next().is_some() {
            return Err(Malformed);
        }
        Ok(Self { key, session, number, mac })
    }

    pub(crate) fn to_wire(&self) -> String {
        format!("{}.{}.{}.{}", self.key, self.session, self.number, URL_SAFE_NO_PAD.encode(self.mac))
    }

    /// What a MAC is computed over: a label that says what it is for, and parts of fixed length.
    pub(crate) fn message(label: &[u8], session: SessionId, number: u32, seed: &[u8; 16]) -> Vec<u8> {
        let mut message = label.to_vec();
        message.extend_from_slice(session.as_bytes());
        message.extend_from_slice(&number.to_be_bytes());
        message.extend_from_slice(seed);
        message
    }
}
