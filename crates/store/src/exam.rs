//! The list of exams that every backend takes, and what they are made of.
//!
//! A backend hands `every_exam!` a macro that makes a test of each name: the exam of a thing is in its folder. An exam
//! is given a new, empty store, and knows nothing else about it.

use crate::{Error, Order, Slip, SlipKey, SlipKind, Store, Unit};
use cloakroom_core::account::{Account, Email, PasswordHash};
use cloakroom_core::event::{Event, EventKind};
use cloakroom_core::id::{AccountId, EventId, KeyId, SessionId};
use cloakroom_core::keyring::{KeyRecord, Purpose};
use cloakroom_core::refresh::EndReason;
use cloakroom_core::refresh::{Ended, Family};
use cloakroom_core::session::{Method, Roles, Session, Strategy};
use cloakroom_core::time::Timestamp;
use std::sync::Arc;
use tokio::sync::Barrier;

macro_rules! every_exam {
    ($backend:ident) => {
        $backend! {
            account:
                an_account_is_read_back_as_it_was_opened
                one_address_opens_one_account_however_many_try_at_once
                a_password_is_replaced_only_by_who_read_the_last_one
                no_session_is_opened_with_a_password_that_was_replaced
                an_account_is_disabled_once_and_enabled_once
                a_floor_only_rises_and_the_feed_hears_of_it
                an_address_is_proven_only_while_it_is_the_address_of_the_account
                an_address_is_changed_only_by_who_read_the_last_one
                one_address_goes_to_one_account_however_many_want_it
                pages_of_accounts_leave_none_out
                a_deleted_account_takes_its_sessions_and_slips_with_it
                an_account_is_ended_and_deleted_in_one_unit_and_the_feed_and_the_trail_stay
                nothing_is_added_to_an_account_that_goes_at_the_same_time;
            session:
                a_session_is_read_back_as_it_was_opened
                a_session_needs_its_account_and_an_id_of_its_own
                a_disabled_account_and_a_floor_keep_new_sessions_out
                room_is_expected_among_live_sessions_alone
                never_more_sessions_open_than_there_is_room_for
                those_used_longest_ago_end_and_the_rest_stays
                everything_ends_with_one_entry_in_the_feed
                sessions_of_an_account_come_last_used_first_and_without_ended_ones
                one_rotation_wins_however_many_try_at_once
                a_family_is_changed_only_from_the_version_that_was_judged
                a_repeat_conflicts_with_an_acknowledgement_that_came_between
                one_end_wins_and_a_family_that_ended_stays_as_it_is
                roles_change_while_a_session_lives
                all_sessions_end_with_an_entry_in_the_feed_for_each
                a_sighting_acknowledges_the_newest_generation_once
                the_last_use_only_moves_forward
                a_sweep_forgets_sessions_that_were_over_before_its_line;
            key:
                keys_are_read_back_as_they_were_inserted
                a_key_is_withdrawn_once_and_deleted_once
                the_version_of_the_ring_changes_with_the_ring_alone
                one_change_of_the_ring_wins_however_many_expect_its_version;
            event:
                events_come_in_the_order_in_which_they_were_written
                pages_of_events_leave_none_out
                who_reads_while_others_write_misses_no_line
                lines_of_an_account_come_newest_first;
            revocation:
                every_kind_of_entry_is_read_back
                a_swept_number_is_never_used_again
                the_newest_number_outlives_its_entry
                numbers_have_no_gaps_and_appear_in_order_however_many_write
                who_follows_the_hints_misses_nothing;
            slip:
                a_slip_is_read_back_as_it_was_added
                a_slip_that_is_too_large_is_a_fault_and_nothing_of_its_unit_happens
                a_key_is_added_once_for_each_kind
                a_slip_names_an_account_that_is_there_or_none
                what_is_put_is_there_whatever_was_there_before
                one_change_of_a_version_wins_however_many_try_at_once
                a_slip_is_removed_once_and_only_by_who_read_its_version
                all_slips_of_one_kind_of_an_account_are_removed
                of_those_who_replace_all_slips_by_one_the_last_one_is_left
                an_expectation_of_a_slip_holds_or_nothing_happens
                of_units_that_expect_what_the_others_change_one_wins
                slips_of_an_account_come_in_the_order_of_their_keys
                slips_that_are_due_come_longest_due_first
                what_ends_a_session_forgets_what_stood_behind_it
                a_sweep_forgets_slips_that_have_expired
                a_sweep_forgets_only_so_many_slips_at_once_those_that_expired_first;
            unit:
                a_unit_that_conflicts_in_its_middle_changes_nothing
                units_around_one_that_conflicts_land
                a_unit_sees_what_its_own_orders_did
                an_empty_unit_succeeds
                a_closed_store_has_done_what_it_took_and_takes_no_more;
        }
    };
}
pub(crate) use every_exam;

