//! What every backend must do with accounts.

use crate::exam::{NOW, account, account_id, at, commit, hash, race, winner};
use crate::{Error, Order, Store, Unit};
use cloakroom_core::access::Revocation;
use cloakroom_core::account::{Account, Email};
use cloakroom_core::time::Timestamp;
use std::sync::Arc;

pub(crate) async fn an_account_is_read_back_as_it_was_opened(store: Arc<dyn Store>) {
    let extreme = Account {
        email: Email::parse("Дом@пример.рф").unwrap(),
        opened_at: Timestamp::from_millis(i64::MIN),
        password_set_at: Timestamp::from_millis(i64::MAX),
        disabled_at: Some(Timestamp::from_millis(i64::MIN)),
        not_before: Some(Timestamp::from_millis(i64::MAX)),
        ..account(2)
    };
    commit(&store, [Order::OpenAccount(account(1)), Order::OpenAccount(extreme.clone())]).await.unwrap();
    assert!(store.account(account_id(1)).await.unwrap() == Some(account(1)));
    assert!(store.account(account_id(2)).await.unwrap() == Some(extreme.clone()));
    assert!(store.account(account_id(3)).await.unwrap().is_none());
    let by_email = async |text| store.account_by_email(&Email::parse(text).unwrap()).await.unwrap();
    assert!(by_email("pERSON1@example.COM").await == Some(account(1)));
    assert!(by_email("дом@ПРИМЕР.рф").await == Some(extreme));
    assert!(by_email("person3@example.com").await.is_none());
}

pub(crate) async fn one_address_opens_one_account_however_many_try_at_once(store: Arc<dyn Store>) {
    let spellings = ["Ann@example.com", "ann@example.com", "ANN@EXAMPLE.COM"];
    let opened = |n: u8| Account { email: Email::parse(spellings[usize::from(n) % 3]).unwrap(), ..account(n) };
    let answers = race(&store, (0..32).map(|n| Unit::from(Order::OpenAccount(opened(n)))).collect()).await;
    let won = opened(u8::try_from(winner(&answers)).unwrap());
    assert!(store.account_by_email(&won.email).await.unwrap() == Some(won.clone()));
    for n in 0..32 {
        assert_eq!(store.account(account_id(n)).await.unwrap().is_some(), won.id == account_id(n));
    }
    let same_id = Account { email: Email::parse("other@example.com").unwrap(), ..won };
    assert_eq!(commit(&store, [Order::OpenAccount(same_id)]).await, Err(Error::Conflict));
}

pub(crate) async fn a_password_is_replaced_only_by_who_read_the_last_one(store: Arc<dyn Store>) {
    let set = |expected, next, at| Order::SetPassword { account: account_id(1), expected, next, at };
    assert_eq!(commit(&store, [set(hash(1), hash(2), None)]).await, Err(Error::Conflict));
    commit(&store, [Order::OpenAccount(account(1)), Order::OpenAccount(account(4))]).await.unwrap();
    assert_eq!(commit(&store, [set(hash(9), hash(2), Some(NOW))]).await, Err(Error::Conflict));

    commit(&store, [set(hash(1), hash(2), None)]).await.unwrap();
    let rehashed = Account { password: hash(2), ..account(1) };
    assert!(store.account(account_id(1)).await.unwrap() == Some(rehashed.clone()));
    commit(&store, [set(hash(2), hash(3), Some(at(7)))]).await.unwrap();
    let changed = Account { password: hash(3), password_set_at: at(7), ..rehashed };
    assert!(store.account(account_id(1)).await.unwrap() == Some(changed));
    assert!(store.account(account_id(4)).await.unwrap() == Some(account(4)));

    let rivals = (10..26).map(|n| Unit::from(set(hash(3), hash(n), None))).collect();
    let won = hash(10 + u8::try_from(winner(&race(&store, rivals).await)).unwrap());
    assert_eq!(store.account(account_id(1)).await.unwrap().unwrap().password, won);
}

