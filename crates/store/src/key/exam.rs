//! What every backend must do with the key ring.

use crate::exam::{NOW, account, at, commit, event, key, key_id, race, winner};
use crate::{Error, Order, Store, Unit};
use cloakroom_core::access::Revocation;
use cloakroom_core::keyring::{KeyRecord, Purpose};
use cloakroom_core::time::Timestamp;
use std::sync::Arc;

pub(crate) async fn keys_are_read_back_as_they_were_inserted(store: Arc<dyn Store>) {
    assert!(store.keys().await.unwrap().is_empty());
    let mut keys: Vec<_> = (1..)
        .zip(Purpose::ALL)
        .map(|(n, purpose)| KeyRecord { purpose, withdrawn_at: (n == 2).then_some(at(9)), ..key(n) })
        .collect();
    let large = vec![0xA5; 4096];
    keys.push(KeyRecord { sealed: large, active_from: Timestamp::from_millis(i64::MAX), ..key(4) });
    // The one made first comes first, in whatever order they were inserted.
    commit(&store, keys.iter().rev().cloned().map(Order::InsertKey)).await.unwrap();
    assert_eq!(store.keys().await.unwrap(), keys);
    let taken = KeyRecord { algorithm: "ES256".to_owned(), ..key(1) };
    assert_eq!(commit(&store, [Order::InsertKey(taken)]).await, Err(Error::Conflict));
    assert_eq!(store.keys().await.unwrap(), keys);
}

pub(crate) async fn a_key_is_withdrawn_once_and_deleted_once(store: Arc<dyn Store>) {
    let withdraw = |n: i64| Order::WithdrawKey { key: key_id(1), at: at(n) };
    assert_eq!(commit(&store, [withdraw(0)]).await, Err(Error::Conflict));
    assert_eq!(commit(&store, [Order::DeleteKey(key_id(1))]).await, Err(Error::Conflict));
    commit(&store, [Order::InsertKey(key(1)), Order::InsertKey(key(2))]).await.unwrap();
    let won = winner(&race(&store, (0..16).map(|n| Unit::from(withdraw(n))).collect()).await);
    let withdrawn_at = Some(at(won.try_into().unwrap()));
    assert_eq!(store.keys().await.unwrap(), [KeyRecord { withdrawn_at, ..key(1) }, key(2)]);
    winner(&race(&store, (0..16).map(|_| Unit::from(Order::DeleteKey(key_id(1)))).collect()).await);
    assert_eq!(store.keys().await.unwrap(), [key(2)]);
}

pub(crate) async fn the_version_of_the_ring_changes_with_the_ring_alone(store: Arc<dyn Store>) {
    let mut seen = vec![store.keys_version().await.unwrap()];
    for order in [
        Order::InsertKey(key(1)),
        Order::InsertKey(key(2)),
        Order::WithdrawKey { key: key_id(1), at: NOW },
        Order::DeleteKey(key_id(1)),
        Order::DeleteKey(key_id(2)),
    ] {
        commit(&store, [order]).await.unwrap();
        let version = store.keys_version().await.unwrap();
        assert!(!seen.contains(&version), "{version} after {seen:?}");
        seen.push(version);
    }
    let last = seen.last().copied();
    let revoke = Order::Revoke { entry: Revocation::Key(key_id(1)), until: NOW };
    commit(&store, [Order::OpenAccount(account(1)), Order::Record(event(1)), revoke]).await.unwrap();
    assert_eq!(commit(&store, [Order::InsertKey(key(3)), Order::DeleteKey(key_id(9))]).await, Err(Error::Conflict));
    assert_eq!(Some(store.keys_version().await.unwrap()), last);
}

pub(crate) async fn one_change_of_the_ring_wins_however_many_expect_its_version(store: Arc<dyn Store>) {
    let mut there = 0;
    for round in 0..4 {
        let version = store.keys_version().await.unwrap();
        let insert = |n: u8| Unit::from(Order::ExpectKeys(version)).order(Order::InsertKey(key(round * 32 + n)));
        winner(&race(&store, (0..32).map(insert).collect()).await);
        there += 1;
        assert_eq!(store.keys().await.unwrap().len(), there);
        assert_eq!(commit(&store, [Order::ExpectKeys(version)]).await, Err(Error::Conflict));
        assert_eq!(commit(&store, [Order::ExpectKeys(u64::MAX)]).await, Err(Error::Conflict));
    }
    // Expecting it is not changing it; what happens earlier in the same unit counts.
    let version = store.keys_version().await.unwrap();
    commit(&store, [Order::ExpectKeys(version), Order::ExpectKeys(version)]).await.unwrap();
    assert_eq!(store.keys_version().await.unwrap(), version);
    assert_eq!(commit(&store, [Order::InsertKey(key(200)), Order::ExpectKeys(version)]).await, Err(Error::Conflict));
}
