//! Argon2id on threads of its own with reused memory, behind a bounded queue: a storm of log-ins waits here and
//! cannot slow the verification of tokens.

use crate::{Error, Fault, Hashing, Refusal};
use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use cloakroom_core::account::PasswordHash;
use cloakroom_core::secret::Password;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// The pool. Dropping it ends its threads after what waits is done.
pub(crate) struct PasswordPool {
    jobs: SyncSender<Job>,
    decoy: PasswordHash,
    hashing: Hashing,
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// The password is another one, or there was no account to compare with.
    Different,
    /// It is the password.
    Same {
        /// Its hash was made with other parameters than today's.
        outdated: bool,
    },
}

enum Job {
    Hash(Password, oneshot::Sender<Result<PasswordHash, Fault>>),
    Compare(Password, PasswordHash, oneshot::Sender<Result<bool, Fault>>),
}

impl PasswordPool {
    /// Starts the threads.
    pub(crate) fn start(hashing: Hashing) -> Result<Self, Fault> {
        let (jobs, queue) = sync_channel(hashing.queue);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..hashing.threads.max(1) {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || work(&queue, hashing))
                .map_err(|error| Fault::new("the password pool could not start", error))?;
        }
        // What a log-in without an account is compared with: the hash of nothing, but compared at the same cost.
        let decoy = Worker::new(hashing)?.phc(&cloakroom_jose::random()?, &cloakroom_jose::random()?)?;
        Ok(Self { jobs, decoy, hashing })
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: Password) -> Result<PasswordHash, Error> {
        let (answer, done) = oneshot::channel();
        self.enqueue(Job::Hash(password, answer))?;
        Ok(done.await.map_err(|_| Fault::plain("the password pool is gone"))??)
    }

    /// Compares a password with the hash of an account. Without an account it takes the same time and is different.
    pub(crate) async fn compare(&self, password: Password, hash: Option<PasswordHash>) -> Result<Comparison, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let outdated = !is_current(&hash, self.hashing);
        let (answer, done) = oneshot::channel();
        self.enqueue(Job::Compare(password, hash, answer))?;
        let same = done.await.map_err(|_| Fault::plain("the password pool is gone"))??;
        Ok(if same && known { Comparison::Same { outdated } } else { Comparison::Different })
    }

    fn enqueue(&self, job: Job) -> Result<(), Error> {
        self.jobs.try_send(job).map_err(|_| Refusal::Busy.into())
    }
}

/// A worker that had nothing to do for this long gives its memory back to the machine.
const REST_AFTER: Duration = Duration::from_secs(5);

fn work(queue: &Mutex<Receiver<Job>>, hashing: Hashing) {
    let Ok(mut worker) = Worker::new(hashing) else { return };
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(REST_AFTER);
        // A client that went away leaves its answer unread; that is all right.
        match job {
            // Nobody waits any longer: nothing is worth hashing for.
            Ok(Job::Hash(_, answer)) if answer.is_closed() => {}
            Ok(Job::Compare(_, _, answer)) if answer.is_closed() => {}
            Ok(Job::Hash(password, answer)) => drop(answer.send(worker.hash(&password))),
            Ok(Job::Compare(password, hash, answer)) => drop(answer.send(worker.compare(&password, &hash))),
            Err(RecvTimeoutError::Timeout) => worker.memory = Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Blocks of 1 KiB from which on the C library keeps a freed piece of memory in no case: above 32 MiB it always maps it
/// by itself (glibc, `mmap_threshold`). What lies above the blocks in use is never touched and costs nothing.
const GIVEN_BACK: usize = 33 * 1024;

struct Worker {
    params: Params,
    memory: Vec<Block>,
}

const OUTPUT: usize = 32;

impl Worker {
    fn new(hashing: Hashing) -> Result<Self, Fault> {
        let params = Params::new(hashing.memory_kib, hashing.passes, 1, Some(OUTPUT)).map_err(argon)?;
        Ok(Self { params, memory: Vec::new() })
    }

    fn hash(&mut self, password: &Password) -> Result<PasswordHash, Fault> {
        let salt = cloakroom_jose::random::<16>()?;
        let params = self.params.clone();
        let output = self.derive(password, &salt, params)?;
        self.phc(&salt, &output)
    }

    fn phc(&self, salt: &[u8; 16], output: &[u8; OUTPUT]) -> Result<PasswordHash, Fault> {
        let hash = phc::PasswordHash {
            algorithm: argon2::ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: phc::ParamsString::try_from(&self.params).map_err(unreadable)?,
            salt: Some(phc::Salt::new(salt).map_err(unreadable)?),
            hash: Some(phc::Output::new(output).map_err(unreadable)?),
        };
        Ok(PasswordHash::from_phc(hash.to_string()))
    }

    fn compare(&mut self, password: &Password, hash: &PasswordHash) -> Result<bool, Fault> {
        let stored = phc::PasswordHash::new(hash.as_phc()).map_err(unreadable)?;
        let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
            return Err(Fault::plain("a stored password hash has no salt or no output"));
        };
        let params = Params::try_from(&stored).map_err(unreadable)?;
        let rest = self.rest_of(&params);
        let output = self.derive(password, &salt, params)?;
        // `Output` compares in constant time.
        let same = phc::Output::new(&output).map_err(unreadable)? == expected;
        if let (false, Some(rest)) = (same, rest) {
            self.derive(password, &salt, rest)?;
        }
        Ok(same)
    }

    /// What a hash of cheaper parameters than today's leaves to be spent, so that a wrong password takes as long for an
    /// old account as for one that does not exist.
    fn rest_of(&self, params: &Params) -> Option<Params> {
        let cost = |params: &Params| u64::from(params.m_cost()) * u64::from(params.t_cost());
        let rest = cost(&self.params).saturating_sub(cost(params)) / u64::from(self.params.t_cost());
        let memory = u32::try_from(rest).ok().filter(|memory| *memory >= Params::MIN_M_COST)?;
        Params::new(memory, self.params.t_cost(), 1, Some(OUTPUT)).ok()
    }

    fn derive(&mut self, password: &Password, salt: &[u8], params: Params) -> Result<[u8; OUTPUT], Fault> {
        let blocks = params.block_count();
        if self.memory.len() < blocks {
            let mut memory = Vec::with_capacity(blocks.max(GIVEN_BACK));
            memory.resize(blocks, Block::default());
            self.memory = memory;
        }
        let memory = self.memory.get_mut(..blocks).unwrap_or_default();
        let mut output = [0; OUTPUT];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password.reveal().as_bytes(), salt, &mut output, memory)
            .map_err(argon)?;
        Ok(output)
    }
}

