//! The browser story: real browsers, in front of the complete system, on a clock that the tests move. Each engine plays
//! every story by itself; what one of them cannot do (Firefox: pages without scripts) is a test of the other alone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod elsewhere;
mod from_elsewhere;
mod notes;
mod person;
mod plain;
mod secrets;
mod stage;

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
}
