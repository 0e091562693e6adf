//! What every backend must do with the revocation feed.

use crate::exam::{at, commit, key_id, session_id};
use crate::{Order, Store};
use cloakroom_core::access::Revocation;
use cloakroom_core::time::Timestamp;
use std::sync::Arc;

pub(crate) async fn every_kind_of_entry_is_read_back(store: Arc<dyn Store>) {
    let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
    let issues = |generation, oldest, from| Revocation::Issues { session: session_id(2), generation, oldest, from };
    let entries = [
        (Revocation::Session(session_id(1)), at(5)),
        (issues(0, 1, first), last),
        (issues(u32::MAX, u32::MAX, last), first),
        (Revocation::Key(key_id(3)), at(4)),
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
