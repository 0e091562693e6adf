//! Stories against the shipped server, over real sockets, on a clock that the tests move.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod accounts;
mod address;
mod approving;
mod asking;
mod attacks;
mod csrf;
mod devices;
mod domains;
mod domains_healed;
mod domains_providers;
mod every_row;
mod factors;
mod feed;
mod gateway;
mod guesses;
mod keys;
mod mail;
mod operators;
mod passkey;
mod passkey_log_in;
mod picture;
mod probe;
mod provider_log_in;
mod recovery;
mod refresh;
mod services;
mod services_assertions;
mod services_exchange;
mod services_status;
mod serving;
mod sessions;
mod settings;
mod silence;
mod slots;
mod step_up;
mod step_up_acts;
mod step_up_calls;
mod step_up_origin;
mod step_up_passkeys;
mod step_up_proofs;
mod strategies;
mod takeover;
mod verifying;
mod without_passwords;
