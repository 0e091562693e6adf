//! Forward-auth through real proxies (nginx, Caddy, `HAProxy` and Apache), each with the very files of `examples/forward-auth`.
//! One table of cases for all four.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod app;
mod cases;
mod proxy;
mod raw;
mod site;
mod transfers;
mod tricks;

/// One module per proxy with the same cases in it.
macro_rules! behind_every_proxy {
    ($($name:ident = $case:path;)+) => {
        behind_every_proxy! { @proxy nginx Nginx $($name = $case;)+ }
        behind_every_proxy! { @proxy caddy Caddy $($name = $case;)+ }
        behind_every_proxy! { @proxy haproxy HaProxy $($name = $case;)+ }
        behind_every_proxy! { @proxy apache Apache $($name = $case;)+ }
    };
    (@proxy $module:ident $kind:ident $($name:ident = $case:path;)+) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let mut site = super::site::Site::start(super::proxy::Kind::$kind).await;
                $case(&mut site).await;
                site.close().await;
            })+
        }
    };
}

behind_every_proxy! {
    who_is_signed_in_is_named_to_the_application_and_nobody_else_is = super::cases::signed_in;
    an_application_that_is_to_know_it_is_told_a_confirmed_address = super::cases::address;
    who_is_signed_out_is_told_or_led_to_the_log_in = super::cases::signed_out;
    an_expired_token_is_refreshed_although_the_question_sets_no_cookie = super::cases::expired;
    two_refreshes_at_once_harm_nobody = super::cases::raced_refresh;
    asvs_3_5_1_an_unsafe_method_passes_only_from_here = super::cases::unsafe_method;
    a_log_out_counts_at_once = super::cases::logged_out;
    without_cloakroom_nobody_passes = super::cases::cloakroom_is_gone;
    asvs_4_1_3_what_a_client_says_about_itself_reaches_nobody = super::cases::spoofed;
    a_preflight_is_no_way_past_a_rule = super::cases::preflight;
    no_way_to_write_a_path_leads_past_a_rule = super::tricks::paths;
    two_hosts_in_one_request_lead_past_no_rule = super::tricks::two_hosts;
    a_websocket_opens_for_who_is_signed_in_and_from_here = super::transfers::websocket;
    events_arrive_one_by_one = super::transfers::events;
    a_body_of_one_gibibyte_goes_through = super::transfers::large_body;
}
