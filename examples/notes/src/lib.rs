//! The sample behind Cloakroom: "Notes", a single-page app and its JSON API, two servers on ports of their own.
//!
//! [`serve_api`] is what the author of an API writes: it knows nothing of Cloakroom but the URL of its public keys,
//! the issuer's name and its own audience, and judges the bearer token of every request itself. [`serve_app`] hands
//! out four static files; the page holds no token, it has a cookie that no script can read.
//!
//! Deliberately absent: accounts, cookies, CSRF tokens, log-in pages. They are the gateway's.

#![warn(missing_docs)]

mod api;
mod app;
mod bearer;
mod book;
mod coins;
mod file;
mod keys;
mod live;
mod problem;
mod state;

pub use api::{ApiConfig, serve_api};
pub use app::{CONTENT_SECURITY_POLICY, serve_app};
pub use book::{MAX_NOTES, MAX_STREAMS, MAX_TEXT, MAX_USERS};
