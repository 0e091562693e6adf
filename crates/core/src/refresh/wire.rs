//! A refresh token on the wire: `key id . session id . generation . R(g)`, under 128 bytes.

use crate::derived::{Derived, MAX_BYTES, Malformed};
use crate::id::{KeyId, SessionId};

/// A refresh token as a client presented it, or as it is about to be sent. No `Debug`; overwritten when dropped.
/// Reading one says nothing about whether it is genuine.
pub struct RefreshToken(Derived);

impl RefreshToken {
    /// Longer text is refused unread, in bytes.
    pub const MAX_BYTES: usize = MAX_BYTES;

    /// Puts a token together; `mac` is R(g), 32 bytes of HMAC-SHA-256 over [`Self::message`].
    pub fn new(key: KeyId, session: SessionId, generation: u32, mac: [u8; 32]) -> Self {
        Self(Derived { key, session, number: generation, mac })
    }

    /// Reads the wire form. One token has one spelling: no leading zero, no padding, no trailing bits.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Derived::parse(text).map(Self)
    }

    /// The wire form, a secret.
    pub fn to_wire(&self) -> String {
        self.0.to_wire()
    }

    /// What R(g) is computed over: `"cloakroom refresh v1" || session id || g || seed`, every part of fixed length.
    pub fn message(session: SessionId, generation: u32, seed: &[u8; 16]) -> Vec<u8> {
        Derived::message(b"cloakroom refresh v1", session, generation, seed)
    }

    /// The key that it says it was derived with.
    pub fn key(&self) -> KeyId {
        self.0.key
    }

    /// The session that it says it belongs to.
    pub fn session(&self) -> SessionId {
        self.0.session
    }

    /// The generation that it claims.
    pub fn generation(&self) -> u32 {
        self.0.number
    }

    /// The MAC to compare.
    pub fn mac(&self) -> &[u8; 32] {
        &self.0.mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_reads_what_it_writes_and_stays_under_its_bound() {
        let (key, session) = (KeyId::from_bytes([1; 16]), SessionId::from_bytes([2; 16]));
        let wire = RefreshToken::new(key, session, u32::MAX, [0xFF; 32]).to_wire();
        assert!(wire.len() <= RefreshToken::MAX_BYTES, "{}", wire.len());
        let read = RefreshToken::parse(&wire).unwrap();
        assert_eq!((read.key(), read.session(), read.generation(), *read.mac()), (key, session, u32::MAX, [0xFF; 32]));
        for twisted in [
            format!("{wire}."),
            format!("{wire}="),
            wire.replace("4294967295", "04294967295"),
            wire.replace("4294967295", "+1"),
        ] {
            assert!(RefreshToken::parse(&twisted).is_err(), "{twisted}");
        }
    }

    #[test]
    fn the_message_separates_sessions_generations_and_seeds() {
        let message = |s, g, x| RefreshToken::message(SessionId::from_bytes([s; 16]), g, &[x; 16]);
        let all = [message(1, 1, 1), message(2, 1, 1), message(1, 2, 1), message(1, 1, 2)];
        for (i, one) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|other| other != one));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,140}") {
            let _ = RefreshToken::parse(&text);
        }
    }
}
