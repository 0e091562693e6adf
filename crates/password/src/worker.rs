//! What one thread of the pool does: Argon2 in memory that it keeps, and comparisons that take equally long where
//! their length could tell something.
//!
//! A comparison with a hash that is dearer than ours takes longer than one without an account; that lasts until the
//! account's owner logs in.

use crate::attempt::Attempt;
use crate::error::Fault;
use crate::settings::Hashing;
use crate::stored::{Argon2Hash, Cost, Stored};
use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use cloakroom_core::account::PasswordHash;
use cloakroom_core::secret::Password;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The password is another one, or there was none to compare with.
    Different,
    /// It is the password.
    Same {
        /// Its hash is not what would be made of it today: hash it anew, now that it is known.
        outdated: bool,
    },
}

/// Blocks of 1 KiB from which on the C library keeps a freed piece of memory in no case: above 32 MiB it always maps it
/// by itself (glibc, `mmap_threshold`). What lies above the blocks in use is never touched and costs nothing.
const GIVEN_BACK: usize = 33 * 1024;

const SALT: usize = 16;
const OUTPUT: usize = 32;

/// Hashes and compares, one password after the other.
pub(crate) struct Worker {
    today: Params,
    memory: Vec<Block>,
    /// What is compared with where there is nothing: the hash of no known password, at the cost of any other.
    decoy: PasswordHash,
    /// How long a hash of today's parameters took lately, in memory that was in use before.
    whole: Option<Duration>,
}

impl Worker {
    /// Holds no memory yet. Fails when Argon2id does not take the parameters.
    pub(crate) fn new(hashing: Hashing) -> Result<Self, Fault> {
        let today = Params::new(hashing.memory_kib, hashing.passes, 1, Some(OUTPUT)).map_err(refused)?;
        let decoy = phc_string(&today, &random::<SALT>()?, &random::<OUTPUT>()?)?;
        Ok(Self { today, memory: Vec::new(), decoy, whole: None })
    }

    /// Gives the memory back to the machine.
    pub(crate) fn rest(&mut self) {
        self.memory = Vec::new();
    }

    /// Blocks of 1 KiB that it holds.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.memory.len()
    }

    /// Hashes a new password with a new salt.
    pub(crate) fn hash(&mut self, password: &Password) -> Result<PasswordHash, Fault> {
        let salt = random::<SALT>()?;
        let today = self.today.clone();
        let output = self.argon2id(password.reveal(), &salt, today)?;
        phc_string(&self.today, &salt, &output)
    }

    /// Compares what was typed with a hash, or with the decoy where there is none or an unusable one.
    pub(crate) fn compare(&mut self, attempt: &Attempt, hash: Option<&PasswordHash>) -> Result<Comparison, Fault> {
        let known = hash.filter(|hash| hash.is_usable());
        let stored = Stored::read(known.unwrap_or(&self.decoy).as_phc())
            .map_err(|error| Fault::new("a stored password hash cannot be read", error))?;
        for form in attempt.forms() {
            if self.is_of(form.text, &stored)? && known.is_some() {
                let is_ours = matches!(&stored, Stored::Argon2(hash) if hash.is_made_with(&self.today));
                return Ok(Comparison::Same { outdated: !(is_ours && form.is_normal) });
            }
        }
        Ok(Comparison::Different)
    }

    /// Whether a hash is of a password. If not, it took as long as with the decoy, or longer.
    fn is_of(&mut self, password: &str, stored: &Stored) -> Result<bool, Fault> {
        let began = Instant::now();
        let is_of = match stored {
            Stored::Argon2(hash) => return self.is_of_argon2(password, hash),
            _ if stored.cost() == Cost::Excessive => {
                return Err(Fault::plain("a stored password hash is dearer than any that an import takes"));
            }
            Stored::Bcrypt(hash) => hash.is_of(password),
            Stored::Scrypt(hash) => hash.is_of(password),
            Stored::Pbkdf2(hash) => hash.is_of(password),
        };
        if !is_of {
            let rest = match self.whole {
                Some(whole) => rest_of_time(&self.today, whole, began.elapsed()),
                // Not known yet: this one takes longer than the decoy, and tells the ones after it how long that is.
                None => Some(self.today.clone()),
            };
            self.spend(password, rest)?;
        }
        Ok(is_of)
    }

    fn is_of_argon2(&mut self, password: &str, hash: &Argon2Hash) -> Result<bool, Fault> {
        let mut output = Zeroizing::new(vec![0; hash.output.len()]);
        self.derive(password, &hash.salt, (hash.algorithm, hash.version), hash.params.clone(), &mut output)?;
        let is_of = verify_slices_are_equal(&output, &hash.output).is_ok();
        if !is_of {
            self.spend(password, rest_of_work(&self.today, &hash.params))?;
        }
        Ok(is_of)
    }

    fn spend(&mut self, password: &str, rest: Option<Params>) -> Result<(), Fault> {
        // Any salt will do, the output is not looked at.
        rest.map_or(Ok(()), |rest| self.argon2id(password, &[0; SALT], rest).map(drop))
    }

    fn argon2id(&mut self, password: &str, salt: &[u8], params: Params) -> Result<[u8; OUTPUT], Fault> {
        let mut output = [0; OUTPUT];
        self.derive(password, salt, (Algorithm::Argon2id, Version::V0x13), params, &mut output)?;
        Ok(output)
    }

    fn derive(
        &mut self,
        password: &str,
        salt: &[u8],
        (algorithm, version): (Algorithm, Version),
        params: Params,
        output: &mut [u8],
    ) -> Result<(), Fault> {
        let blocks = params.block_count();
        let is_warm = self.memory.len() >= blocks;
        if !is_warm {
            // The old one first, so that never both are held.
            self.memory = Vec::new();
            let mut memory = Vec::new();
            memory
                .try_reserve_exact(blocks.max(GIVEN_BACK))
                .map_err(|error| Fault::new("there is no memory to hash a password in", error))?;
            memory.resize(blocks, Block::default());
            self.memory = memory;
        }
        let is_whole = params == self.today;
        let memory = self.memory.get_mut(..blocks).unwrap_or_default();
        let began = Instant::now();
        Argon2::new(algorithm, version, params)
            .hash_password_into_with_memory(password.as_bytes(), salt, output, memory)
            .map_err(refused)?;
        if is_warm && is_whole {
            let took = began.elapsed();
            self.whole = Some(self.whole.map_or(took, |whole| (whole * 3 + took) / 4));
        }
        // A foreign hash may have taken a gigabyte. Under a steady load this thread never rests.
        if blocks > self.today.block_count().max(GIVEN_BACK) {
            self.rest();
        }
        Ok(())
    }
}

