//! Reads and compares scrypt (RFC 7914): the PHC string format, which passlib writes too, and Django's.

use super::{Cost, NotAHash, SAFE_SALT, bytes, fields, is_equal, measured, number, parameters};
use zeroize::Zeroizing;

/// Bytes: 256 MiB.
const MOST_MEMORY: u64 = 1 << 28;
/// Bytes, of all lanes: a few seconds.
const MOST_WORK: u64 = 1 << 29;
/// Bytes of all lanes: the cheapest set of OWASP Password Storage, N = 2^13, r = 8, p = 10.
const SAFE_WORK: u64 = (128 * 8 * 10) << 13;

/// A scrypt hash.
pub(crate) struct ScryptHash {
    log_n: u8,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl ScryptHash {
    /// Reads `ln=..,r=..,p=..$salt$output`.
    pub(super) fn read(text: &str) -> Result<Self, NotAHash> {
        let [costs, salt, output] = fields(text)?;
        let [Some(log_n), Some(r), Some(p)] = parameters(costs, ["ln", "r", "p"])? else {
            return Err(NotAHash::Malformed);
        };
        Self::new(log_n, r, p, bytes(salt)?, bytes(output)?)
    }

    /// Reads `N$salt$r$p$output`, where the salt is text.
    pub(super) fn read_django(text: &str) -> Result<Self, NotAHash> {
        let [n, salt, r, p, output] = fields(text)?;
        let n = number(n)?;
        if !n.is_power_of_two() {
            return Err(NotAHash::Malformed);
        }
        Self::new(n.ilog2(), number(r)?, number(p)?, salt.as_bytes().to_vec(), bytes(output)?)
    }

    fn new(log_n: u32, r: u32, p: u32, salt: Vec<u8>, output: Vec<u8>) -> Result<Self, NotAHash> {
        let (salt, output) = measured(salt, output)?;
        // RFC 7914 §2: N is greater than 1, and the other two are positive.
        let log_n = u8::try_from(log_n).ok().filter(|log_n| (1..64).contains(log_n)).ok_or(NotAHash::Malformed)?;
        if r == 0 || p == 0 {
            return Err(NotAHash::Malformed);
        }
        Ok(Self { log_n, r, p, salt, output })
    }

    pub(super) fn cost(&self) -> Cost {
        // Saturated is far above either bound.
        let block = 128 * u64::from(self.r);
        let table = block.saturating_mul(1 << self.log_n);
        let memory = table.saturating_add(block.saturating_mul(self.p.into()));
        let work = table.saturating_mul(self.p.into());
        if memory > MOST_MEMORY || work > MOST_WORK {
            return Cost::Excessive;
        }
        Cost::Bearable { weak: work < SAFE_WORK || self.salt.len() < SAFE_SALT }
    }

    /// Whether it is the hash of `password`. Whoever asks has looked at the cost.
    pub(crate) fn is_of(&self, password: &str) -> bool {
        let Ok(params) = scrypt::Params::new(self.log_n, self.r, self.p) else { return false };
        let mut made = Zeroizing::new(vec![0; self.output.len()]);
        scrypt::scrypt(password.as_bytes(), &self.salt, &params, &mut made).is_ok() && is_equal(&made, &self.output)
    }
}
