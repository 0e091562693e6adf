//! The browser story: real browsers, in front of the complete system, on a clock that the tests move. Each engine plays
//! every story by itself; what one of them cannot do (Firefox: pages without scripts) is a test of the other alone.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod account;
mod api;
mod approve;
mod bank;
mod bearer;
mod complete;
mod domains;
mod elsewhere;
mod from_elsewhere;
mod look;
mod look_providers;
mod mails;
mod notes;
mod passkeys;
mod person;
mod plain;
mod restart;
mod secrets;
mod slots;
mod spa;
mod split;
mod stage;
mod ticket;
mod webkit;

use cloakroom_testbed::browser::Engine;

/// One module per engine with the same stories in it.
macro_rules! in_every_engine {
    ($($name:ident = $story:path;)+) => {
        mod chromium {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { $story(super::Engine::Chromium).await; })+
        }
        mod firefox {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { $story(super::Engine::Firefox).await; })+
        }
    };
}

in_every_engine! {
    a_person_keeps_notes_in_two_tabs_and_no_script_ever_sees_a_token = super::notes::story;
    a_log_out_on_the_account_page_ends_the_application_in_another_tab = super::notes::ended_from_a_page_without_scripts;
    ck_07_a_link_from_another_site_comes_back_to_the_session_over_one_hop = super::from_elsewhere::link;
    br_01_a_form_of_another_site_changes_nothing_here_and_does_at_a_naive_victim = super::from_elsewhere::form;
    ck_03_a_script_can_neither_plant_nor_overwrite_the_session_cookie = super::from_elsewhere::overwrite;
    a_ticket_stays_as_it_is_through_pages_without_scripts_and_going_back_after_log_out_shows_nothing = super::ticket::story;
    of_a_split_token_the_page_reads_the_claims_and_never_the_signature = super::split::story;
    half_a_token_in_the_memory_of_two_tabs_is_found_by_no_search_and_useless_elsewhere = super::bearer::split_bearer;
    a_token_in_memory_is_accepted_by_an_api_on_another_site_and_found_by_no_search = super::bearer::memory;
    two_accounts_in_two_tabs_refresh_and_log_out_each_on_its_own = super::slots::story;
    a_browser_that_was_closed_keeps_cookie_and_ticket_only_for_who_asked_for_it = super::restart::story;
    a_log_out_closes_the_streams_of_its_session_everywhere_and_of_nobody_else = super::complete::streams;
    after_a_log_out_going_back_shows_nothing_not_even_from_the_back_forward_cache = super::complete::going_back;
    a_session_on_the_account_page_is_ended_by_keyboard_alone = super::account::story;
    links_of_mails_survive_scanners_confirm_an_address_and_reset_a_password_once = super::mails::confirm_and_reset;
    a_link_of_a_mail_ends_a_session_of_somebody_else_once_and_not_by_being_looked_at = super::mails::revoke;
    links_of_mails_change_an_address_and_take_that_back = super::mails::change_and_take_back;
    a_transfer_is_approved_in_a_window_with_a_password_and_with_a_passkey = super::approve::by_window;
    a_transfer_is_approved_by_going_there_also_where_windows_are_blocked = super::approve::by_redirect;
    a_script_of_the_application_neither_reads_nor_drives_an_approval_on_its_own_origin = super::approve::a_script_beside_it;
    on_one_origin_an_approval_is_not_framed_but_a_script_can_write_into_its_window = super::approve::what_one_origin_allows;
    a_passkey_logs_in_alone_and_after_the_password_and_not_for_another_finger = super::passkeys::log_in_alone_and_as_second_factor;
    an_authenticator_app_is_added_by_its_qr_code_and_recovery_codes_are_shown_once = super::passkeys::app_and_recovery_codes;
    with_credentials_a_listed_page_reads_and_neither_a_sibling_nor_a_document_without_an_origin_does = super::domains::readers;
    whatever_is_changed_about_the_domain_of_the_cookies_no_page_goes_in_a_circle = super::domains::healed;
    who_guesses_sees_the_seconds_go_by = super::passkeys::waiting;
    every_page_before_the_log_in_is_for_every_eye_and_hand = super::look::entrance;
    every_page_behind_the_log_in_is_for_every_eye_and_hand = super::look::inside;
    every_page_about_providers_is_for_every_eye_and_hand = super::look_providers::story;
}
