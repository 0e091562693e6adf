//! What every backend must make of a unit of work as a whole.

use crate::exam::{
    NOW, account, account_id, account_with_sessions, at, commit, event, hash, key, key_id, logged_out, race, session,
    session_id, slip,
};
use crate::{Error, Order, Outage, Sighting, Slip, SlipKind, Store, Unit};
use cloakroom_core::access::Revocation;
use cloakroom_core::refresh::Family;
use cloakroom_core::session::Roles;
use std::sync::Arc;

/// One order of every kind that changes something in the store of [`prepare`].
fn one_of_each() -> Vec<Order> {
    let family = session(1, 1).family;
    vec![
        Order::OpenAccount(account(2)),
        Order::SetPassword { account: account_id(1), expected: hash(1), next: hash(2), at: Some(at(50)) },
        Order::OpenSession(session(9, 1)),
        Order::ChangeFamily {
            session: session_id(1),
            expected: family.version(),
            next: Family { generation: 1, ..family },
        },
        Order::SetRoles { session: session_id(3), next: Roles::of(["auditor"], ["staff"]).0 },
        Order::EndSession { session: session_id(2), ended: logged_out(NOW) },
        Order::Sight(Sighting {
            session: session_id(3),
            generation: 0,
            first_used_at: Some(at(77)),
            last_used_at: at(77),
        }),
        Order::EndSessions {
            account: account_id(1),
            except: Some(session_id(3)),
            ended: logged_out(NOW),
            revoked_until: at(60),
        },
        Order::EndOldest {
            account: account_id(1),
            keep: 0,
            now: at(3),
            idle_since: at(1),
            ended: logged_out(NOW),
            revoked_until: at(60),
        },
        Order::EndEverything { ended: logged_out(NOW), before: NOW, until: at(70) },
        Order::DisableAccount { account: account_id(1), at: Some(NOW) },
        Order::VerifyEmail { account: account_id(1), email: account(1).email, at: at(8) },
        Order::SetEmail {
            account: account_id(1),
            expected: account(1).email,
            next: account(7).email,
            verified_at: Some(at(9)),
        },
        Order::AddSlip(slip(9)),
        Order::PutSlip(Slip { data: vec![9], ..slip(1) }),
        Order::ChangeSlip { expected: 0, next: Slip { version: 1, due_at: Some(NOW), ..slip(2) } },
        Order::RemoveSlip { kind: SlipKind::Code, key: slip(3).key, expected: 0 },
        Order::RemoveSlips { account: account_id(1), kind: SlipKind::Code },
        Order::RaiseFloor { account: account_id(1), to: at(9), until: at(70) },
        Order::InsertKey(key(2)),
        Order::WithdrawKey { key: key_id(1), at: NOW },
        Order::DeleteKey(key_id(3)),
        Order::Revoke { entry: Revocation::Key(key_id(1)), until: at(70) },
        Order::Record(event(2)),
        Order::DeleteAccount(account_id(4)),
        Order::Sweep { now: at(5), ended_before: at(5) },
    ]
}

async fn prepare(store: &Arc<dyn Store>) {
    account_with_sessions(store, &[1, 2, 3]).await;
    commit(store, [Order::OpenAccount(account(4)), Order::OpenSession(session(4, 4))]).await.unwrap();
    let old = Order::Revoke { entry: Revocation::Session(session_id(8)), until: at(1) };
    commit(store, [Order::InsertKey(key(1)), Order::InsertKey(key(3)), Order::Record(event(1)), old]).await.unwrap();
    let owned = |n: u8| Slip { account: Some(account_id(n)), ..slip(n) };
    let expired = Slip { expires_at: Some(at(2)), ..slip(5) };
    commit(
        store,
        [owned(1), slip(2), slip(3), owned(4), expired, Slip { account: Some(account_id(1)), ..slip(6) }]
            .map(Order::AddSlip),
    )
    .await
    .unwrap();
}

/// Everything that can be read, as text to compare.
async fn everything(store: &Arc<dyn Store>) -> String {
    let mut rows = Vec::new();
    for n in 0..=9 {
        let account = store.account(account_id(n)).await.unwrap();
        let account = account.map(|a| {
            let instants = (a.opened_at, a.email_verified_at, a.password_set_at, a.disabled_at, a.not_before);
            (a.id, a.email, a.password.as_phc().to_owned(), instants)
        });
        let slip = store.slip(SlipKind::Code, &slip(n).key).await.unwrap();
        let slip = slip.map(|s| (s.account, s.version, s.due_at, s.expires_at, s.data));
        rows.push((account, store.session(session_id(n)).await.unwrap(), slip));
    }
    let (keys, version) = (store.keys().await.unwrap(), store.keys_version().await.unwrap());
    let (events, revocations) =
        (store.events_after(0, 99).await.unwrap(), store.revocations_after(0, 99).await.unwrap());
    let newest = store.newest_revocation().await.unwrap();
    format!("{rows:?} {version} {keys:?} {events:?} {revocations:?} {newest}")
}

