//! Reads and compares PBKDF2 (RFC 8018 §5.2): the PHC string format, passlib's before it, and Django's.

use super::{Cost, NotAHash, SAFE_SALT, bytes, fields, measured, number, parameters};
use aws_lc_rs::pbkdf2::{Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512, verify};
use std::num::NonZeroU32;

/// Iterations times blocks of output: about two seconds.
const MOST_WORK: u64 = 3_000_000;

/// A PBKDF2 hash.
pub(crate) struct Pbkdf2Hash {
    digest: Digest,
    iterations: NonZeroU32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Sha1 => PBKDF2_HMAC_SHA1,
            Self::Sha256 => PBKDF2_HMAC_SHA256,
            Self::Sha512 => PBKDF2_HMAC_SHA512,
        }
    }

    /// Length of its output, in bytes.
    fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Iterations that OWASP Password Storage asks for.
    fn safe_iterations(self) -> u32 {
        match self {
            Self::Sha1 => 1_300_000,
            Self::Sha256 => 600_000,
            Self::Sha512 => 210_000,
        }
    }
}

impl Pbkdf2Hash {
    /// Reads `i=..,l=..$salt$output` of PHC strings (`l` may be missing), or `ROUNDS$salt$output` of passlib.
    pub(super) fn read(id: &str, text: &str) -> Result<Self, NotAHash> {
        let digest = match id {
            "pbkdf2" | "pbkdf2-sha1" => Digest::Sha1,
            "pbkdf2-sha256" => Digest::Sha256,
            "pbkdf2-sha512" => Digest::Sha512,
            _ => return Err(NotAHash::UnknownFormat),
        };
        let [costs, salt, output] = fields(text)?;
        if !costs.contains('=') {
            // passlib writes Base64 with `.` for `+`.
            let bytes = |text: &str| bytes(&text.replace('.', "+"));
            return Self::new(digest, number(costs)?, bytes(salt)?, bytes(output)?);
        }
        let [Some(iterations), length] = parameters(costs, ["i", "l"])? else { return Err(NotAHash::Malformed) };
        let hash = Self::new(digest, iterations, bytes(salt)?, bytes(output)?)?;
        let is_length = |length| usize::try_from(length) == Ok(hash.output.len());
        if length.is_none_or(is_length) { Ok(hash) } else { Err(NotAHash::Malformed) }
    }

    /// Reads `ITERATIONS$salt$output`, where the salt is text.
    pub(super) fn read_django(hasher: &str, text: &str) -> Result<Self, NotAHash> {
        let digest = match hasher {
            "pbkdf2_sha1" => Digest::Sha1,
            "pbkdf2_sha256" => Digest::Sha256,
            "pbkdf2_sha512" => Digest::Sha512,
            _ => return Err(NotAHash::UnknownFormat),
        };
        let [iterations, salt, output] = fields(text)?;
        Self::new(digest, number(iterations)?, salt.as_bytes().to_vec(), bytes(output)?)
    }

    fn new(digest: Digest, iterations: u32, salt: Vec<u8>, output: Vec<u8>) -> Result<Self, NotAHash> {
        let (salt, output) = measured(salt, output)?;
        let iterations = NonZeroU32::new(iterations).ok_or(NotAHash::Malformed)?;
        Ok(Self { digest, iterations, salt, output })
    }

    pub(super) fn cost(&self) -> Cost {
        let blocks = self.output.len().div_ceil(self.digest.length());
        let work = u64::from(self.iterations.get()).saturating_mul(u64::try_from(blocks).unwrap_or(u64::MAX));
        if work > MOST_WORK {
            return Cost::Excessive;
        }
        // Whoever guesses computes the first block only.
        let few = self.iterations.get() < self.digest.safe_iterations();
        Cost::Bearable { weak: few || self.salt.len() < SAFE_SALT }
    }

    /// Whether it is the hash of `password`.
    pub(crate) fn is_of(&self, password: &str) -> bool {
        let password = password.as_bytes();
        verify(self.digest.algorithm(), self.iterations, &self.salt, password, &self.output).is_ok()
    }
}
