//! What every backend must do with sessions and their families.

use crate::exam::{
    NOW, account, account_id, account_with_sessions, at, commit, key_id, logged_out, race, session, session_id, winner,
};
use crate::{Error, Order, Sighting, Store, Unit};
use cloakroom_core::access::Revocation;
use cloakroom_core::account::Account;
use cloakroom_core::refresh::EndReason;
use cloakroom_core::refresh::{Ended, Family, Version};
use cloakroom_core::session::{Roles, Session, Strategy};
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
    let extreme = |n, strategy, reason| Session {
        strategy,
        opened_at: first,
        last_used_at: last,
        absolute_until: last,
        remember: false,
        user_agent: String::new(),
        address: "\u{1}".to_owned(),
        family: Family {
            generation: u32::MAX,
            rotated_at: first,
            issue: u32::MAX,
            issued_at: last,
            acknowledged_at: Some(first),
            late_repeats: u8::MAX,
            rotated_with: u32::MAX,
            key: key_id(255),
            seed: [0; 16],
            ended: Some(Ended { at: last, reason }),
        },
        ..session(n, 1)
    };
    account_with_sessions(&store, &[1]).await;
    assert_eq!(store.session(session_id(1)).await.unwrap(), Some(session(1, 1)));
    assert_eq!(store.session(session_id(9)).await.unwrap(), None);
    let every = Strategy::ALL.into_iter().flat_map(|strategy| EndReason::ALL.map(|reason| (strategy, reason)));
    for (n, (strategy, reason)) in (2..).zip(every) {
        commit(&store, [Order::OpenSession(extreme(n, strategy, reason))]).await.unwrap();
        assert_eq!(store.session(session_id(n)).await.unwrap(), Some(extreme(n, strategy, reason)));
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

pub(crate) async fn a_disabled_account_and_a_floor_keep_new_sessions_out(store: Arc<dyn Store>) {
    let disabled = Account { disabled_at: Some(NOW), ..account(1) };
    let floor = |n, floor| Account { not_before: Some(at(floor)), ..account(n) };
    commit(&store, [disabled, floor(2, 1), floor(3, 0), floor(4, -1)].map(Order::OpenAccount)).await.unwrap();
    for (n, opens) in [(1, false), (2, false), (3, true), (4, true)] {
        let answer = commit(&store, [Order::OpenSession(session(n, n))]).await;
        assert_eq!(answer, if opens { Ok(()) } else { Err(Error::Conflict) }, "account {n}");
        assert_eq!(store.session(session_id(n)).await.unwrap().is_some(), opens);
    }
    // What happens earlier in the same unit counts.
    let enable = Order::DisableAccount { account: account_id(1), at: None };
    commit(&store, [enable, Order::OpenSession(session(1, 1))]).await.unwrap();
    let raise = Order::RaiseFloor { account: account_id(4), to: at(1), until: at(2) };
    assert_eq!(commit(&store, [raise, Order::OpenSession(session(5, 4))]).await, Err(Error::Conflict));
}

/// Account 1 with sessions 1 to 4 that live at 500 after 100, used last first; and four that do not live, or are another's.
async fn four_live_sessions(store: &Arc<dyn Store>) {
    account_with_sessions(store, &[]).await;
    commit(store, [Order::OpenAccount(account(2))]).await.unwrap();
    let live = |n: u8, account| Session {
        last_used_at: at(200 - i64::from(n)),
        absolute_until: at(501),
        ..session(n, account)
    };
    let over = [
        Session { last_used_at: at(100), ..live(11, 1) },
        Session { absolute_until: at(500), ..live(12, 1) },
        Session { family: Family { ended: Some(logged_out(NOW)), ..session(13, 1).family }, ..live(13, 1) },
        live(20, 2),
    ];
    // Not opened in the order of their use.
    let sessions = [3, 1, 4, 2].map(|n| live(n, 1)).into_iter().chain(over);
    commit(store, sessions.map(Order::OpenSession)).await.unwrap();
}

fn room(below: u32) -> Order {
    Order::ExpectRoom { account: account_id(1), below, now: at(500), idle_since: at(100) }
}

fn end_oldest(keep: u32) -> Order {
    Order::EndOldest {
        account: account_id(1),
        keep,
        now: at(500),
        idle_since: at(100),
        ended: Ended { at: at(500), reason: EndReason::Displaced },
        revoked_until: at(600),
    }
}

pub(crate) async fn room_is_expected_among_live_sessions_alone(store: Arc<dyn Store>) {
    // Nobody has no session.
    commit(&store, [room(1)]).await.unwrap();
    assert_eq!(commit(&store, [room(0)]).await, Err(Error::Conflict));
    four_live_sessions(&store).await;
    for (below, answer) in [
        (0, Err(Error::Conflict)),
        (1, Err(Error::Conflict)),
        (4, Err(Error::Conflict)),
        (5, Ok(())),
        (u32::MAX, Ok(())),
    ] {
        assert_eq!(commit(&store, [room(below)]).await, answer, "{below}");
    }
    // What happens earlier in the same unit counts.
    let end = || Order::EndSession { session: session_id(1), ended: logged_out(NOW) };
    let open = |n| Order::OpenSession(Session { last_used_at: at(400), ..session(n, 1) });
    commit(&store, [end(), room(4), open(5)]).await.unwrap();
    assert_eq!(commit(&store, [open(6), room(5)]).await, Err(Error::Conflict));
    assert!(store.session(session_id(6)).await.unwrap().is_none());
}

pub(crate) async fn never_more_sessions_open_than_there_is_room_for(store: Arc<dyn Store>) {
    four_live_sessions(&store).await;
    let open = |n: u8| Order::OpenSession(Session { last_used_at: at(400), ..session(n, 1) });
    let units = (100..132).map(|n| Unit::from(room(7)).order(open(n))).collect();
    let answers = race(&store, units).await;
    let opened = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(opened, 3, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer, Ok(()) | Err(Error::Conflict))), "{answers:?}");

    // Who makes room for itself always finds it, and never leaves more behind than that.
    let units = (150..182).map(|n| Unit::from(end_oldest(6)).order(open(n))).collect();
    let answers = race(&store, units).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let live = store.sessions_of(account_id(1), 100).await.unwrap();
    assert_eq!(
        live.iter().filter(|session| session.last_used_at > at(100) && session.absolute_until > at(500)).count(),
        7
    );
    let told = store.revocations_after(0, 100).await.unwrap().len();
    assert_eq!(told, 32, "one for each that had to go");
}

