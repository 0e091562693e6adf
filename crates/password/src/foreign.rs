//! Judges a hash that another system made, before an account is imported with it.
//!
//! It is not rehashed here: nobody knows the password. The first log-in does that, because it compares as outdated.

use crate::stored::{Cost, NotAHash, Scheme, Stored};
use cloakroom_core::account::PasswordHash;

/// A hash that the pool can compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What the store keeps: the text as it was, or [`PasswordHash::unusable`].
    pub hash: PasswordHash,
    /// Which function made it.
    pub scheme: Scheme,
    /// It costs less than OWASP Password Storage asks for today, or its salt is short: whoever imports it should know.
    pub is_weak: bool,
}

/// Recognises a hash by its text, at most 512 bytes: Argon2, bcrypt, scrypt and PBKDF2 as PHC strings and as passlib and
/// Django write them. A text that begins with `!` (shadow files, Django) is an account without a password. Refused is
/// what would take more than 256 MiB or about two seconds to compare with.
pub fn foreign(text: &str) -> Result<Imported, NotAHash> {
    if text.starts_with('!') {
        return Ok(Imported { hash: PasswordHash::unusable(), scheme: Scheme::Unusable, is_weak: false });
    }
    let stored = Stored::read(text)?;
    match stored.cost() {
        Cost::Excessive => Err(NotAHash::TooCostly),
        Cost::Bearable { weak } => {
            Ok(Imported { hash: PasswordHash::from_phc(text.to_owned()), scheme: stored.scheme(), is_weak: weak })
        }
    }
}