/// What a hash of cheaper parameters than today's leaves to be spent, so that a wrong password takes as long for an
/// old account as for one that does not exist.
fn rest_of_work(today: &Params, spent: &Params) -> Option<Params> {
    let cost = |params: &Params| u64::from(params.m_cost()) * u64::from(params.t_cost());
    of_memory(today, u128::from(cost(today).saturating_sub(cost(spent)) / u64::from(today.t_cost())))
}

/// The same after another function than Argon2, whose work cannot be counted, only its time.
fn rest_of_time(today: &Params, whole: Duration, spent: Duration) -> Option<Params> {
    let rest = whole.saturating_sub(spent).as_nanos();
    of_memory(today, u128::from(today.m_cost()) * rest / whole.as_nanos().max(1))
}

/// Today's parameters with less memory, in KiB. `None` where that is too little to be worth anything.
fn of_memory(today: &Params, memory: u128) -> Option<Params> {
    let memory = u32::try_from(memory).ok().filter(|memory| *memory >= Params::MIN_M_COST)?;
    Params::new(memory, today.t_cost(), 1, Some(OUTPUT)).ok()
}

fn phc_string(params: &Params, salt: &[u8; SALT], output: &[u8; OUTPUT]) -> Result<PasswordHash, Fault> {
    let unwritable = |error| Fault::new("a password hash could not be written", error);
    let hash = phc::PasswordHash {
        algorithm: argon2::ARGON2ID_IDENT,
        version: Some(Version::V0x13.into()),
        params: phc::ParamsString::try_from(params)
            .map_err(|error| Fault::new("a password hash could not be written", error))?,
        salt: Some(phc::Salt::new(salt).map_err(unwritable)?),
        hash: Some(phc::Output::new(output).map_err(unwritable)?),
    };
    Ok(PasswordHash::from_phc(hash.to_string()))
}

fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Fault::plain("the machine gave no random bytes"))?;
    Ok(bytes)
}

