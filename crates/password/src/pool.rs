//! Threads of their own behind a bounded queue: a storm of log-ins waits here and cannot slow the verification of
//! tokens.

use crate::attempt::Attempt;
use crate::error::{Error, Fault};
use crate::settings::Hashing;
use crate::worker::{Comparison, Worker};
use cloakroom_core::account::PasswordHash;
use cloakroom_core::secret::Password;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// The pool. Dropping it ends its threads after what waits is done.
pub struct PasswordPool {
    jobs: SyncSender<Job>,
}

enum Job {
    Hash(Password, oneshot::Sender<Result<PasswordHash, Fault>>),
    Compare(Attempt, Option<PasswordHash>, oneshot::Sender<Result<Comparison, Fault>>),
}

impl PasswordPool {
    /// Starts the threads, at least one. Fails when the machine gives none, or Argon2id does not take the parameters.
    pub fn start(hashing: Hashing) -> Result<Self, Fault> {
        let (jobs, queue) = sync_channel(hashing.queue);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..hashing.threads.max(1) {
            let queue = Arc::clone(&queue);
            let mut worker = Worker::new(hashing)?;
            std::thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || work(&queue, &mut worker))
                .map_err(|error| Fault::new("the password pool could not start", error))?;
        }
        Ok(Self { jobs })
    }

    /// Hashes a new password, in NFKC, with Argon2id and a new salt.
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, Error> {
        let (answer, done) = oneshot::channel();
        self.enqueue(Job::Hash(password, answer))?;
        Ok(done.await.map_err(|_| GONE)??)
    }

    /// Compares what was typed with the hash of an account, ours or one of [`foreign`](crate::foreign()). Without an
    /// account, or with [`PasswordHash::unusable`], it takes as long as with a hash of ours and is different.
    ///
    /// A password that NFKC changes is tried in both forms, in all of these cases.
    pub async fn compare(&self, attempt: impl Into<Attempt>, hash: Option<PasswordHash>) -> Result<Comparison, Error> {
        let (answer, done) = oneshot::channel();
        self.enqueue(Job::Compare(attempt.into(), hash, answer))?;
        Ok(done.await.map_err(|_| GONE)??)
    }

    fn enqueue(&self, job: Job) -> Result<(), Error> {
        self.jobs.try_send(job).map_err(|_| Error::Busy)
    }
}

const GONE: Fault = Fault::plain("the password pool is gone");

/// A worker that had nothing to do for this long gives its memory back to the machine.
const REST_AFTER: Duration = Duration::from_secs(5);

fn work(queue: &Mutex<Receiver<Job>>, worker: &mut Worker) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(REST_AFTER);
        // A client that went away leaves its answer unread; that is all right.
        match job {
            // Nobody waits any longer: nothing is worth hashing for.
            Ok(Job::Hash(_, answer)) if answer.is_closed() => {}
            Ok(Job::Compare(_, _, answer)) if answer.is_closed() => {}
            Ok(Job::Hash(password, answer)) => drop(answer.send(worker.hash(&password))),
            Ok(Job::Compare(attempt, hash, answer)) => drop(answer.send(worker.compare(&attempt, hash.as_ref()))),
            Err(RecvTimeoutError::Timeout) => worker.rest(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
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
    async fn every_hash_has_a_salt_of_its_own() {
        let pool = PasswordPool::start(QUICK).unwrap();
        let hash = async || pool.hash(password("correct horse battery")).await.unwrap();
        assert_ne!(hash().await, hash().await);
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
    async fn what_cannot_be_read_is_a_fault_and_does_not_show_itself() {
        let pool = PasswordPool::start(QUICK).unwrap();
        let compare = pool.compare(password("correct horse battery"), Some(PasswordHash::from_phc("$x$secret".into())));
        let Err(Error::Fault(fault)) = compare.await else { panic!("it was compared") };
        assert!(!format!("{fault} {fault:?}").contains("secret"));
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
                std::task::Poll::Ready(Err(Error::Busy)) => refused += 1,
                std::task::Poll::Ready(other) => assert_eq!(other.unwrap(), Comparison::Different),
                std::task::Poll::Pending => waiting.push(compare),
            }
        }
        assert!(refused > 0 && !waiting.is_empty(), "refused {refused}, waiting {}", waiting.len());
        for compare in waiting {
            assert_eq!(compare.await.unwrap(), Comparison::Different);
        }
    }

    #[test]
    fn a_job_that_nobody_waits_for_is_not_done() {
        let mut worker = Worker::new(QUICK).unwrap();
        let mut run = |job| {
            let (jobs, queue) = sync_channel(1);
            jobs.send(job).unwrap();
            drop(jobs);
            work(&Mutex::new(queue), &mut worker);
            worker.held()
        };
        let (gone, _) = oneshot::channel();
        assert_eq!(run(Job::Compare(password("correct horse battery").into(), None, gone)), 0);
        let (gone, _) = oneshot::channel();
        assert_eq!(run(Job::Hash(password("correct horse battery"), gone)), 0);
        let (answer, mut done) = oneshot::channel();
        assert_eq!(run(Job::Hash(password("correct horse battery"), answer)), 64);
        assert!(done.try_recv().unwrap().is_ok());
    }
}
