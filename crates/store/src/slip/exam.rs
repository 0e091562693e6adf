//! What every backend must do with slips.

use crate::exam::{
    NOW, account, account_id, account_with_sessions, at, commit, logged_out, race, session_id, slip, winner,
};
use crate::{Error, Order, Slip, SlipKey, SlipKind, Store, Unit};
use cloakroom_core::time::Timestamp;
use std::sync::Arc;

async fn read(store: &Arc<dyn Store>, slip: &Slip) -> Option<Slip> {
    store.slip(slip.kind, &slip.key).await.unwrap()
}

fn remove(slip: &Slip, expected: u32) -> Order {
    Order::RemoveSlip { kind: slip.kind, key: slip.key.clone(), expected }
}

fn expect(slip: &Slip, expected: Option<u32>) -> Order {
    Order::ExpectSlip { kind: slip.kind, key: slip.key.clone(), expected }
}

fn sweep(now: i64) -> Order {
    Order::Sweep { now: at(now), ended_before: at(-1_000_000) }
}

/// The first bytes of the keys, which tell slips of an exam apart.
fn keys(slips: &[Slip]) -> Vec<u8> {
    slips.iter().map(|slip| slip.key.as_bytes()[0]).collect()
}

pub(crate) async fn a_slip_is_read_back_as_it_was_added(store: Arc<dyn Store>) {
    let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
    commit(&store, [Order::OpenAccount(account(1))]).await.unwrap();
    let large: Vec<u8> = (0..Slip::MAX_DATA).map(|n| u8::try_from(n % 251).unwrap()).collect();
    for (n, kind) in (1..).zip(SlipKind::ALL) {
        let plain = Slip { kind: *kind, ..slip(n) };
        let extreme = |key| Slip {
            key,
            account: Some(account_id(1)),
            version: u32::MAX,
            due_at: Some(first),
            expires_at: Some(last),
            data: large.clone(),
            ..plain.clone()
        };
        // Keys that begin with one another, with bytes that are no text.
        let written = [plain.clone(), extreme(SlipKey::from([0])), extreme(SlipKey::from([255; 64]))];
        for slip in &written {
            assert!(read(&store, slip).await.is_none());
        }
        commit(&store, written.iter().cloned().map(Order::AddSlip)).await.unwrap();
        for slip in &written {
            assert!(read(&store, slip).await.as_ref() == Some(slip), "{kind:?}");
        }
        assert!(store.slip(*kind, &SlipKey::from([255; 63])).await.unwrap().is_none());
        assert!(store.slip(*kind, &SlipKey::from([0, 0])).await.unwrap().is_none());
    }
}

pub(crate) async fn a_slip_that_is_too_large_is_a_fault_and_nothing_of_its_unit_happens(store: Arc<dyn Store>) {
    let large = |n| Slip { data: vec![7; Slip::MAX_DATA + 1], ..slip(n) };
    commit(&store, [Order::AddSlip(slip(1))]).await.unwrap();
    for order in [Order::AddSlip(large(2)), Order::PutSlip(large(1)), Order::ChangeSlip { expected: 0, next: large(1) }]
    {
        let answer = commit(&store, [Order::AddSlip(slip(3)), order]).await;
        let Err(Error::Fault(text)) = answer else { panic!("{answer:?}") };
        assert!(text.contains("65537") && text.contains("65536"), "{text}");
        assert!(read(&store, &slip(3)).await.is_none());
    }
    assert!(read(&store, &slip(1)).await == Some(slip(1)));
}

pub(crate) async fn a_key_is_added_once_for_each_kind(store: Arc<dyn Store>) {
    let added = |n: u8| Slip { data: vec![n], ..slip(1) };
    let answers = race(&store, (0..16).map(|n| Order::AddSlip(added(n)).into()).collect()).await;
    let won = added(winner(&answers).try_into().unwrap());
    assert!(read(&store, &won).await == Some(won.clone()));
    assert_eq!(commit(&store, [Order::AddSlip(won.clone())]).await, Err(Error::Conflict));
    let other = Slip { kind: SlipKind::Grant, data: Vec::new(), ..slip(1) };
    commit(&store, [Order::AddSlip(other.clone())]).await.unwrap();
    assert!(read(&store, &won).await == Some(won));
    assert!(read(&store, &other).await == Some(other));
}