fn argon(error: argon2::Error) -> Fault {
    Fault::new("Argon2id refused its parameters", error.to_string())
}

fn unreadable(error: impl std::fmt::Display) -> Fault {
    Fault::new("a password hash is not a PHC string", error.to_string())
}

fn is_current(hash: &PasswordHash, hashing: Hashing) -> bool {
    phc::PasswordHash::new(hash.as_phc()).is_ok_and(|hash| {
        Params::try_from(&hash)
            .is_ok_and(|params| params.m_cost() == hashing.memory_kib && params.t_cost() == hashing.passes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Hashing = Hashing { memory_kib: 64, passes: 1, threads: 2, queue: 4 };

    fn password(text: &str) -> Password {
        Password::new(text.into()).unwrap()
    }

    #[tokio::test]
    async fn a_password_is_the_same_as_itself_and_no_other() {
        let pool = PasswordPool::start(QUICK).unwrap();
        let hash = pool.hash(password("correct horse battery")).await.unwrap();
        assert!(hash.as_phc().starts_with("$argon2id$v=19$m=64,t=1,p=1$"));
        let compare = |text: &str, hash: Option<&PasswordHash>| pool.compare(password(text), hash.cloned());
        assert_eq!(compare("correct horse battery", Some(&hash)).await.unwrap(), Comparison::Same { outdated: false });
        assert_eq!(compare("correct horse batterz", Some(&hash)).await.unwrap(), Comparison::Different);
        assert_eq!(compare("correct horse battery", None).await.unwrap(), Comparison::Different);
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_still_compares_and_is_outdated() {
        let old = PasswordPool::start(Hashing { memory_kib: 32, ..QUICK }).unwrap();
        let hash = old.hash(password("correct horse battery")).await.unwrap();
        let pool = PasswordPool::start(QUICK).unwrap();
        let found = pool.compare(password("correct horse battery"), Some(hash)).await.unwrap();
        assert_eq!(found, Comparison::Same { outdated: true });
    }

    #[tokio::test]
    async fn what_rfc_9106_hashers_elsewhere_made_is_read() {
        // `echo -n 'correct horse battery' | argon2 saltsaltsalt1234 -id -m 6 -t 1 -p 1 -e` of the reference implementation.
        let pool = PasswordPool::start(QUICK).unwrap();
        let oracle = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, Some(32)).unwrap());
        let made =
            argon2::PasswordHasher::hash_password_with_salt(&oracle, b"correct horse battery", b"saltsaltsalt1234")
                .unwrap()
                .to_string();
        let found = pool.compare(password("correct horse battery"), Some(PasswordHash::from_phc(made))).await;
        assert_eq!(found.unwrap(), Comparison::Same { outdated: false });
    }

    #[tokio::test]
    async fn a_full_queue_refuses_instead_of_growing() {
        let pool = PasswordPool::start(Hashing { memory_kib: 1024, passes: 3, threads: 1, queue: 1 }).unwrap();
        let compares = (0..32).map(|_| pool.compare(password("correct horse battery"), None));
        let mut refused = 0;
        let mut waiting = Vec::new();
        for compare in compares {
            let mut compare = Box::pin(compare);
            // The first poll enqueues.
            match std::future::poll_fn(|cx| std::task::Poll::Ready(compare.as_mut().poll(cx))).await {
                std::task::Poll::Ready(Err(Error::Refused(Refusal::Busy))) => refused += 1,
                std::task::Poll::Ready(other) => assert_eq!(other.unwrap(), Comparison::Different),
                std::task::Poll::Pending => waiting.push(compare),
            }
        }
        assert!(refused > 0 && !waiting.is_empty(), "refused {refused}, waiting {}", waiting.len());
        for compare in waiting {
            assert_eq!(compare.await.unwrap(), Comparison::Different);
        }
    }
}