/// An instant that is nothing special.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.millis() + millis)
}

pub(crate) fn account_id(n: u8) -> AccountId {
    AccountId::from_bytes([n; 16])
}

pub(crate) fn session_id(n: u8) -> SessionId {
    SessionId::from_bytes([n; 16])
}

pub(crate) fn key_id(n: u8) -> KeyId {
    KeyId::from_bytes([n; 16])
}

pub(crate) fn hash(n: u8) -> PasswordHash {
    PasswordHash::from_phc(format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${n}"))
}

pub(crate) fn account(n: u8) -> Account {
    Account {
        id: account_id(n),
        email: Email::parse(&format!("Person{n}@Example.com")).unwrap(),
        password: hash(n),
        opened_at: NOW,
        email_verified_at: None,
        password_set_at: at(1),
        disabled_at: None,
        not_before: None,
    }
}

pub(crate) fn session(n: u8, account: u8) -> Session {
    Session {
        id: session_id(n),
        account: account_id(account),
        opened_at: NOW,
        last_used_at: at(2),
        absolute_until: at(1_000_000),
        remember: true,
        method: Method::Password,
        strategy: Strategy::Cookie,
        user_agent: "Mozilla/5.0 (\u{1F98A}; 'quoted\"; --)".to_owned(),
        address: "2001:db8::1".to_owned(),
        family: Family::opened([n; 16], key_id(200), NOW),
        roles: Roles::of(["auditor"], ["staff", "r\u{e9}gion"]).0,
    }
}

pub(crate) fn key(n: u8) -> KeyRecord {
    KeyRecord {
        id: key_id(n),
        purpose: Purpose::Access,
        algorithm: "EdDSA".to_owned(),
        sealed: vec![n, 0, 255],
        made_at: at(n.into()),
        active_from: at(1000),
        withdrawn_at: None,
    }
}

pub(crate) fn event(n: u8) -> Event {
    Event {
        id: EventId::from_bytes([n; 16]),
        at: at(n.into()),
        kind: EventKind::LoginSucceeded,
        account: Some(account_id(1)),
        session: None,
        key: None,
    }
}

/// Nobody's, of no use before or after any instant.
pub(crate) fn slip(n: u8) -> Slip {
    Slip {
        kind: SlipKind::Code,
        key: SlipKey::from([n; 16]),
        account: None,
        version: 0,
        due_at: None,
        expires_at: None,
        data: vec![n, 0, 255],
    }
}

pub(crate) fn logged_out(at: Timestamp) -> Ended {
    Ended { at, reason: EndReason::LoggedOut }
}

pub(crate) async fn commit(store: &Arc<dyn Store>, orders: impl IntoIterator<Item = Order>) -> Result<(), Error> {
    store.commit(orders.into_iter().fold(Unit::new(), Unit::order)).await
}

/// Account 1, with sessions of these numbers.
pub(crate) async fn account_with_sessions(store: &Arc<dyn Store>, sessions: &[u8]) {
    let sessions = sessions.iter().map(|n| Order::OpenSession(session(*n, 1)));
    commit(store, std::iter::once(Order::OpenAccount(account(1))).chain(sessions)).await.unwrap();
}

/// Every unit in a task of its own, all let loose at once. Answers in the order of the units.
pub(crate) async fn race(store: &Arc<dyn Store>, units: Vec<Unit>) -> Vec<Result<(), Error>> {
    let start = Arc::new(Barrier::new(units.len()));
    let tasks: Vec<_> = units
        .into_iter()
        .map(|unit| {
            let (store, start) = (Arc::clone(store), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                store.commit(unit).await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// The one that won a race, when all others were told of a conflict.
pub(crate) fn winner(answers: &[Result<(), Error>]) -> usize {
    let won: Vec<_> = answers.iter().enumerate().filter(|(_, answer)| answer.is_ok()).map(|(i, _)| i).collect();
    assert_eq!(won.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer, Ok(()) | Err(Error::Conflict))), "{answers:?}");
    won[0]
}