pub(crate) async fn a_slip_names_an_account_that_is_there_or_none(store: Arc<dyn Store>) {
    let owned = |n, owner| Slip { account: Some(account_id(owner)), ..slip(n) };
    commit(&store, [Order::OpenAccount(account(1)), Order::AddSlip(slip(1))]).await.unwrap();
    for order in [
        Order::AddSlip(owned(2, 9)),
        Order::PutSlip(owned(2, 9)),
        Order::PutSlip(owned(1, 9)),
        Order::ChangeSlip { expected: 0, next: owned(1, 9) },
    ] {
        assert_eq!(commit(&store, [order]).await, Err(Error::Conflict));
        assert!(read(&store, &slip(1)).await == Some(slip(1)) && read(&store, &slip(2)).await.is_none());
    }
    // It can find an owner later, and lose it.
    commit(&store, [Order::ChangeSlip { expected: 0, next: owned(1, 1) }]).await.unwrap();
    assert!(read(&store, &slip(1)).await == Some(owned(1, 1)));
    commit(&store, [Order::PutSlip(slip(1))]).await.unwrap();
    assert!(store.slips_of(account_id(1), SlipKind::Code, 9).await.unwrap().is_empty());
    // One that is opened in the same unit is there.
    commit(&store, [Order::OpenAccount(account(9)), Order::AddSlip(owned(2, 9))]).await.unwrap();
    assert!(read(&store, &slip(2)).await == Some(owned(2, 9)));
}

