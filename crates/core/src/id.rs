//! Typed identifiers: sixteen bytes each, written as 22 characters of base64url.
//!
//! An identifier names a thing and is never a secret: nothing is granted for knowing one
//! (secrets are in [`crate::secret`]). The bytes are handed in; core makes no randomness.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use std::str::FromStr;

/// The text is not 22 characters of canonical base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of this program")]
pub struct NotAnId;

fn decode(text: &str) -> Result<[u8; 16], NotAnId> {
    if text.len() != 22 {
        return Err(NotAnId);
    }
    let mut bytes = [0; 16];
    // Canonical only: the engine refuses trailing bits, so one identifier has one spelling.
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(16) => Ok(bytes),
        _ => Err(NotAnId),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// From sixteen bytes, fresh ones from the operating system for a new thing.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes, as stores keep them.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                decode(text).map(Self)
            }
        }
    };
}

id! {
    /// Names an account: who.
    AccountId
}
impl AccountId {
    /// The name of no account: what stands in its place where a client speaks for itself. None is ever made of zeros.
    pub const NOBODY: Self = Self([0; 16]);
}

id! {
    /// Names a session: our record of one log-in on one device. It is in tokens and lists, and opens nothing.
    SessionId
}
id! {
    /// Names one line of the audit trail.
    EventId
}
id! {
    /// Names a key of the ring; its text is the `kid` of a token (RFC 7515 §4.1.4).
    KeyId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = SessionId::from_bytes([0xA5; 16]);
        let text = id.to_string();
        assert_eq!(text.len(), 22);
        assert_eq!(text.parse(), Ok(id));
        // The last character carries two unused bits; only zero is canonical.
        let mut twisted = text.clone();
        twisted.pop();
        twisted.push('R');
        assert_eq!(twisted.parse::<SessionId>(), Err(NotAnId));
        for bad in ["", "A", &text[1..], &format!("{text}A"), "!!!!!!!!!!!!!!!!!!!!!!"] {
            assert_eq!(bad.parse::<SessionId>(), Err(NotAnId), "{bad}");
        }
    }
}