pub(crate) async fn an_account_is_disabled_once_and_enabled_once(store: Arc<dyn Store>) {
    let disable = |at| Order::DisableAccount { account: account_id(1), at };
    assert_eq!(commit(&store, [disable(Some(NOW))]).await, Err(Error::Conflict));
    commit(&store, [Order::OpenAccount(account(1)), Order::OpenAccount(account(2))]).await.unwrap();
    assert_eq!(commit(&store, [disable(None)]).await, Err(Error::Conflict));
    let answers = race(&store, (0..16).map(|n| Unit::from(disable(Some(at(n))))).collect()).await;
    let disabled_at = Some(at(winner(&answers).try_into().unwrap()));
    assert!(store.account(account_id(1)).await.unwrap() == Some(Account { disabled_at, ..account(1) }));
    winner(&race(&store, (0..16).map(|_| Unit::from(disable(None))).collect()).await);
    for n in [1, 2] {
        assert!(store.account(account_id(n)).await.unwrap() == Some(account(n)));
    }
}

pub(crate) async fn a_floor_only_rises_and_the_feed_hears_of_it(store: Arc<dyn Store>) {
    let raise = |n| Order::RaiseFloor { account: account_id(1), to: at(n), until: at(n + 100) };
    assert_eq!(commit(&store, [raise(1)]).await, Err(Error::Conflict));
    commit(&store, [Order::OpenAccount(account(1)), Order::OpenAccount(account(2))]).await.unwrap();
    for (to, floor) in [(-5, -5), (20, 20), (10, 20), (20, 20), (30, 30)] {
        commit(&store, [raise(to)]).await.unwrap();
        assert_eq!(store.account(account_id(1)).await.unwrap().unwrap().not_before, Some(at(floor)));
        let newest = store.revocations_after(0, 100).await.unwrap().pop().unwrap();
        let entry = Revocation::Account { account: account_id(1), before: at(to) };
        assert_eq!((newest.1, newest.2), (entry, at(to + 100)));
    }
    assert_eq!(store.revocations_after(0, 100).await.unwrap().len(), 5);
    let answers = race(&store, (40..72).map(|n| Unit::from(raise(n))).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(store.account(account_id(1)).await.unwrap().unwrap().not_before, Some(at(71)));
    assert!(store.account(account_id(2)).await.unwrap() == Some(account(2)));
}

pub(crate) async fn no_session_is_opened_with_a_password_that_was_replaced(store: Arc<dyn Store>) {
    commit(&store, [Order::OpenAccount(account(1))]).await.unwrap();
    let read = store.account(account_id(1)).await.unwrap().unwrap();
    let log_in = |n: u8| {
        Unit::from(Order::ExpectPassword { account: account_id(1), set_at: read.password_set_at })
            .order(Order::OpenSession(crate::exam::session(n, 1)))
    };
    let change = |expected, next, at| Order::SetPassword { account: account_id(1), expected, next, at };
    // The same password, hashed anew: who compared the old hash has compared this password.
    commit(&store, [change(read.password.clone(), hash(7), None)]).await.unwrap();
    store.commit(log_in(1)).await.unwrap();
    // Many log-ins on their way while a new one is set: each is in before it, or not at all.
    let mut units: Vec<_> = (2..16).map(log_in).collect();
    let ended = crate::exam::logged_out(at(9));
    let new = Unit::from(change(hash(7), hash(8), Some(at(9)))).order(Order::EndSessions {
        account: account_id(1),
        except: None,
        ended,
        revoked_until: at(10),
    });
    units.insert(5, new);
    let answers = race(&store, units).await;
    assert_eq!(answers[5], Ok(()));
    assert!(store.sessions_of(account_id(1), 100).await.unwrap().is_empty(), "{answers:?}");
    assert_eq!(store.commit(log_in(20)).await, Err(Error::Conflict));
}
