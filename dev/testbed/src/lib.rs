//! Boots the shipped server on port 0, on a clock that tests move, and talks to it over real sockets.
//!
//! [`House`] is the server with a recording upstream behind it. [`Guest`] is an HTTP client with a cookie jar that behaves
//! as a browser does. When a house is closed it asserts what nobody remembers to assert: no secret that a guest was
//! given stands in a log line or in the database file.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod approval;
mod authenticator_app;
mod balancer;
mod certificate;
mod change;
mod echo;
mod form;
mod guest;
mod house;
mod idp;
mod mailbox;
mod mails;
mod nodes;
mod postgres;
mod roamer;
mod smtp;
mod watch;
mod wire;

pub use authenticator_app::AuthenticatorApp;
pub use balancer::Balancer;
pub use cloakroom_browser as browser;
pub use echo::{Echo, Recorded};
pub use form::Form;
pub use guest::{Answer, Guest};
pub use house::House;
pub use idp::{Idp, Manner};
pub use nodes::Nodes;
pub use postgres::Postgres;
pub use roamer::{Lost, Roamer};
pub use smtp::{Mail, MailServer, Mood};
pub use watch::Watch;
pub use wire::Wire;

/// A password that the policy takes.
pub const PASSWORD: &str = "amber kettle river thimble";
