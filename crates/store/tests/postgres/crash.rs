//! A server that crashes while many write: what was acknowledged is there, and the store goes on by itself.

use crate::server::Server;
use cloakroom_core::access::Revocation;
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::event::{Event, EventKind};
use cloakroom_core::id::{AccountId, EventId, KeyId, SessionId};
use cloakroom_core::refresh::Family;
use cloakroom_core::session::{Method, Roles, Session, Strategy};
use cloakroom_core::time::Timestamp;
use cloakroom_store::{Error, Events as _, Order, Postgres, Revocations as _, Sessions as _, Store as _, Unit};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const WRITERS: u8 = 8;
const CRASHES: u32 = 3;
/// Longer than anything here takes, on any machine.
const DEADLINE: Duration = Duration::from_mins(2);

fn account() -> Account {
    Account {
        id: AccountId::from_bytes([1; 16]),
        email: Email::parse("person@example.com").unwrap(),
        password: PasswordHash::from_phc("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$1".to_owned()),
        opened_at: NOW,
        email_verified_at: None,
        password_set_at: NOW,
        disabled_at: None,
        not_before: None,
    }
}

fn session(n: u8) -> Session {
    Session {
        id: SessionId::from_bytes([n; 16]),
        account: account().id,
        opened_at: NOW,
        last_used_at: NOW,
        absolute_until: NOW,
        remember: true,
        method: Method::Password,
        strategy: Strategy::Cookie,
        user_agent: String::new(),
        address: String::new(),
        family: Family::opened([n; 16], KeyId::from_bytes([2; 16]), NOW),
        roles: Roles::default(),
    }
}

/// One rotation, with a line of the trail and an entry of the feed.
fn rotation(session: &Session) -> Unit {
    let family = &session.family;
    let next = Family { generation: family.generation + 1, ..family.clone() };
    let event = Event {
        id: EventId::from_bytes([0; 16]),
        at: NOW,
        kind: EventKind::LoginSucceeded,
        account: None,
        session: Some(session.id),
        key: None,
    };
    Unit::new()
        .order(Order::ChangeFamily { session: session.id, expected: family.version(), next })
        .order(Order::Record(event))
        .order(Order::Revoke { entry: Revocation::Session(session.id), until: NOW })
}

#[derive(Default)]
struct Load {
    acknowledged: AtomicU32,
    outages: AtomicU32,
    is_over: AtomicBool,
    all_is_written: AtomicBool,
}

/// Rotates one session for as long as the load goes on; the generation that it knows to be there.
async fn write(store: Arc<Postgres>, n: u8, load: Arc<Load>) -> u32 {
    let mut known = 0;
    while !load.is_over.load(Ordering::Relaxed) {
        let read = match store.session(SessionId::from_bytes([n; 16])).await {
            Ok(read) => read.unwrap(),
            Err(error) => {
                note(&load, &error);
                continue;
            }
        };
        let generation = read.family.generation;
        assert!(generation == known || generation == known + 1, "{generation} after {known}");
        match store.commit(rotation(&read)).await {
            Ok(()) => {
                known = generation + 1;
                load.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => {
                // Nobody else rotates it, so it is no conflict; and whether it happened is seen by reading.
                note(&load, &error);
                known = generation;
            }
        }
    }
    known
}

fn note(load: &Load, error: &Error) {
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    load.outages.fetch_add(1, Ordering::Relaxed);
}

/// Reads the feed when it is told to, and now and then, to its end; the number of its last entry.
async fn follow(store: Arc<Postgres>, load: Arc<Load>) -> u64 {
    let (mut hints, mut last) = (store.hints(), 0);
    loop {
        let all_is_written = load.all_is_written.load(Ordering::Acquire);
        match store.revocations_after(last, 1000).await {
            Ok(entries) if entries.is_empty() && all_is_written => return last,
            Ok(entries) => {
                for (seq, ..) in entries {
                    assert_eq!(seq, last + 1);
                    last = seq;
                }
            }
            Err(error) => note(&load, &error),
        }
        let _ = tokio::time::timeout(Duration::from_millis(200), hints.changed()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_acknowledged_change_is_lost_when_the_server_crashes_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let server = Arc::new(Server::start(folder.path(), &[]).unwrap());
    server.make_database("coats").unwrap();
    let node = async || Arc::new(Postgres::open(&server.url("coats"), 6).await.unwrap());
    let (store, other) = (node().await, node().await);
    let sessions = (1..=WRITERS).map(|n| Order::OpenSession(session(n)));
    let opened = std::iter::once(Order::OpenAccount(account())).chain(sessions);
    store.commit(opened.fold(Unit::new(), Unit::order)).await.unwrap();

    let load = Arc::new(Load::default());
    let follower = tokio::spawn(follow(Arc::clone(&other), Arc::clone(&load)));
    let nodes = [&store, &other];
    let writers: Vec<_> = (1..=WRITERS)
        .map(|n| tokio::spawn(write(Arc::clone(nodes[usize::from(n % 2)]), n, Arc::clone(&load))))
        .collect();
    let crashes = async {
        for crash in 0..=CRASHES {
            // Both before the first crash and after each, without a new store.
            let enough = load.acknowledged.load(Ordering::Relaxed) + 100;
            while load.acknowledged.load(Ordering::Relaxed) < enough {
                tokio::task::yield_now().await;
            }
            if crash < CRASHES {
                let server = Arc::clone(&server);
                tokio::task::spawn_blocking(move || server.restart_immediately().unwrap()).await.unwrap();
            }
        }
    };
    tokio::time::timeout(DEADLINE, crashes).await.expect("it does not recover");
    load.is_over.store(true, Ordering::Relaxed);

    let mut rotations = 0;
    for (n, writer) in (1..).zip(writers) {
        let known = writer.await.unwrap();
        let stored = store.session(SessionId::from_bytes([n; 16])).await.unwrap().unwrap().family.generation;
        assert!(stored == known || stored == known + 1, "{stored} of {known}");
        rotations += u64::from(stored);
    }
    load.all_is_written.store(true, Ordering::Release);
    assert!(rotations >= load.acknowledged.load(Ordering::Relaxed).into());
    assert!(load.outages.load(Ordering::Relaxed) > 0, "the server was never away");
    // Every unit has happened as a whole or not at all.
    assert_eq!(store.newest_revocation().await, Ok(rotations));
    assert_eq!(follower.await.unwrap(), rotations);
    let trail = store.events_after(0, u32::MAX).await.unwrap();
    assert_eq!(u64::try_from(trail.len()).unwrap(), rotations);
}
