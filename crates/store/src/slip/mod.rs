//! Slips: small records with a version, each of which belongs to one use case.
//!
//! Mailed tokens, counters of failures, challenges, devices, second factors: each is read by its key, changed by
//! compare-and-swap, and forgotten when it has expired. Deliberately absent: what the bytes say (the use case does, and
//! seals or hashes what is secret), and whether a slip is expired (the use case has the clock).

#[cfg(test)]
pub(crate) mod exam;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use crate::Error;
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;

/// Reads slips.
#[async_trait::async_trait]
pub trait Slips {
    /// The slip of this kind with this key, if there is one; also one that has expired, as long as it is not swept.
    async fn slip(&self, kind: SlipKind, key: &SlipKey) -> Result<Option<Slip>, Error>;

    /// At most `limit` slips of one kind that belong to an account, in the order of their keys; also expired ones.
    async fn slips_of(&self, account: AccountId, kind: SlipKind, limit: u32) -> Result<Vec<Slip>, Error>;

    /// At most `limit` slips of one kind whose `due_at` is not after `now`, those that have been due for longest first; also
    /// expired ones.
    async fn slips_due(&self, kind: SlipKind, now: Timestamp, limit: u32) -> Result<Vec<Slip>, Error>;
}

/// A small record. Its kind and key name it; there is no `Debug`, because its use case may keep personal data in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Slip {
    /// What it is for.
    pub kind: SlipKind,
    /// Which of its kind.
    pub key: SlipKey,
    /// Whose it is: it is forgotten together with that account. `None` when it is nobody's.
    pub account: Option<AccountId>,
    /// What changes are judged against. The store keeps it as it is given.
    pub version: u32,
    /// From when on [`Slips::slips_due`] finds it; `None` when nothing is to be done about it.
    pub due_at: Option<Timestamp>,
    /// From when on it can be forgotten; `None` when it stays until it is removed.
    pub expires_at: Option<Timestamp>,
    /// What its use case remembers: at most [`Slip::MAX_DATA`] bytes.
    pub data: Vec<u8>,
}

impl Slip {
    /// More bytes of data are a fault.
    pub const MAX_DATA: usize = 64 * 1024;
    /// At most so many are forgotten by one [`Order::Sweep`](crate::Order::Sweep), so that no sweep keeps writers waiting for
    /// long, however many have expired at once.
    pub const SWEPT_AT_ONCE: u32 = 10_000;
}

/// Which slip of a kind: 1 to 64 bytes. Its `Debug` shows nothing, because it can be made of what somebody typed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlipKey(Vec<u8>);

impl SlipKey {
    /// The longest key, in bytes.
    pub const MAX: usize = 64;

    /// From bytes; `None` unless there are 1 to [`SlipKey::MAX`] of them.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (1..=Self::MAX).contains(&bytes.len()).then(|| Self(bytes.to_vec()))
    }

    /// The bytes, as they were given.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<const N: usize> From<[u8; N]> for SlipKey {
    /// An array that is too long, or empty, does not compile.
    fn from(bytes: [u8; N]) -> Self {
        const { assert!(1 <= N && N <= Self::MAX, "a key has 1 to 64 bytes") };
        Self(bytes.to_vec())
    }
}

impl std::fmt::Debug for SlipKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlipKey(..)")
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What a slip is for. The text is stored and never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum SlipKind { $($(#[$doc])* $variant,)* }

        impl SlipKind {
            /// Every kind there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As the store writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Reads what [`Self::as_str`] wrote.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    /// A mail that is to be sent.
    Letter = "letter",
    /// What was mailed to somebody and is shown once to prove it.
    Code = "code",
    /// How many guesses have failed.
    Bucket = "bucket",
    /// A challenge that waits for its answer.
    Challenge = "challenge",
    /// A browser that an account has been used from.
    Device = "device",
    /// A secret of time-based codes.
    Totp = "totp",
    /// A recovery code.
    Recovery = "recovery",
    /// A public key of a passkey.
    Passkey = "passkey",
    /// An approval of one call.
    Grant = "grant",
    /// An identity at a provider that logs in to an account.
    Identity = "identity",
    /// The session at a provider that stands behind one of ours, whose id is its key: whatever ends the one forgets the other.
    ProviderSession = "provider-session",
    /// Whose a session at a provider is.
    ProviderSid = "provider-sid",
    /// A client that was registered on the command line.
    Client = "client",
    /// An assertion of a client that was used up.
    Assertion = "assertion",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_from_the_text_that_it_is_written_as() {
        for kind in SlipKind::ALL {
            assert_eq!(SlipKind::from_text(kind.as_str()), Some(*kind));
        }
        assert_eq!(SlipKind::from_text("Letter"), None);
    }

    #[test]
    fn a_key_has_one_to_sixty_four_bytes_and_does_not_show_them() {
        assert!(SlipKey::new(&[]).is_none() && SlipKey::new(&[1; 65]).is_none());
        assert_eq!(SlipKey::new(&[1; 64]), Some(SlipKey::from([1; 64])));
        assert_eq!(SlipKey::new(b"k").unwrap().as_bytes(), b"k");
        assert_eq!(format!("{:?}", SlipKey::from(*b"hunter2")), "SlipKey(..)");
    }
}
