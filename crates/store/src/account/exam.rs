//! What every backend must do with accounts.

use crate::exam::{
    NOW, account, account_id, at, commit, event, hash, logged_out, race, session, session_id, slip, winner,
};
use crate::{Error, Order, Slip, SlipKind, Store, Unit};
use cloakroom_core::access::Revocation;
use cloakroom_core::account::{Account, Email};
use cloakroom_core::event::Event;
use cloakroom_core::id::AccountId;
use cloakroom_core::time::Timestamp;
use std::sync::Arc;

pub(crate) async fn an_account_is_read_back_as_it_was_opened(store: Arc<dyn Store>) {
    let extreme = Account {
        email: Email::parse("Дом@пример.рф").unwrap(),
        opened_at: Timestamp::from_millis(i64::MIN),
        email_verified_at: Some(Timestamp::from_millis(i64::MAX)),
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
            .order(Order::OpenSession(session(n, 1)))
    };
    let change = |expected, next, at| Order::SetPassword { account: account_id(1), expected, next, at };
    // The same password, hashed anew: who compared the old hash has compared this password.
    commit(&store, [change(read.password.clone(), hash(7), None)]).await.unwrap();
    store.commit(log_in(1)).await.unwrap();
    // Many log-ins on their way while a new one is set: each is in before it, or not at all.
    let mut units: Vec<_> = (2..16).map(log_in).collect();
    let ended = logged_out(at(9));
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

pub(crate) async fn an_address_is_proven_only_while_it_is_the_address_of_the_account(store: Arc<dyn Store>) {
    let verify = |n, email: &str, millis| Order::VerifyEmail {
        account: account_id(n),
        email: Email::parse(email).unwrap(),
        at: at(millis),
    };
    assert_eq!(commit(&store, [verify(1, "person1@example.com", 5)]).await, Err(Error::Conflict));
    commit(&store, [Order::OpenAccount(account(1)), Order::OpenAccount(account(2))]).await.unwrap();
    for other in ["person2@example.com", "nobody@example.com"] {
        assert_eq!(commit(&store, [verify(1, other, 5)]).await, Err(Error::Conflict));
    }
    assert!(store.account(account_id(1)).await.unwrap() == Some(account(1)));
    for (spelling, millis) in [("PERSON1@example.com", 5), ("person1@example.com", 9)] {
        commit(&store, [verify(1, spelling, millis)]).await.unwrap();
        let verified = Account { email_verified_at: Some(at(millis)), ..account(1) };
        assert!(store.account(account_id(1)).await.unwrap() == Some(verified));
    }
    assert!(store.account(account_id(2)).await.unwrap() == Some(account(2)));
    // What was proven of an address is not proven of the next one.
    let (expected, next) = (account(1).email, Email::parse("new@example.com").unwrap());
    let set = Order::SetEmail { account: account_id(1), expected, next, verified_at: None };
    assert_eq!(commit(&store, [set.clone(), verify(1, "person1@example.com", 10)]).await, Err(Error::Conflict));
    commit(&store, [set]).await.unwrap();
    assert_eq!(store.account(account_id(1)).await.unwrap().unwrap().email_verified_at, None);
}

pub(crate) async fn an_address_is_changed_only_by_who_read_the_last_one(store: Arc<dyn Store>) {
    let email = |text: &str| Email::parse(text).unwrap();
    let set = |expected: &str, next: &str, verified_at| Order::SetEmail {
        account: account_id(1),
        expected: email(expected),
        next: email(next),
        verified_at,
    };
    let read = async || store.account(account_id(1)).await.unwrap().unwrap();
    assert_eq!(commit(&store, [set("person1@example.com", "new@example.com", None)]).await, Err(Error::Conflict));
    commit(&store, [Order::OpenAccount(account(1)), Order::OpenAccount(account(2))]).await.unwrap();
    for (expected, next) in [
        ("other@example.com", "new@example.com"),
        ("person2@example.com", "new@example.com"),
        ("person1@example.com", "PERSON2@example.com"),
    ] {
        assert_eq!(commit(&store, [set(expected, next, Some(NOW))]).await, Err(Error::Conflict), "{next}");
    }
    assert!(read().await == account(1));
    // Another spelling of its own address is not taken, and what is read is what was typed.
    for (expected, next, verified_at) in [
        ("person1@EXAMPLE.com", "PERSON1@example.com", None),
        ("person1@example.com", "New@Example.com", Some(at(7))),
        ("new@example.com", "Дом@пример.рф", Some(at(8))),
    ] {
        commit(&store, [set(expected, next, verified_at)]).await.unwrap();
        let changed = Account { email: email(next), email_verified_at: verified_at, ..account(1) };
        assert!(read().await == changed);
        assert!(store.account_by_email(&email(next)).await.unwrap() == Some(changed));
    }
    assert!(store.account_by_email(&email("new@example.com")).await.unwrap().is_none());
    assert!(store.account(account_id(2)).await.unwrap() == Some(account(2)));
    // The old address is free.
    let heir = Account { email: email("person1@example.com"), ..account(3) };
    commit(&store, [Order::OpenAccount(heir)]).await.unwrap();
}

pub(crate) async fn one_address_goes_to_one_account_however_many_want_it(store: Arc<dyn Store>) {
    let wanted = Email::parse("wanted@example.com").unwrap();
    commit(&store, (0..16).map(|n| Order::OpenAccount(account(n)))).await.unwrap();
    let set = |n: u8| Order::SetEmail {
        account: account_id(n),
        expected: account(n).email,
        next: wanted.clone(),
        verified_at: None,
    };
    let open = |n: u8| Order::OpenAccount(Account { email: wanted.clone(), ..account(n) });
    let units = (0..16).map(|n| Unit::from(set(n))).chain((16..32).map(|n| Unit::from(open(n)))).collect();
    let won = account_id(winner(&race(&store, units).await).try_into().unwrap());
    assert!(store.account_by_email(&wanted).await.unwrap().unwrap().id == won);
    for n in 0..16 {
        let kept = store.account_by_email(&account(n).email).await.unwrap();
        assert_eq!(kept.is_some(), account_id(n) != won, "{n}");
    }
}

pub(crate) async fn pages_of_accounts_leave_none_out(store: Arc<dyn Store>) {
    assert_eq!(store.count_accounts().await, Ok(0));
    assert!(store.accounts(None, 9).await.unwrap().is_empty());
    // The first and the last id that there can be, and neighbours in every place of an id.
    let mut ids: Vec<_> = (0..=255).step_by(5).map(account_id).collect();
    ids.extend((0..16).map(|place| {
        let mut bytes = [0; 16];
        bytes[place] = 200;
        AccountId::from_bytes(bytes)
    }));
    let opened = |(n, id)| {
        let email = Email::parse(&format!("person-{n}@example.com")).unwrap();
        Order::OpenAccount(Account { id, email, ..account(1) })
    };
    // Opened in another order than that of their ids.
    commit(&store, ids.iter().copied().enumerate().rev().map(opened)).await.unwrap();
    ids.sort();
    assert_eq!(store.count_accounts().await, Ok(ids.len().try_into().unwrap()));
    let (mut last, mut read) = (None, Vec::new());
    loop {
        let page = store.accounts(last, 7).await.unwrap();
        assert!(page.len() <= 7);
        let Some(account) = page.last() else { break };
        last = Some(account.id);
        read.extend(page.into_iter().map(|account| account.id));
    }
    assert_eq!(read, ids);
    assert_eq!(store.accounts(None, u32::MAX).await.unwrap().len(), ids.len());
    assert!(store.accounts(None, 0).await.unwrap().is_empty());
    // Also after one that is not there, and one that was deleted meanwhile.
    commit(&store, [Order::DeleteAccount(account_id(5))]).await.unwrap();
    for absent in [account_id(4), account_id(5)] {
        assert!(store.accounts(Some(absent), 1).await.unwrap()[0].id == account_id(10));
    }
    assert_eq!(store.count_accounts().await, Ok((ids.len() - 1).try_into().unwrap()));
}

/// Accounts 1 and 2 with two sessions each, one of which has ended, and two slips each; and a slip of nobody.
async fn two_accounts_with_everything(store: &Arc<dyn Store>) {
    for n in [1, 2] {
        let owned = |kind| Slip { kind, account: Some(account_id(n)), ..slip(n) };
        let orders = [
            Order::OpenAccount(account(n)),
            Order::OpenSession(session(n, n)),
            Order::OpenSession(session(n + 10, n)),
            Order::EndSession { session: session_id(n + 10), ended: logged_out(at(5)) },
            Order::AddSlip(owned(SlipKind::Code)),
            Order::AddSlip(owned(SlipKind::Device)),
            Order::Record(Event { account: Some(account_id(n)), ..event(n) }),
        ];
        commit(store, orders).await.unwrap();
    }
    commit(store, [Order::AddSlip(slip(3))]).await.unwrap();
}

/// Whether account `n` of [`two_accounts_with_everything`] is there with all that it has, or nothing of it.
async fn is_there(store: &Arc<dyn Store>, n: u8) -> bool {
    let is_there = store.account(account_id(n)).await.unwrap().is_some();
    assert_eq!(store.account_by_email(&account(n).email).await.unwrap().is_some(), is_there);
    for session in [n, n + 10] {
        assert_eq!(store.session(session_id(session)).await.unwrap().is_some(), is_there);
    }
    for kind in [SlipKind::Code, SlipKind::Device] {
        assert_eq!(store.slip(kind, &slip(n).key).await.unwrap().is_some(), is_there);
        assert_eq!(store.slips_of(account_id(n), kind, 9).await.unwrap().len(), is_there.into());
    }
    is_there
}

pub(crate) async fn a_deleted_account_takes_its_sessions_and_slips_with_it(store: Arc<dyn Store>) {
    let delete = || Order::DeleteAccount(account_id(1));
    assert_eq!(commit(&store, [delete()]).await, Err(Error::Conflict));
    two_accounts_with_everything(&store).await;
    assert_eq!(commit(&store, [delete(), delete()]).await, Err(Error::Conflict));
    assert!(is_there(&store, 1).await);
    winner(&race(&store, (0..16).map(|_| delete().into()).collect()).await);
    assert!(!is_there(&store, 1).await && is_there(&store, 2).await);
    assert!(store.sessions_of(account_id(1), 9).await.unwrap().is_empty());
    assert!(store.slip(SlipKind::Code, &slip(3).key).await.unwrap().is_some());
    // The trail holds ids only, and stays.
    assert_eq!(store.events_of(account_id(1), 9).await.unwrap().len(), 1);
    // Its address, its slips' keys and its sessions' ids can be used again.
    let heir = Account { email: account(1).email, ..account(4) };
    let slip = Slip { account: Some(account_id(4)), ..slip(1) };
    commit(&store, [Order::OpenAccount(heir.clone()), Order::AddSlip(slip)]).await.unwrap();
    assert!(store.account_by_email(&account(1).email).await.unwrap() == Some(heir));
    commit(&store, [Order::OpenSession(session(1, 4))]).await.unwrap();
}

pub(crate) async fn an_account_is_ended_and_deleted_in_one_unit_and_the_feed_and_the_trail_stay(store: Arc<dyn Store>) {
    two_accounts_with_everything(&store).await;
    let end = |account| {
        [
            Order::EndSessions { account, except: None, ended: logged_out(at(9)), revoked_until: at(100) },
            Order::RaiseFloor { account, to: at(9), until: at(200) },
            Order::DeleteAccount(account),
            Order::Record(Event { account: Some(account), ..event(9) }),
        ]
    };
    // A unit that fails after the deletion leaves everything as it was.
    let failing = end(account_id(1)).into_iter().chain([Order::DeleteAccount(account_id(99))]);
    assert_eq!(commit(&store, failing).await, Err(Error::Conflict));
    assert!(is_there(&store, 1).await && store.newest_revocation().await == Ok(0));

    commit(&store, end(account_id(1))).await.unwrap();
    assert!(!is_there(&store, 1).await && is_there(&store, 2).await);
    let mut told: Vec<_> =
        store.revocations_after(0, 9).await.unwrap().into_iter().map(|(_, entry, until)| (entry, until)).collect();
    told.sort_by_key(|(_, until)| *until);
    let floor = Revocation::Account { account: account_id(1), before: at(9) };
    assert_eq!(told, [(Revocation::Session(session_id(1)), at(100)), (floor, at(200))]);
    let trail: Vec<_> = store.events_of(account_id(1), 9).await.unwrap().into_iter().map(|(_, line)| line.id).collect();
    assert_eq!(trail, [event(9).id, event(1).id]);
}

pub(crate) async fn nothing_is_added_to_an_account_that_goes_at_the_same_time(store: Arc<dyn Store>) {
    two_accounts_with_everything(&store).await;
    let owned = |n: u8| Slip { account: Some(account_id(1)), ..slip(n) };
    let mut units: Vec<Unit> = Vec::new();
    for n in 20..24 {
        units.push(Order::OpenSession(session(n, 1)).into());
        units.push(Order::AddSlip(owned(n)).into());
        units.push(Unit::from(Order::PutSlip(owned(n + 10))).order(Order::PutSlip(owned(n + 20))));
        units.push(Unit::from(Order::RemoveSlips { account: account_id(1), kind: SlipKind::Code }));
        units.push(Order::PutSlip(owned(1)).into());
    }
    let place = units.len() / 2;
    let end =
        Order::EndSessions { account: account_id(1), except: None, ended: logged_out(at(9)), revoked_until: at(9) };
    units.insert(place, Unit::from(end).order(Order::DeleteAccount(account_id(1))));
    let answers = race(&store, units).await;
    assert!(answers.iter().all(|answer| matches!(answer, Ok(()) | Err(Error::Conflict))), "{answers:?}");
    assert_eq!(answers[place], Ok(()));
    // Those that came before it went with it, the others found no account.
    assert!(!is_there(&store, 1).await && is_there(&store, 2).await);
    for n in 20..44 {
        assert!(store.session(session_id(n)).await.unwrap().is_none());
        assert!(store.slip(SlipKind::Code, &slip(n).key).await.unwrap().is_none());
    }
}
