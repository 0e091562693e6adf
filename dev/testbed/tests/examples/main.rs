//! The examples and the package of `client/`: each example started as its README says, in front of the very program that ships, with dependencies of its own
//! ecosystem. Their clock is the machine's, moved by libfaketime for all of their processes at once.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod apis;
mod deadline;
mod example;
mod native;
mod outage;
mod package;
mod pages;
#[expect(dead_code, reason = "it is the browser story's, which uses all of it")]
#[path = "../browser_story/person.rs"]
mod person;

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
    the_page_in_react_keeps_its_session_past_the_end_of_tokens = super::pages::react;
    the_page_in_plain_html_keeps_its_session_past_the_end_of_tokens = super::pages::plain;
    the_package_loads_late_keeps_slots_apart_needs_no_web_locks_and_gets_approvals = super::package::story;
    an_outage_and_a_sleep_sign_nobody_out_of_the_page_in_react = super::outage::story;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_works_with_the_api_in_express() {
    pages::with_api("express").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_works_with_the_api_in_fastapi() {
    pages::with_api("fastapi").await;
}
