//! Reads the text of a stored password hash: ours, and those that other systems made. The text alone decides.
//!
//! It judges no cost (`foreign.rs` does, at import) and makes no hash of its own (`worker.rs` does).

mod argon2id;
mod bcrypt;
mod pbkdf2;
mod scrypt;

pub(crate) use self::argon2id::Argon2Hash;
use self::bcrypt::BcryptHash;
use self::pbkdf2::Pbkdf2Hash;
use self::scrypt::ScryptHash;
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// No format needs more, in bytes.
const LONGEST_TEXT: usize = 512;
/// A shorter output is matched by chance, or by little work.
const SHORTEST_OUTPUT: usize = 16;
/// No format makes more, in bytes; what is longer would only cost.
const LONGEST_OUTPUT: usize = 128;
/// In bytes, of any format.
const LONGEST_SALT: usize = 128;
/// A shorter salt is shared by accounts, in bytes (NIST SP 800-63B-4 §3.1.1.2 asks for 32 bits, RFC 9106 §3.1 for 8 bytes).
const SAFE_SALT: usize = 8;

/// Why a text is not taken as a password hash. None shows anything of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAHash {
    /// It is longer than any hash, 512 bytes.
    #[error("it is longer than any password hash")]
    TooLong,
    /// It begins like none of the formats that are read.
    #[error("it is of no format that is read here")]
    UnknownFormat,
    /// It begins like one, and a part of it is missing, unreadable or not allowed there.
    #[error("a part of it is missing or cannot be read")]
    Malformed,
    /// Its output has fewer than 16 bytes.
    #[error("it is too short to tell passwords apart")]
    TooShort,
    /// Comparing with it would take more than 256 MiB of memory, or more than about two seconds.
    #[error("comparing with it would take too long or too much memory")]
    TooCostly,
}

/// Which function made a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Argon2d, Argon2i or Argon2id (RFC 9106), and their version 16 from before the RFC.
    Argon2,
    /// bcrypt, also with SHA-256 before it as Django does.
    Bcrypt,
    /// scrypt (RFC 7914).
    Scrypt,
    /// PBKDF2 (RFC 8018) with SHA-1, SHA-256 or SHA-512.
    Pbkdf2,
    /// None: an account without a password.
    Unusable,
}

/// A hash as it was read.
pub(crate) enum Stored {
    /// The only one that is also made here.
    Argon2(Argon2Hash),
    /// Only read.
    Bcrypt(BcryptHash),
    /// Only read.
    Scrypt(ScryptHash),
    /// Only read.
    Pbkdf2(Pbkdf2Hash),
}

/// How dear a comparison is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    /// It can be made.
    Bearable {
        /// It is less than what OWASP Password Storage asks for today, or its salt is short.
        weak: bool,
    },
    /// It would stop everybody else's log-in.
    Excessive,
}

impl Stored {
    /// Reads a text of at most 512 bytes.
    pub(crate) fn read(text: &str) -> Result<Self, NotAHash> {
        if text.len() > LONGEST_TEXT {
            return Err(NotAHash::TooLong);
        }
        // Django writes the name of its hasher where everybody else begins with `$`.
        let (hasher, rest) = text.split_once('$').ok_or(NotAHash::UnknownFormat)?;
        match hasher {
            "" => Self::read_crypt(rest),
            "argon2" => Argon2Hash::read(rest).map(Self::Argon2),
            "bcrypt" => BcryptHash::read(rest.strip_prefix('$').ok_or(NotAHash::Malformed)?).map(Self::Bcrypt),
            "bcrypt_sha256" => {
                let inner = BcryptHash::read(rest.strip_prefix('$').ok_or(NotAHash::Malformed)?)?;
                Ok(Self::Bcrypt(inner.of_sha256()))
            }
            "scrypt" => ScryptHash::read_django(rest).map(Self::Scrypt),
            "pbkdf2_sha1" | "pbkdf2_sha256" | "pbkdf2_sha512" => {
                Pbkdf2Hash::read_django(hasher, rest).map(Self::Pbkdf2)
            }
            _ => Err(NotAHash::UnknownFormat),
        }
    }

