//! What every backend must do with the revocation feed.

use crate::exam::{account_id, at, commit, key_id, race, session_id};
use crate::{Error, Order, Store, Unit};
use cloakroom_core::access::Revocation;
use cloakroom_core::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

pub(crate) async fn every_kind_of_entry_is_read_back(store: Arc<dyn Store>) {
    let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
    let issues = |generation, oldest, from| Revocation::Issues { session: session_id(2), generation, oldest, from };
    let entries = [
        (Revocation::Session(session_id(1)), at(5)),
        (issues(0, 1, first), last),
        (issues(u32::MAX, u32::MAX, last), first),
        (Revocation::Key(key_id(3)), at(4)),
        (Revocation::Account { account: account_id(4), before: last }, first),
        (Revocation::Everything { before: first }, last),
        // One that came before may come again.
        (Revocation::Session(session_id(1)), at(6)),
    ];
    commit(&store, entries.iter().map(|(entry, until)| Order::Revoke { entry: *entry, until: *until })).await.unwrap();
    let read = store.revocations_after(0, 100).await.unwrap();
    assert_eq!(read.iter().map(|(_, entry, until)| (*entry, *until)).collect::<Vec<_>>(), entries);
    assert!(read.is_sorted_by(|a, b| a.0 < b.0) && read[0].0 >= 1);
    assert_eq!(store.revocations_after(read[1].0, 2).await.unwrap(), read[2..4]);
    assert!(store.revocations_after(u64::MAX, 2).await.unwrap().is_empty());
}

pub(crate) async fn a_swept_number_is_never_used_again(store: Arc<dyn Store>) {
    let revoke = |n: u8, until| Order::Revoke { entry: Revocation::Session(session_id(n)), until };
    let entries = async |after| -> Vec<_> {
        store.revocations_after(after, 100).await.unwrap().into_iter().map(|(_, entry, _)| entry).collect()
    };
    commit(&store, [revoke(1, at(100)), revoke(2, at(101)), revoke(3, at(99))]).await.unwrap();
    let newest = store.revocations_after(0, 100).await.unwrap()[2].0;
    commit(&store, [Order::Sweep { now: at(100), ended_before: at(0) }]).await.unwrap();
    assert_eq!(entries(0).await, [Revocation::Session(session_id(2))]);
    commit(&store, [Order::Sweep { now: at(101), ended_before: at(0) }]).await.unwrap();
    assert!(entries(0).await.is_empty());
    // Who has read up to the newest sees what comes after a sweep.
    commit(&store, [revoke(4, at(500))]).await.unwrap();
    assert_eq!(entries(newest).await, [Revocation::Session(session_id(4))]);
}

pub(crate) async fn the_newest_number_outlives_its_entry(store: Arc<dyn Store>) {
    let revoke = |n: u8| Order::Revoke { entry: Revocation::Session(session_id(n)), until: at(1) };
    let sweep = || Order::Sweep { now: at(1), ended_before: at(0) };
    assert_eq!(store.newest_revocation().await.unwrap(), 0);
    assert_eq!(commit(&store, [revoke(1), Order::DeleteKey(key_id(1))]).await, Err(Error::Conflict));
    assert_eq!(store.newest_revocation().await.unwrap(), 0);
    for round in 1..=3 {
        commit(&store, [revoke(1), revoke(2)]).await.unwrap();
        assert_eq!(store.newest_revocation().await.unwrap(), 2 * round);
        commit(&store, [sweep()]).await.unwrap();
        assert_eq!(store.revocations_after(0, 9).await.unwrap(), []);
        assert_eq!(store.newest_revocation().await.unwrap(), 2 * round);
    }
}

/// Units of one entry, of two, and of two that fail after them, as many as there are of `n`; and how many entries stay.
fn some_of_each(n: u8) -> (Vec<Unit>, usize) {
    let revoke = |n: u8| Order::Revoke { entry: Revocation::Session(session_id(n)), until: at(1) };
    let unit = |n: u8| match n % 3 {
        0 => Unit::from(revoke(n)),
        1 => Unit::from(revoke(n)).order(revoke(n)),
        _ => Unit::from(revoke(n)).order(revoke(n)).order(Order::DeleteKey(key_id(1))),
    };
    ((0..n).map(unit).collect(), (0..n).map(|n| [1, 2, 0][usize::from(n % 3)]).sum())
}

pub(crate) async fn numbers_have_no_gaps_and_appear_in_order_however_many_write(store: Arc<dyn Store>) {
    let (units, entries) = some_of_each(90);
    let reader = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let (mut last, mut pairs) = (0, Vec::new());
            while last < u64::try_from(entries).unwrap() {
                let page = store.revocations_after(last, 7).await.unwrap();
                for (seq, entry, _) in page {
                    // The next one is never behind one that is read, and never left out.
                    assert_eq!(seq, last + 1);
                    last = seq;
                    pairs.push(entry);
                }
                assert!(store.newest_revocation().await.unwrap() >= last);
                tokio::task::yield_now().await;
            }
            pairs
        })
    };
    let failed = race(&store, units).await.iter().filter(|answer| **answer == Err(Error::Conflict)).count();
    assert_eq!(failed, 30);
    let mut read = reader.await.unwrap();
    // The two of one unit are neighbours.
    read.dedup();
    assert_eq!(read.len(), 60);
    assert_eq!(store.newest_revocation().await.unwrap(), u64::try_from(entries).unwrap());
}

pub(crate) async fn who_follows_the_hints_misses_nothing(store: Arc<dyn Store>) {
    let (units, entries) = some_of_each(60);
    let mut hints = store.hints();
    let follower = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut last = 0;
            // Reads only when it was told to.
            while last < u64::try_from(entries).unwrap() {
                tokio::time::timeout(Duration::from_secs(30), hints.changed()).await.expect("no hint came").unwrap();
                for (seq, ..) in store.revocations_after(last, 1000).await.unwrap() {
                    assert_eq!(seq, last + 1);
                    last = seq;
                }
            }
        })
    };
    race(&store, units).await;
    follower.await.unwrap();
    // Before the commit is answered.
    let mut hints = store.hints();
    hints.mark_unchanged();
    commit(&store, [Order::Revoke { entry: Revocation::Key(key_id(1)), until: at(1) }]).await.unwrap();
    assert!(hints.has_changed().unwrap());
}
