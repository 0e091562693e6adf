//! What every backend must do with sessions and their families.

use crate::exam::{
    NOW, account, account_id, account_with_sessions, at, commit, key_id, logged_out, race, session, session_id, winner,
};
use crate::{Error, Order, Sighting, Store, Unit};
use cloakroom_core::access::Revocation;
use cloakroom_core::refresh::EndReason;
use cloakroom_core::refresh::{Ended, Family, Version};
use cloakroom_core::session::Session;
use cloakroom_core::time::Timestamp;
use std::sync::Arc;

/// The family of session 1, which is there.
async fn family(store: &Arc<dyn Store>) -> Family {
    store.session(session_id(1)).await.unwrap().unwrap().family
}

fn change(expected: Version, next: Family) -> Order {
    Order::ChangeFamily { session: session_id(1), expected, next }
}

fn rotated(family: &Family, at: Timestamp) -> Family {
    let generation = family.generation + 1;
    Family { generation, rotated_at: at, issue: 0, issued_at: at, acknowledged_at: None, ..family.clone() }
}

fn sighted(generation: u32, first: Option<Timestamp>, last: Timestamp) -> Order {
    Order::Sight(Sighting { session: session_id(1), generation, first_used_at: first, last_used_at: last })
}

pub(crate) async fn a_session_is_read_back_as_it_was_opened(store: Arc<dyn Store>) {
    let (first, last) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
    let extreme = |n, reason| Session {
        opened_at: first,
        last_used_at: last,
        absolute_until: last,
        remember: false,
        user_agent: String::new(),
        address: "\u{0}".to_owned(),
        family: Family {
            generation: u32::MAX,
            rotated_at: first,
            issue: u32::MAX,
            issued_at: last,
            acknowledged_at: Some(first),
            late_repeats: u8::MAX,
            key: key_id(255),
            seed: [0; 16],
            ended: Some(Ended { at: last, reason }),
        },
        ..session(n, 1)
    };
    account_with_sessions(&store, &[1]).await;
    assert_eq!(store.session(session_id(1)).await.unwrap(), Some(session(1, 1)));
    assert_eq!(store.session(session_id(9)).await.unwrap(), None);
    for (n, reason) in (2..).zip(EndReason::ALL) {
        commit(&store, [Order::OpenSession(extreme(n, reason))]).await.unwrap();
        assert_eq!(store.session(session_id(n)).await.unwrap(), Some(extreme(n, reason)));
    }
}

pub(crate) async fn a_session_needs_its_account_and_an_id_of_its_own(store: Arc<dyn Store>) {
    assert_eq!(commit(&store, [Order::OpenSession(session(1, 1))]).await, Err(Error::Conflict));
    assert_eq!(store.session(session_id(1)).await.unwrap(), None);
    account_with_sessions(&store, &[1]).await;
    commit(&store, [Order::OpenAccount(account(2))]).await.unwrap();
    assert_eq!(commit(&store, [Order::OpenSession(session(1, 2))]).await, Err(Error::Conflict));
    assert_eq!(store.session(session_id(1)).await.unwrap(), Some(session(1, 1)));
}

pub(crate) async fn sessions_of_an_account_come_last_used_first_and_without_ended_ones(store: Arc<dyn Store>) {
    account_with_sessions(&store, &[]).await;
    commit(&store, [Order::OpenAccount(account(2)), Order::OpenSession(session(50, 2))]).await.unwrap();
    for (n, used) in [(1, 30), (2, 10), (3, 40), (4, 20)] {
        commit(&store, [Order::OpenSession(Session { last_used_at: at(used), ..session(n, 1) })]).await.unwrap();
    }
    commit(&store, [Order::EndSession { session: session_id(1), ended: logged_out(NOW) }]).await.unwrap();
    let ids = async |limit| -> Vec<_> {
        store.sessions_of(account_id(1), limit).await.unwrap().into_iter().map(|session| session.id).collect()
    };
    assert_eq!(ids(10).await, [3, 4, 2].map(session_id));
    assert_eq!(ids(u32::MAX).await.len(), 3);
    assert_eq!(ids(2).await, [3, 4].map(session_id));
    assert!(ids(0).await.is_empty());
    assert!(store.sessions_of(account_id(9), 10).await.unwrap().is_empty());
}