    /// Reads what follows the first `$`: the PHC string format, and the Modular Crypt Format before it.
    fn read_crypt(rest: &str) -> Result<Self, NotAHash> {
        let (id, fields) = rest.split_once('$').ok_or(NotAHash::UnknownFormat)?;
        match id {
            "argon2d" | "argon2i" | "argon2id" => Argon2Hash::read(rest).map(Self::Argon2),
            "2a" | "2b" | "2x" | "2y" => BcryptHash::read(rest).map(Self::Bcrypt),
            "scrypt" => ScryptHash::read(fields).map(Self::Scrypt),
            "pbkdf2" | "pbkdf2-sha1" | "pbkdf2-sha256" | "pbkdf2-sha512" => {
                Pbkdf2Hash::read(id, fields).map(Self::Pbkdf2)
            }
            _ => Err(NotAHash::UnknownFormat),
        }
    }

    /// Which function made it.
    pub(crate) fn scheme(&self) -> Scheme {
        match self {
            Self::Argon2(_) => Scheme::Argon2,
            Self::Bcrypt(_) => Scheme::Bcrypt,
            Self::Scrypt(_) => Scheme::Scrypt,
            Self::Pbkdf2(_) => Scheme::Pbkdf2,
        }
    }

    /// How dear it is to compare with.
    pub(crate) fn cost(&self) -> Cost {
        match self {
            Self::Argon2(hash) => hash.cost(),
            Self::Bcrypt(hash) => hash.cost(),
            Self::Scrypt(hash) => hash.cost(),
            Self::Pbkdf2(hash) => hash.cost(),
        }
    }
}

/// Base64 with or without padding. Bits beyond the last byte are not looked at: bcrypt's own tools leave them set.
const fn lenient(alphabet: &base64::alphabet::Alphabet) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}

const STANDARD: GeneralPurpose = lenient(&base64::alphabet::STANDARD);

/// Bytes of the alphabet that PHC strings and Django use.
fn bytes(text: &str) -> Result<Vec<u8>, NotAHash> {
    STANDARD.decode(text).map_err(|_| NotAHash::Malformed)
}

/// A decimal number without sign.
fn number(text: &str) -> Result<u32, NotAHash> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NotAHash::Malformed);
    }
    text.parse().map_err(|_| NotAHash::Malformed)
}

/// The values of `a=1,b=2`, in the order of `names`. Each name once, no other name.
fn parameters<const N: usize>(text: &str, names: [&str; N]) -> Result<[Option<u32>; N], NotAHash> {
    let mut values = [None; N];
    for field in text.split(',') {
        let (name, value) = field.split_once('=').ok_or(NotAHash::Malformed)?;
        let at = names.iter().position(|other| *other == name).ok_or(NotAHash::Malformed)?;
        let slot = values.get_mut(at).filter(|slot| slot.is_none()).ok_or(NotAHash::Malformed)?;
        *slot = Some(number(value)?);
    }
    Ok(values)
}

/// Exactly `N` fields between dollar signs.
fn fields<const N: usize>(text: &str) -> Result<[&str; N], NotAHash> {
    let fields: Vec<&str> = text.splitn(N + 1, '$').collect();
    fields.try_into().map_err(|_| NotAHash::Malformed)
}

/// Salt and output, when each has a length that can be.
fn measured(salt: Vec<u8>, output: Vec<u8>) -> Result<(Vec<u8>, Vec<u8>), NotAHash> {
    match output.len() {
        ..SHORTEST_OUTPUT => Err(NotAHash::TooShort),
        SHORTEST_OUTPUT..=LONGEST_OUTPUT if salt.len() <= LONGEST_SALT => Ok((salt, output)),
        _ => Err(NotAHash::Malformed),
    }
}

/// Compares in a time that tells nothing about where the first difference is.
fn is_equal(made: &[u8], stored: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(made, stored).is_ok()
}