pub(crate) async fn what_is_put_is_there_whatever_was_there_before(store: Arc<dyn Store>) {
    commit(&store, [Order::OpenAccount(account(1)), Order::AddSlip(slip(2))]).await.unwrap();
    let put = |n: u8| Slip {
        account: n.is_multiple_of(2).then_some(account_id(1)),
        version: n.into(),
        due_at: n.is_multiple_of(3).then_some(at(n.into())),
        expires_at: n.is_multiple_of(5).then_some(at(n.into())),
        data: vec![n; n.into()],
        ..slip(1)
    };
    for n in [1, 30, 7] {
        commit(&store, [Order::PutSlip(put(n))]).await.unwrap();
        assert!(read(&store, &slip(1)).await == Some(put(n)), "{n}");
    }
    let answers = race(&store, (0..32).map(|n| Order::PutSlip(put(n)).into()).collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let last = read(&store, &slip(1)).await.unwrap();
    assert!(last == put(u8::try_from(last.version).unwrap()));
    assert!(read(&store, &slip(2)).await == Some(slip(2)));
}

pub(crate) async fn one_change_of_a_version_wins_however_many_try_at_once(store: Arc<dyn Store>) {
    let next = |version, n: u8| Slip { version, data: vec![n], due_at: Some(at(n.into())), ..slip(1) };
    let change = |expected, next| Order::ChangeSlip { expected, next };
    assert_eq!(commit(&store, [change(0, next(1, 1))]).await, Err(Error::Conflict));
    assert!(read(&store, &slip(1)).await.is_none());
    commit(&store, [Order::AddSlip(slip(1)), Order::AddSlip(slip(2))]).await.unwrap();
    // The version is what it is given to be, also one that was there before.
    for (before, after) in [(0, 1), (1, u32::MAX), (u32::MAX, 0), (0, 7)] {
        for wrong in [before ^ 1, before ^ (1 << 31)] {
            assert_eq!(commit(&store, [change(wrong, next(after, 99))]).await, Err(Error::Conflict));
        }
        let answers = race(&store, (0..16).map(|n| change(before, next(after, n)).into()).collect()).await;
        let won = next(after, winner(&answers).try_into().unwrap());
        assert!(read(&store, &won).await == Some(won));
    }
    assert!(read(&store, &slip(2)).await == Some(slip(2)));
}

pub(crate) async fn a_slip_is_removed_once_and_only_by_who_read_its_version(store: Arc<dyn Store>) {
    let written = Slip { version: 3, ..slip(1) };
    assert_eq!(commit(&store, [remove(&written, 3)]).await, Err(Error::Conflict));
    let other_kind = Slip { kind: SlipKind::Device, ..written.clone() };
    commit(&store, [&written, &other_kind, &slip(2)].map(|slip| Order::AddSlip(slip.clone()))).await.unwrap();
    for wrong in [0, 2, 4, u32::MAX] {
        assert_eq!(commit(&store, [remove(&written, wrong)]).await, Err(Error::Conflict));
    }
    winner(&race(&store, (0..16).map(|_| remove(&written, 3).into()).collect()).await);
    assert!(read(&store, &written).await.is_none());
    assert!(read(&store, &other_kind).await == Some(other_kind) && read(&store, &slip(2)).await == Some(slip(2)));
    // Its place is free, within one unit as well.
    let again = Slip { version: 4, ..written };
    commit(&store, [Order::AddSlip(again.clone()), remove(&again, 4), Order::AddSlip(again.clone())]).await.unwrap();
    assert!(read(&store, &again).await == Some(again));
}

pub(crate) async fn all_slips_of_one_kind_of_an_account_are_removed(store: Arc<dyn Store>) {
    let remove = |n| Order::RemoveSlips { account: account_id(n), kind: SlipKind::Code };
    commit(&store, [remove(1)]).await.unwrap();
    commit(&store, [Order::OpenAccount(account(1)), Order::OpenAccount(account(2)), remove(1)]).await.unwrap();
    let owned = |n: u8, owner| Slip { account: Some(account_id(owner)), version: n.into(), ..slip(n) };
    let other_kind = Slip { kind: SlipKind::Letter, ..owned(1, 1) };
    let kept = [other_kind, owned(3, 2), slip(4)];
    commit(&store, [owned(1, 1), owned(2, 1)].into_iter().chain(kept.clone()).map(Order::AddSlip)).await.unwrap();
    commit(&store, [remove(1)]).await.unwrap();
    assert!(store.slips_of(account_id(1), SlipKind::Code, 9).await.unwrap().is_empty());
    assert!(read(&store, &slip(1)).await.is_none() && read(&store, &slip(2)).await.is_none());
    for slip in &kept {
        assert!(read(&store, slip).await.as_ref() == Some(slip));
    }
}

pub(crate) async fn of_those_who_replace_all_slips_by_one_the_last_one_is_left(store: Arc<dyn Store>) {
    commit(&store, [Order::OpenAccount(account(1))]).await.unwrap();
    let replace = |n| {
        let slip = Slip { account: Some(account_id(1)), ..slip(n) };
        Unit::from(Order::RemoveSlips { account: account_id(1), kind: slip.kind }).order(Order::AddSlip(slip))
    };
    for round in 0..8 {
        let answers = race(&store, (0..16).map(|n| replace(round * 16 + n)).collect()).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(store.slips_of(account_id(1), SlipKind::Code, 99).await.unwrap().len(), 1, "round {round}");
    }
}

pub(crate) async fn an_expectation_of_a_slip_holds_or_nothing_happens(store: Arc<dyn Store>) {
    let there = Slip { version: 5, ..slip(1) };
    commit(&store, [Order::AddSlip(there.clone())]).await.unwrap();
    let absent = [slip(2), Slip { kind: SlipKind::Totp, ..slip(1) }, Slip { key: SlipKey::from([1; 17]), ..slip(1) }];
    let mut cases = vec![(&there, Some(5), true), (&there, None, false)];
    cases.extend([0, 4, 6, u32::MAX].map(|wrong| (&there, Some(wrong), false)));
    for slip in &absent {
        cases.extend([(slip, None, true), (slip, Some(0), false), (slip, Some(5), false)]);
    }
    for (n, (slip_of_case, version, holds)) in (50..).zip(cases) {
        let expected = if holds { Ok(()) } else { Err(Error::Conflict) };
        assert_eq!(commit(&store, [expect(slip_of_case, version)]).await, expected, "case {n}");
        // Before what else the unit does, and after it.
        assert_eq!(commit(&store, [expect(slip_of_case, version), Order::AddSlip(slip(n))]).await, expected);
        assert_eq!(commit(&store, [Order::AddSlip(slip(n + 100)), expect(slip_of_case, version)]).await, expected);
        for added in [n, n + 100] {
            assert_eq!(read(&store, &slip(added)).await.is_some(), holds, "case {n}");
        }
        // It has changed nothing itself.
        assert!(read(&store, &there).await.as_ref() == Some(&there));
        for slip in &absent {
            assert!(read(&store, slip).await.is_none());
        }
    }
    // What its own unit did before counts.
    let next = Slip { version: 6, ..there.clone() };
    let seen =
        [Order::ChangeSlip { expected: 5, next }, expect(&there, Some(6)), remove(&there, 6), expect(&there, None)];
    commit(&store, seen).await.unwrap();
    assert!(read(&store, &there).await.is_none());
}

pub(crate) async fn of_units_that_expect_what_the_others_change_one_wins(store: Arc<dyn Store>) {
    // Each expects that none of the others was here, and leaves its own mark.
    let marks = |n: u8| -> Unit {
        let others = (1..=16).filter(|other| *other != n).map(|other| expect(&slip(other), None));
        others.chain([Order::AddSlip(slip(n))]).fold(Unit::new(), Unit::order)
    };
    let won = winner(&race(&store, (1..=16).map(marks).collect()).await);
    for n in 1..=16 {
        assert_eq!(read(&store, &slip(n)).await.is_some(), usize::from(n) == won + 1, "{n}");
    }
    // The same with one that is there: who changes it, and who relies on it, come one after the other.
    let shared = slip(50);
    commit(&store, [Order::AddSlip(shared.clone())]).await.unwrap();
    let mut units: Vec<Unit> =
        (51..66).map(|n| Unit::from(expect(&shared, Some(0))).order(Order::AddSlip(slip(n)))).collect();
    let next = Slip { version: 1, ..shared.clone() };
    // It fails if it does not see those who relied on the version and came before it, or they did not come before it.
    let change = (51..66).fold(Unit::new(), |unit, n| unit.order(expect(&slip(n), None)));
    units.push(change.order(Order::ChangeSlip { expected: 0, next }));
    let answers = race(&store, units).await;
    let (relied, changed) = (answers[..15].iter().filter(|answer| answer.is_ok()).count(), answers[15].is_ok());
    assert!(if changed { relied == 0 } else { relied == 15 }, "{answers:?}");
}

pub(crate) async fn slips_of_an_account_come_in_the_order_of_their_keys(store: Arc<dyn Store>) {
    commit(&store, [Order::OpenAccount(account(1)), Order::OpenAccount(account(2))]).await.unwrap();
    let owned = |n: u8, owner| Slip {
        account: Some(account_id(owner)),
        // Neither whether nor when it is due or over matters.
        due_at: n.is_multiple_of(2).then_some(at(-i64::from(n))),
        expires_at: n.is_multiple_of(3).then_some(at(-1)),
        ..slip(n)
    };
    let begins_alike = Slip { key: SlipKey::from([7, 0]), ..owned(7, 1) };
    let orders = [9, 128, 3, 255, 4].map(|n| owned(n, 1)).into_iter().chain([begins_alike, owned(5, 2), slip(6)]);
    commit(&store, orders.map(Order::AddSlip)).await.unwrap();
    commit(&store, [Order::AddSlip(Slip { kind: SlipKind::Device, ..owned(8, 1) })]).await.unwrap();
    let of = async |owner, limit| keys(&store.slips_of(account_id(owner), SlipKind::Code, limit).await.unwrap());
    assert_eq!(of(1, u32::MAX).await, [3, 4, 7, 9, 128, 255]);
    assert_eq!(of(1, 2).await, [3, 4]);
    assert_eq!(of(2, 9).await, [5]);
    assert!(of(1, 0).await.is_empty() && of(3, 9).await.is_empty());
    assert!(
        store.slips_of(account_id(1), SlipKind::Device, 9).await.unwrap()
            == [Slip { kind: SlipKind::Device, ..owned(8, 1) }]
    );
}

pub(crate) async fn slips_that_are_due_come_longest_due_first(store: Arc<dyn Store>) {
    let due = |n: u8, millis: i64| Slip { due_at: Some(at(millis)), ..slip(n) };
    let long_ago = Slip { due_at: Some(Timestamp::from_millis(i64::MIN)), ..slip(5) };
    let never = Slip { due_at: Some(Timestamp::from_millis(i64::MAX)), ..slip(6) };
    let expired = Slip { expires_at: Some(at(1)), ..due(7, 30) };
    let other_kind = Slip { kind: SlipKind::Letter, ..due(8, 10) };
    let all =
        [due(1, 40), due(2, 20), due(4, 50), due(3, 50), due(9, 51), slip(10), long_ago, never, expired, other_kind];
    commit(&store, all.map(Order::AddSlip)).await.unwrap();
    let found = async |now, limit| keys(&store.slips_due(SlipKind::Code, now, limit).await.unwrap());
    assert_eq!(found(at(50), 99).await, [5, 2, 7, 1, 3, 4]);
    assert_eq!(found(at(49), 99).await, [5, 2, 7, 1]);
    assert_eq!(found(at(50), 3).await, [5, 2, 7]);
    assert!(found(at(50), 0).await.is_empty());
    assert_eq!(found(Timestamp::from_millis(i64::MIN), 9).await, [5]);
    assert_eq!(found(Timestamp::from_millis(i64::MAX), 99).await, [5, 2, 7, 1, 3, 4, 9, 6]);
    // Who has taken care of it says so.
    commit(&store, [Order::ChangeSlip { expected: 0, next: slip(2) }]).await.unwrap();
    assert_eq!(found(at(50), 2).await, [5, 7]);
}

pub(crate) async fn a_sweep_forgets_slips_that_have_expired(store: Arc<dyn Store>) {
    commit(&store, [Order::OpenAccount(account(1))]).await.unwrap();
    let until = |n: u8, millis: i64| Slip {
        expires_at: Some(at(millis)),
        account: (n == 2).then_some(account_id(1)),
        due_at: (n == 3).then_some(at(500)),
        ..slip(n)
    };
    let long_ago = Slip { expires_at: Some(Timestamp::from_millis(i64::MIN)), ..slip(6) };
    let never = Slip { expires_at: Some(Timestamp::from_millis(i64::MAX)), ..slip(7) };
    let all = [until(1, 99), until(2, 100), until(3, 100), until(4, 101), slip(5), long_ago, never];
    commit(&store, all.clone().map(Order::AddSlip)).await.unwrap();
    commit(&store, [sweep(100)]).await.unwrap();
    for (slip, kept) in all.iter().zip([false, false, false, true, true, false, true]) {
        assert_eq!(read(&store, slip).await.is_some(), kept, "{:?}", slip.key.as_bytes());
    }
    // What is put again in the meantime is not expired any longer.
    let renewed = until(4, 300);
    commit(&store, [Order::PutSlip(renewed.clone()), sweep(200)]).await.unwrap();
    assert!(read(&store, &renewed).await == Some(renewed));
}

pub(crate) async fn a_sweep_forgets_only_so_many_slips_at_once_those_that_expired_first(store: Arc<dyn Store>) {
    let many = Slip::SWEPT_AT_ONCE + 3;
    let expiring = |n: u32| Slip {
        key: SlipKey::from(n.to_be_bytes()),
        // The last ones expired first.
        expires_at: Some(at(-i64::from(n))),
        data: Vec::new(),
        ..slip(1)
    };
    for from in (0..many).step_by(5000) {
        commit(&store, (from..many.min(from + 5000)).map(|n| Order::PutSlip(expiring(n)))).await.unwrap();
    }
    for kept in [[true, true, true, false], [false; 4]] {
        commit(&store, [sweep(0)]).await.unwrap();
        for (n, kept) in (0..).zip(kept) {
            assert_eq!(read(&store, &expiring(n)).await.is_some(), kept, "{n}");
        }
        assert!(read(&store, &expiring(many - 1)).await.is_none());
    }
}

pub(crate) async fn what_ends_a_session_forgets_what_stood_behind_it(store: Arc<dyn Store>) {
    account_with_sessions(&store, &[1, 2, 3, 4, 5]).await;
    let behind = |n| Slip {
        kind: SlipKind::ProviderSession,
        key: SlipKey::from(*session_id(n).as_bytes()),
        account: Some(account_id(1)),
        ..slip(1)
    };
    commit(&store, (1..=5).map(|n| Order::AddSlip(behind(n)))).await.unwrap();
    // Of another kind, under the same key.
    let other = Slip { kind: SlipKind::Challenge, ..behind(1) };
    commit(&store, [Order::AddSlip(other.clone())]).await.unwrap();
    let left = async || {
        let slips = store.slips_of(account_id(1), SlipKind::ProviderSession, 10).await.unwrap();
        (1..=5).filter(|n| slips.contains(&behind(*n))).collect::<Vec<_>>()
    };
    let end = |n| Order::EndSession { session: session_id(n), ended: logged_out(NOW) };
    commit(&store, [end(1)]).await.unwrap();
    assert_eq!(left().await, [2, 3, 4, 5]);
    assert!(read(&store, &other).await.is_some());
    assert_eq!(commit(&store, [end(2), end(1)]).await, Err(Error::Conflict));
    assert_eq!(left().await, [2, 3, 4, 5], "nothing of a unit that conflicts");
    let oldest = Order::EndOldest {
        account: account_id(1),
        keep: 3,
        now: at(1),
        idle_since: at(-1_000_000),
        ended: logged_out(NOW),
        revoked_until: at(9),
    };
    commit(&store, [oldest]).await.unwrap();
    assert_eq!(left().await.len(), 3);
    let kept = left().await[0];
    let except = Some(session_id(kept));
    let all = Order::EndSessions { account: account_id(1), except, ended: logged_out(NOW), revoked_until: at(9) };
    commit(&store, [all]).await.unwrap();
    assert_eq!(left().await, [kept]);
    commit(&store, [Order::EndEverything { ended: logged_out(NOW), before: NOW, until: at(9) }]).await.unwrap();
    assert!(left().await.is_empty());
    assert!(read(&store, &other).await.is_some());
}