pub(crate) async fn one_rotation_wins_however_many_try_at_once(store: Arc<dyn Store>) {
    account_with_sessions(&store, &[1, 2]).await;
    for generation in 1..=8 {
        let before = family(&store).await;
        let next = |n: usize| rotated(&before, at(n.try_into().unwrap()));
        let answers = race(&store, (0..32).map(|n| change(before.version(), next(n)).into()).collect()).await;
        let after = family(&store).await;
        assert_eq!(after, next(winner(&answers)));
        assert_eq!(after.generation, generation);
    }
    assert_eq!(store.session(session_id(2)).await.unwrap(), Some(session(2, 1)));
}

pub(crate) async fn a_family_is_changed_only_from_the_version_that_was_judged(store: Arc<dyn Store>) {
    let opened = session(1, 1).family;
    let next = Family { late_repeats: 3, key: key_id(201), ..rotated(&opened, at(5)) };
    assert_eq!(commit(&store, [change(opened.version(), next.clone())]).await, Err(Error::Conflict));
    account_with_sessions(&store, &[1]).await;
    for (generation, issue) in [(1, 0), (0, 1), (u32::MAX, 0)] {
        let wrong = Version { generation, issue };
        assert_eq!(commit(&store, [change(wrong, next.clone())]).await, Err(Error::Conflict));
    }
    assert_eq!(family(&store).await, opened);
    commit(&store, [change(opened.version(), next.clone())]).await.unwrap();
    assert_eq!(store.session(session_id(1)).await.unwrap(), Some(Session { family: next.clone(), ..session(1, 1) }));
    let repeat = Family { issue: 1, issued_at: at(6), late_repeats: 4, ..next.clone() };
    commit(&store, [change(next.version(), repeat.clone())]).await.unwrap();
    assert_eq!(commit(&store, [change(next.version(), repeat.clone())]).await, Err(Error::Conflict));
    assert_eq!(family(&store).await, repeat);
}

pub(crate) async fn a_repeat_conflicts_with_an_acknowledgement_that_came_between(store: Arc<dyn Store>) {
    account_with_sessions(&store, &[1]).await;
    let judged = family(&store).await;
    let repeat = Family { issue: 1, issued_at: at(6), ..judged.clone() };
    commit(&store, [sighted(0, Some(at(3)), at(3))]).await.unwrap();
    assert_eq!(commit(&store, [change(judged.version(), repeat)]).await, Err(Error::Conflict));
    assert_eq!(family(&store).await, Family { acknowledged_at: Some(at(3)), ..judged.clone() });
    // A rotation was not judged by it.
    commit(&store, [change(judged.version(), rotated(&judged, at(7)))]).await.unwrap();
    assert_eq!(family(&store).await, rotated(&judged, at(7)));
}

pub(crate) async fn one_end_wins_and_a_family_that_ended_stays_as_it_is(store: Arc<dyn Store>) {
    let end = |n: i64| Order::EndSession {
        session: session_id(1),
        ended: Ended { at: at(n), reason: EndReason::ALL[usize::try_from(n).unwrap() % 3] },
    };
    assert_eq!(commit(&store, [end(0)]).await, Err(Error::Conflict));
    account_with_sessions(&store, &[1, 2]).await;
    let answers = race(&store, (0..16).map(|n| Unit::from(end(n))).collect()).await;
    let won = i64::try_from(winner(&answers)).unwrap();
    let ended = Some(Ended { at: at(won), reason: EndReason::ALL[usize::try_from(won).unwrap() % 3] });
    let expected = Session { family: Family { ended, ..session(1, 1).family }, ..session(1, 1) };
    assert_eq!(store.session(session_id(1)).await.unwrap().as_ref(), Some(&expected));

    let family = session(1, 1).family;
    assert_eq!(commit(&store, [change(family.version(), rotated(&family, NOW))]).await, Err(Error::Conflict));
    assert_eq!(commit(&store, [end(0)]).await, Err(Error::Conflict));
    commit(&store, [sighted(0, Some(at(8)), at(900))]).await.unwrap();
    assert_eq!(store.session(session_id(1)).await.unwrap(), Some(expected));
    assert_eq!(store.session(session_id(2)).await.unwrap(), Some(session(2, 1)));
}

