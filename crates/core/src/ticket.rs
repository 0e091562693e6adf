//! Tickets: opaque secrets in cookies. Derived like refresh tokens and never stored, so a stolen database yields none.
//!
//! Deliberately absent: computing and comparing MACs (`jose`), and what a session says about its ticket (`app`).

use crate::derived::{Derived, MAX_BYTES, Malformed};
use crate::id::{KeyId, SessionId};

/// What a ticket is good for. Its MAC covers this: one cannot be passed off as the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Good {
    /// To act as its session: the only cookie of a `ticket` session.
    ForAccess,
    /// To accompany a refresh, where the access token is not in a cookie: a planted refresh cookie has no such company.
    ForCompany,
}

/// A ticket as it was presented, or as it is about to be sent. No `Debug`; overwritten when dropped. Reading one says
/// nothing about whether it is genuine.
pub struct Ticket {
    good: Good,
    parts: Derived,
}

impl Ticket {
    /// Longer text is refused unread, in bytes.
    pub const MAX_BYTES: usize = MAX_BYTES + 2;

    /// Puts a ticket together. `number` counts the tickets of the session, 0 first; a ticket for company has always 0.
    /// `mac` is HMAC-SHA-256 over [`Self::message`].
    pub fn new(good: Good, key: KeyId, session: SessionId, number: u32, mac: [u8; 32]) -> Self {
        Self { good, parts: Derived { key, session, number, mac } }
    }

    /// Reads the wire form: `t` or `c`, then the parts, between dots.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let (good, rest) = match text.split_once('.') {
            Some(("t", rest)) => (Good::ForAccess, rest),
            Some(("c", rest)) => (Good::ForCompany, rest),
            _ => return Err(Malformed),
        };
        Ok(Self { good, parts: Derived::parse(rest)? })
    }

    /// The wire form, a secret.
    pub fn to_wire(&self) -> String {
        let letter = match self.good {
            Good::ForAccess => 't',
            Good::ForCompany => 'c',
        };
        format!("{letter}.{}", self.parts.to_wire())
    }

    /// What its MAC is computed over; every part of fixed length.
    pub fn message(good: Good, session: SessionId, number: u32, seed: &[u8; 16]) -> Vec<u8> {
        let label: &[u8] = match good {
            Good::ForAccess => b"cloakroom ticket v1",
            Good::ForCompany => b"cloakroom company v1",
        };
        Derived::message(label, session, number, seed)
    }

    /// What it says it is good for.
    pub fn good(&self) -> Good {
        self.good
    }

    /// The key that it says it was derived with.
    pub fn key(&self) -> KeyId {
        self.parts.key
    }

    /// The session that it says it belongs to.
    pub fn session(&self) -> SessionId {
        self.parts.session
    }

    /// Which ticket of the session it says it is.
    pub fn number(&self) -> u32 {
        self.parts.number
    }

    /// The MAC to compare.
    pub fn mac(&self) -> &[u8; 32] {
        &self.parts.mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_ticket_reads_what_it_writes_and_stays_under_its_bound() {
        let (key, session) = (KeyId::from_bytes([1; 16]), SessionId::from_bytes([2; 16]));
        for good in [Good::ForAccess, Good::ForCompany] {
            let wire = Ticket::new(good, key, session, u32::MAX, [0xFF; 32]).to_wire();
            assert!(wire.len() <= Ticket::MAX_BYTES, "{}", wire.len());
            let read = Ticket::parse(&wire).ok().unwrap();
            assert_eq!((read.good(), read.key(), read.session(), read.number()), (good, key, session, u32::MAX));
            assert!(Ticket::parse(&wire[1..]).is_err() && Ticket::parse(&format!("{wire}.")).is_err());
        }
    }

    #[test]
    fn one_kind_is_never_another() {
        let (session, seed) = (SessionId::from_bytes([2; 16]), [3; 16]);
        let refresh = crate::refresh::RefreshToken::message(session, 0, &seed);
        let access = Ticket::message(Good::ForAccess, session, 0, &seed);
        let company = Ticket::message(Good::ForCompany, session, 0, &seed);
        assert!(refresh != access && refresh != company && access != company);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,140}") {
            let _ = Ticket::parse(&text);
        }
    }
}