pub(crate) async fn a_unit_that_conflicts_in_its_middle_changes_nothing(store: Arc<dyn Store>) {
    prepare(&store).await;
    let before = everything(&store).await;
    let conflict = || Order::EndSession { session: session_id(99), ended: logged_out(NOW) };
    for place in 0..=one_of_each().len() {
        let mut orders = one_of_each();
        orders.insert(place, conflict());
        assert_eq!(commit(&store, orders).await, Err(Error::Conflict));
        assert_eq!(everything(&store).await, before, "conflict in place {place}");
    }
    // Each order alone changes something, so that nothing above was unchanged for nothing.
    let mut last = before;
    for (place, order) in one_of_each().into_iter().enumerate() {
        commit(&store, [order]).await.unwrap();
        let now = everything(&store).await;
        assert_ne!(now, last, "order {place}");
        last = now;
    }
}

pub(crate) async fn units_around_one_that_conflicts_land(store: Arc<dyn Store>) {
    commit(&store, [Order::InsertKey(key(250))]).await.unwrap();
    let taken = || Order::InsertKey(key(250));
    let units = (0..96).map(|n| match n % 3 {
        0 => Unit::new().order(Order::InsertKey(key(n))).order(taken()).order(Order::Record(event(n))),
        1 => Unit::new().order(Order::InsertKey(key(n))).order(Order::Record(event(n))),
        _ => Unit::new().order(Order::Record(event(n))).order(taken()),
    });
    let answers = race(&store, units.collect()).await;
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(*answer, if n % 3 == 1 { Ok(()) } else { Err(Error::Conflict) }, "{n}");
    }
    let landed = || (0..96).filter(|n| n % 3 == 1);
    let keys: Vec<_> = store.keys().await.unwrap().into_iter().map(|key| key.id).collect();
    assert_eq!(keys, landed().chain([250]).map(key_id).collect::<Vec<_>>());
    let mut events: Vec<_> = store.events_after(0, 999).await.unwrap().into_iter().map(|(_, event)| event.id).collect();
    events.sort();
    assert_eq!(events, landed().map(|n| event(n).id).collect::<Vec<_>>());
}

pub(crate) async fn a_unit_sees_what_its_own_orders_did(store: Arc<dyn Store>) {
    let end = || Order::EndSession { session: session_id(1), ended: logged_out(NOW) };
    let open = || [Order::OpenAccount(account(1)), Order::OpenSession(session(1, 1))];
    assert_eq!(commit(&store, open().into_iter().chain([end(), end()])).await, Err(Error::Conflict));
    assert!(store.account(account_id(1)).await.unwrap().is_none());
    commit(&store, open().into_iter().chain([end()])).await.unwrap();
    assert_eq!(store.session(session_id(1)).await.unwrap().unwrap().family.ended, Some(logged_out(NOW)));
}

pub(crate) async fn an_empty_unit_succeeds(store: Arc<dyn Store>) {
    assert!(Unit::new().is_empty());
    assert_eq!(store.commit(Unit::new()).await, Ok(()));
    assert_eq!(store.ping().await, Ok(()));
}

pub(crate) async fn a_closed_store_has_done_what_it_took_and_takes_no_more(store: Arc<dyn Store>) {
    let taken = race(&store, (0..64).map(|n| Unit::from(Order::InsertKey(key(n)))).collect());
    let (answers, ()) = tokio::join!(taken, async {
        // Not before some of them have come.
        while store.keys().await.is_ok_and(|keys| keys.is_empty()) {
            tokio::task::yield_now().await;
        }
        tokio::join!(store.close(), store.close());
    });
    let closed = Error::Unavailable(Outage::Closed);
    for answer in answers {
        assert!(answer == Ok(()) || answer == Err(closed.clone()), "{answer:?}");
    }
    store.close().await;
    assert_eq!(commit(&store, [Order::InsertKey(key(100))]).await, Err(closed.clone()));
    assert_eq!(store.keys().await, Err(closed.clone()));
    assert_eq!(store.newest_revocation().await, Err(closed.clone()));
    assert_eq!(store.ping().await, Err(closed));
}
