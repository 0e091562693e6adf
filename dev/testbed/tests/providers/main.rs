//! Log-in through real providers, in real browsers: Keycloak, and the npm package `oidc-provider`.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod keycloak;
mod second;
mod tokens;

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
    a_person_logs_in_by_keycloak_and_a_log_out_on_either_side_is_one_on_both = super::keycloak::story;
}