pub(crate) async fn all_sessions_end_with_an_entry_in_the_feed_for_each(store: Arc<dyn Store>) {
    account_with_sessions(&store, &[1, 2, 3, 4]).await;
    commit(&store, [Order::OpenAccount(account(2)), Order::OpenSession(session(50, 2))]).await.unwrap();
    commit(&store, [Order::EndSession { session: session_id(4), ended: logged_out(at(1)) }]).await.unwrap();
    let end = |except: Option<u8>, n| Order::EndSessions {
        account: account_id(1),
        except: except.map(session_id),
        ended: Ended { at: at(n), reason: EndReason::Revoked },
        revoked_until: at(n + 100),
    };
    let feed = async |after| {
        let entries = store.revocations_after(after, 100).await.unwrap();
        let mut told: Vec<_> = entries.into_iter().map(|(_, entry, until)| (entry, until)).collect();
        told.sort_by_key(|(entry, _)| format!("{entry:?}"));
        told
    };
    let ended_at = async |n| store.session(session_id(n)).await.unwrap().unwrap().family.ended.map(|ended| ended.at);

    commit(&store, [end(Some(2), 10)]).await.unwrap();
    let mut expected: Vec<_> = [1, 3].map(|n| (Revocation::Session(session_id(n)), at(110))).into();
    expected.sort_by_key(|(entry, _)| format!("{entry:?}"));
    assert_eq!(feed(0).await, expected);
    assert_eq!((ended_at(1).await, ended_at(2).await, ended_at(3).await), (Some(at(10)), None, Some(at(10))));
    assert_eq!((ended_at(4).await, ended_at(50).await), (Some(at(1)), None));

    let last = store.revocations_after(0, 100).await.unwrap().last().unwrap().0;
    commit(&store, [end(None, 20)]).await.unwrap();
    assert_eq!(feed(last).await, [(Revocation::Session(session_id(2)), at(120))]);
    assert_eq!((ended_at(1).await, ended_at(2).await, ended_at(50).await), (Some(at(10)), Some(at(20)), None));
    // Nothing is left to end, and that is no conflict.
    commit(&store, [end(None, 30)]).await.unwrap();
    assert_eq!(store.revocations_after(0, 100).await.unwrap().len(), 3);
}

pub(crate) async fn a_sighting_acknowledges_the_newest_generation_once(store: Arc<dyn Store>) {
    commit(&store, [sighted(0, Some(NOW), NOW)]).await.unwrap();
    account_with_sessions(&store, &[1, 2]).await;
    let acknowledged = async || family(&store).await.acknowledged_at;
    commit(&store, [sighted(0, None, at(3)), sighted(1, Some(at(3)), at(3))]).await.unwrap();
    assert_eq!(acknowledged().await, None);
    commit(&store, [sighted(0, Some(at(4)), at(4))]).await.unwrap();
    assert_eq!(acknowledged().await, Some(at(4)));
    for again in [Some(at(3)), Some(at(5)), None] {
        commit(&store, [sighted(0, again, at(5))]).await.unwrap();
        assert_eq!(acknowledged().await, Some(at(4)));
    }
    let before = family(&store).await;
    commit(&store, [change(before.version(), rotated(&before, at(6))), sighted(0, Some(at(7)), at(7))]).await.unwrap();
    assert_eq!(acknowledged().await, None);
    commit(&store, [sighted(1, Some(at(8)), at(8))]).await.unwrap();
    assert_eq!(acknowledged().await, Some(at(8)));
    assert_eq!(store.session(session_id(2)).await.unwrap(), Some(session(2, 1)));
}

pub(crate) async fn the_last_use_only_moves_forward(store: Arc<dyn Store>) {
    account_with_sessions(&store, &[1]).await;
    for (reported, kept) in [(1, 2), (50, 50), (49, 50), (60, 60)] {
        commit(&store, [sighted(7, None, at(reported))]).await.unwrap();
        assert_eq!(store.session(session_id(1)).await.unwrap().unwrap().last_used_at, at(kept));
    }
}

pub(crate) async fn a_sweep_forgets_sessions_that_were_over_before_its_line(store: Arc<dyn Store>) {
    account_with_sessions(&store, &[]).await;
    let ended = |n, millis| Session {
        family: Family { ended: Some(logged_out(at(millis))), ..session(n, 1).family },
        ..session(n, 1)
    };
    for opened in [
        Session { absolute_until: at(99), ..session(1, 1) },
        Session { absolute_until: at(100), ..session(2, 1) },
        ended(3, 99),
        ended(4, 100),
        session(5, 1),
    ] {
        commit(&store, [Order::OpenSession(opened)]).await.unwrap();
    }
    commit(&store, [Order::Sweep { now: at(5000), ended_before: at(100) }]).await.unwrap();
    for (n, kept) in [(1, false), (2, true), (3, false), (4, true), (5, true)] {
        assert_eq!(store.session(session_id(n)).await.unwrap().is_some(), kept, "{n}");
    }
    assert!(store.account(account_id(1)).await.unwrap().is_some());
}
