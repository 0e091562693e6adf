//! Reads and compares bcrypt: `$2a$`, `$2b$`, `$2y$`, `$2x$`, and Django's two ways to write it.
//!
//! It is compared as bcrypt is: only the first 72 bytes of a password count. A password with a NUL byte is always
//! different, because C libraries end there, and because bcrypt repeats its key behind a NUL: `a` and `a\0a` would be one.

use super::{Cost, NotAHash, is_equal, lenient, number};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::GeneralPurpose;
use zeroize::Zeroizing;

const ALPHABET: GeneralPurpose = lenient(&base64::alphabet::BCRYPT);
/// 2^14 rounds: about a second.
const MOST_LOG_ROUNDS: u32 = 14;
/// OWASP Password Storage.
const SAFE_LOG_ROUNDS: u32 = 10;
const LONGEST_KEY: usize = 72;
const OUTPUT: usize = 23;

/// A bcrypt hash.
pub(crate) struct BcryptHash {
    log_rounds: u32,
    salt: [u8; 16],
    output: [u8; OUTPUT],
    /// `$2x$`: made by a library that read bytes above 127 with a sign. For other passwords it is like the rest.
    is_signed: bool,
    /// The password was hashed with SHA-256 first and written in hexadecimal digits (Django).
    is_of_sha256: bool,
}

impl BcryptHash {
    /// Reads `2b$12$` and 53 characters.
    pub(super) fn read(text: &str) -> Result<Self, NotAHash> {
        let [id, log_rounds, rest] = super::fields(text)?;
        if !matches!(id, "2a" | "2b" | "2x" | "2y") {
            return Err(NotAHash::UnknownFormat);
        }
        if log_rounds.len() != 2 || rest.len() != 53 {
            return Err(NotAHash::Malformed);
        }
        let log_rounds = number(log_rounds)?;
        let (salt, output) = rest.split_at_checked(22).ok_or(NotAHash::Malformed)?;
        let decode = |text| ALPHABET.decode(text).map_err(|_| NotAHash::Malformed);
        let salt = decode(salt)?.try_into().map_err(|_| NotAHash::Malformed)?;
        let output = decode(output)?.try_into().map_err(|_| NotAHash::Malformed)?;
        // bcrypt itself ends at 31.
        if !(4..=31).contains(&log_rounds) {
            return Err(NotAHash::Malformed);
        }
        Ok(Self { log_rounds, salt, output, is_signed: id == "2x", is_of_sha256: false })
    }

    /// The same, of the SHA-256 of the password.
    pub(super) fn of_sha256(self) -> Self {
        Self { is_of_sha256: true, ..self }
    }

    pub(super) fn cost(&self) -> Cost {
        if self.log_rounds > MOST_LOG_ROUNDS {
            return Cost::Excessive;
        }
        Cost::Bearable { weak: self.log_rounds < SAFE_LOG_ROUNDS }
    }

    /// Whether it is the hash of `password`.
    pub(crate) fn is_of(&self, password: &str) -> bool {
        let inner = Zeroizing::new(if self.is_of_sha256 { hexadecimal(password) } else { password.to_owned() });
        if inner.contains('\0') || self.is_signed && !inner.is_ascii() {
            return false;
        }
        // The NUL behind the password is a part of the key, unless 72 bytes come before it.
        let mut key = Zeroizing::new([0; LONGEST_KEY]);
        let length = inner.len().min(LONGEST_KEY);
        for (to, from) in key.iter_mut().zip(inner.bytes()) {
            *to = from;
        }
        let Some(key) = key.get(..LONGEST_KEY.min(length + 1)) else { return false };
        let made = bcrypt::bcrypt(self.log_rounds, self.salt, key);
        made.get(..OUTPUT).is_some_and(|made| is_equal(made, &self.output))
    }
}

fn hexadecimal(password: &str) -> String {
    use std::fmt::Write as _;
    digest(&SHA256, password.as_bytes()).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
