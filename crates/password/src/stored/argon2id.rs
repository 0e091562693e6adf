//! Reads Argon2 in PHC string format: all three variants, versions 16 and 19, any number of lanes.
//!
//! It does not hash: the memory for that belongs to a worker of the pool.

use super::{Cost, NotAHash, SAFE_SALT, bytes, fields, measured, number, parameters};
use argon2::{Algorithm, Params, Version};

/// 256 MiB.
const MOST_KIB: u32 = 1 << 18;
/// KiB times passes: about four seconds.
const MOST_WORK: u64 = 1 << 20;
/// Lanes are worked off one after the other; more than these are in no use.
const MOST_LANES: u32 = 255;
/// KiB times passes, and KiB alone: the cheapest set of OWASP Password Storage.
const SAFE_WORK: u64 = 5 * 7168;
const SAFE_KIB: u32 = 7168;

/// An Argon2 hash.
pub(crate) struct Argon2Hash {
    /// Which of the three variants.
    pub(crate) algorithm: Algorithm,
    /// 19 of RFC 9106, or 16 from before it.
    pub(crate) version: Version,
    /// With the length of the output.
    pub(crate) params: Params,
    /// At least 8 bytes.
    pub(crate) salt: Vec<u8>,
    /// What hashing the password must give.
    pub(crate) output: Vec<u8>,
}

impl Argon2Hash {
    /// Reads `argon2id$v=19$m=..,t=..,p=..$salt$output`. Without `v=` it is version 16, as in the reference
    /// implementation. `keyid` and `data` never left drafts and are refused.
    pub(super) fn read(text: &str) -> Result<Self, NotAHash> {
        let (id, rest) = text.split_once('$').ok_or(NotAHash::Malformed)?;
        let algorithm = match id {
            "argon2d" => Algorithm::Argon2d,
            "argon2i" => Algorithm::Argon2i,
            "argon2id" => Algorithm::Argon2id,
            _ => return Err(NotAHash::UnknownFormat),
        };
        let (version, rest) = match rest.strip_prefix("v=") {
            None => (Version::V0x10, rest),
            Some(rest) => {
                let (version, rest) = rest.split_once('$').ok_or(NotAHash::Malformed)?;
                (Version::try_from(number(version)?).map_err(|_| NotAHash::Malformed)?, rest)
            }
        };
        let [costs, salt, output] = fields(rest)?;
        let [Some(memory), Some(passes), Some(lanes)] = parameters(costs, ["m", "t", "p"])? else {
            return Err(NotAHash::Malformed);
        };
        // Beyond it, argon2 multiplies without looking.
        if lanes > MOST_LANES {
            return Err(NotAHash::TooCostly);
        }
        let (salt, output) = measured(bytes(salt)?, bytes(output)?)?;
        if salt.len() < argon2::MIN_SALT_LEN {
            return Err(NotAHash::Malformed);
        }
        let params = Params::new(memory, passes, lanes, Some(output.len())).map_err(|_| NotAHash::Malformed)?;
        Ok(Self { algorithm, version, params, salt, output })
    }

    pub(super) fn cost(&self) -> Cost {
        let memory = self.params.m_cost();
        let work = u64::from(memory) * u64::from(self.params.t_cost());
        if memory > MOST_KIB || work > MOST_WORK {
            return Cost::Excessive;
        }
        // Version 16 forgets a block by overwriting it, which is what made attacks with less memory cheaper.
        let old = self.version == Version::V0x10;
        Cost::Bearable { weak: old || memory < SAFE_KIB || work < SAFE_WORK || self.salt.len() < SAFE_SALT }
    }

    /// Whether it was made with just these parameters by this product.
    pub(crate) fn is_made_with(&self, today: &Params) -> bool {
        (self.algorithm, self.version) == (Algorithm::Argon2id, Version::V0x13) && self.params == *today
    }
}