fn refused(error: argon2::Error) -> Fault {
    Fault::new("Argon2 refused its parameters", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(memory: u32, passes: u32) -> Params {
        Params::new(memory, passes, 1, Some(OUTPUT)).unwrap()
    }

    #[test]
    fn work_and_rest_are_the_work_of_the_decoy() {
        assert_eq!(rest_of_work(&params(19_456, 2), &params(9_456, 2)), Some(params(10_000, 2)));
        assert_eq!(rest_of_work(&params(19_456, 2), &params(9_456, 1)), Some(params(14_728, 2)));
        assert_eq!(rest_of_work(&params(19_456, 2), &params(19_456, 2)), None);
        assert_eq!(rest_of_work(&params(19_456, 2), &params(65_536, 3)), None);
    }

    #[test]
    fn time_and_rest_are_the_time_of_the_decoy() {
        let rest = |spent| rest_of_time(&params(20_000, 2), Duration::from_millis(40), Duration::from_millis(spent));
        assert_eq!(rest(0), Some(params(20_000, 2)));
        assert_eq!(rest(10), Some(params(15_000, 2)));
        assert_eq!(rest(40), None);
        assert_eq!(rest(400), None);
        assert_eq!(rest_of_time(&params(20_000, 2), Duration::ZERO, Duration::ZERO), None);
    }

    #[test]
    fn memory_is_kept_for_the_next_one_and_given_back_at_rest() {
        let mut worker = Worker::new(Hashing { memory_kib: 64, passes: 1, threads: 1, queue: 1 }).unwrap();
        assert!(worker.memory.is_empty());
        let password = Password::new("correct horse battery".into()).unwrap();
        worker.hash(&password).unwrap();
        let place = worker.memory.as_ptr();
        worker.compare(&Attempt::from(password), None).unwrap();
        assert_eq!((worker.memory.len(), worker.memory.as_ptr()), (64, place));
        worker.rest();
        assert_eq!(worker.memory.capacity(), 0);
    }

    #[test]
    fn the_memory_of_a_dear_foreign_hash_is_not_kept() {
        let mut worker = Worker::new(Hashing { memory_kib: 64, passes: 1, threads: 1, queue: 1 }).unwrap();
        let mut output = [0; OUTPUT];
        let variant = (Algorithm::Argon2d, Version::V0x13);
        worker.derive("correct horse battery", &[0; 8], variant, params(40_000, 1), &mut output).unwrap();
        assert_eq!(worker.memory.capacity(), 0);
    }

    #[test]
    fn how_long_the_decoy_takes_is_learnt_from_memory_in_use_only() {
        let mut worker = Worker::new(Hashing { memory_kib: 64, passes: 1, threads: 1, queue: 1 }).unwrap();
        let attempt = Attempt::new("correct horse battery".into()).unwrap();
        worker.compare(&attempt, None).unwrap();
        assert!(worker.whole.is_none());
        worker.compare(&attempt, None).unwrap();
        assert!(worker.whole.is_some());
    }

    /// Of `correct horse battery`, 1000 iterations: a thousandth of what anybody should use.
    const CHEAP: &str = "pbkdf2_sha256$1000$saltsaltsalt$GacV8oEzUl3KM0Mwey9yrMcTPKpkL4jXrFpbKB8oOnI=";

    fn compare(worker: &mut Worker, typed: &str, hash: &str) -> Comparison {
        let hash = PasswordHash::from_phc(hash.to_owned());
        worker.compare(&Attempt::new(typed.into()).unwrap(), Some(&hash)).unwrap()
    }

    #[test]
    fn a_wrong_password_for_a_cheap_foreign_hash_is_paid_for_in_the_memory_of_the_decoy() {
        let hashing = Hashing { memory_kib: 4096, passes: 1, threads: 1, queue: 1 };
        let mut worker = Worker::new(hashing).unwrap();
        // The right one needs no company.
        assert_eq!(compare(&mut worker, "correct horse battery", CHEAP), Comparison::Same { outdated: true });
        assert_eq!(worker.held(), 0);
        assert_eq!(compare(&mut worker, "wrong horse battery", CHEAP), Comparison::Different);
        assert_eq!(worker.held(), 4096);
        // As long as the decoy takes an hour, a cheap hash leaves nearly all of it to be spent.
        worker.rest();
        worker.whole = Some(Duration::from_hours(1));
        assert_eq!(compare(&mut worker, "wrong horse battery", CHEAP), Comparison::Different);
        assert!((4000..4096).contains(&worker.held()), "{}", worker.held());
        // A hash that is dearer than the decoy leaves nothing.
        worker.rest();
        worker.whole = Some(Duration::from_nanos(1));
        assert_eq!(compare(&mut worker, "wrong horse battery", CHEAP), Comparison::Different);
        assert_eq!(worker.held(), 0);
    }

    #[test]
    fn an_account_without_a_password_costs_the_decoy() {
        let mut worker = Worker::new(Hashing { memory_kib: 64, passes: 1, threads: 1, queue: 1 }).unwrap();
        assert_eq!(compare(&mut worker, "correct horse battery", "!"), Comparison::Different);
        assert_eq!(worker.held(), 64);
    }
}