pub(crate) async fn those_used_longest_ago_end_and_the_rest_stays(store: Arc<dyn Store>) {
    commit(&store, [end_oldest(0)]).await.unwrap();
    four_live_sessions(&store).await;
    let ended = async || -> Vec<u8> {
        let mut ended = Vec::new();
        for n in [1, 2, 3, 4, 11, 12, 20] {
            let family = store.session(session_id(n)).await.unwrap().unwrap().family;
            if let Some(end) = family.ended {
                assert_eq!(end, Ended { at: at(500), reason: EndReason::Displaced });
                ended.push(n);
            }
        }
        ended
    };
    let mut told = Vec::new();
    for (keep, expected) in
        [(u32::MAX, &[][..]), (4, &[]), (3, &[4]), (3, &[4]), (1, &[2, 3, 4]), (0, &[1, 2, 3, 4]), (0, &[1, 2, 3, 4])]
    {
        commit(&store, [end_oldest(keep)]).await.unwrap();
        assert_eq!(ended().await, expected, "{keep} kept");
        let entries = store.revocations_after(0, 100).await.unwrap();
        told = entries.iter().map(|(_, entry, until)| (*entry, *until)).collect();
        assert_eq!(told.len(), expected.len());
    }
    told.sort_by_key(|(entry, _)| format!("{entry:?}"));
    let mut expected = [1, 2, 3, 4].map(|n| (Revocation::Session(session_id(n)), at(600)));
    expected.sort_by_key(|(entry, _)| format!("{entry:?}"));
    assert_eq!(told, expected);
}

pub(crate) async fn everything_ends_with_one_entry_in_the_feed(store: Arc<dyn Store>) {
    let end = |n| Order::EndEverything {
        ended: Ended { at: at(n), reason: EndReason::Withdrawn },
        before: at(n + 1),
        until: at(n + 2),
    };
    let told = |n: i64| (Revocation::Everything { before: at(n + 1) }, at(n + 2));
    commit(&store, [end(1)]).await.unwrap();
    account_with_sessions(&store, &[1, 2, 3]).await;
    commit(&store, [Order::OpenAccount(account(2)), Order::OpenSession(session(50, 2))]).await.unwrap();
    commit(&store, [Order::EndSession { session: session_id(3), ended: logged_out(at(2)) }]).await.unwrap();
    commit(&store, [end(10)]).await.unwrap();
    for (n, ended) in [(1, 10), (2, 10), (3, 2), (50, 10)] {
        assert_eq!(store.session(session_id(n)).await.unwrap().unwrap().family.ended.unwrap().at, at(ended), "{n}");
    }
    let entries = store.revocations_after(0, 100).await.unwrap();
    assert_eq!(entries, [(1, told(1).0, told(1).1), (2, told(10).0, told(10).1)]);
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
        ended: Ended { at: at(n), reason: EndReason::ALL[usize::try_from(n).unwrap() % EndReason::ALL.len()] },
    };
    assert_eq!(commit(&store, [end(0)]).await, Err(Error::Conflict));
    account_with_sessions(&store, &[1, 2]).await;
    let answers = race(&store, (0..16).map(|n| Unit::from(end(n))).collect()).await;
    let won = i64::try_from(winner(&answers)).unwrap();
    let ended =
        Some(Ended { at: at(won), reason: EndReason::ALL[usize::try_from(won).unwrap() % EndReason::ALL.len()] });
    let expected = Session { family: Family { ended, ..session(1, 1).family }, ..session(1, 1) };
    assert_eq!(store.session(session_id(1)).await.unwrap().as_ref(), Some(&expected));

    let family = session(1, 1).family;
    assert_eq!(commit(&store, [change(family.version(), rotated(&family, NOW))]).await, Err(Error::Conflict));
    assert_eq!(commit(&store, [end(0)]).await, Err(Error::Conflict));
    commit(&store, [sighted(0, Some(at(8)), at(900))]).await.unwrap();
    assert_eq!(store.session(session_id(1)).await.unwrap(), Some(expected));
    assert_eq!(store.session(session_id(2)).await.unwrap(), Some(session(2, 1)));
}

pub(crate) async fn roles_change_while_a_session_lives(store: Arc<dyn Store>) {
    account_with_sessions(&store, &[1, 2]).await;
    let (next, _) = Roles::of(["auditor"], ["staff", "finance"]);
    let set = || Order::SetRoles { session: session_id(1), next: next.clone() };
    commit(&store, [set()]).await.unwrap();
    let expected = Session { roles: next.clone(), ..session(1, 1) };
    assert_eq!(store.session(session_id(1)).await.unwrap(), Some(expected));
    assert_eq!(store.session(session_id(2)).await.unwrap(), Some(session(2, 1)));
    commit(&store, [Order::EndSession { session: session_id(1), ended: logged_out(NOW) }]).await.unwrap();
    assert_eq!(commit(&store, [set()]).await, Err(Error::Conflict));
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
