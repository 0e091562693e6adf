//! Serving: the house put together, its doors, and its chores.

mod admin;
mod chores;
mod client;
mod courier;
mod door;
mod edge;
mod forward_auth;
mod gate;
mod meters;
mod patience;
mod providers;
mod sockets;
mod start;
mod tls;

pub use sockets::Sockets;
pub(crate) use start::open_store;
pub use start::{Running, start};
pub(crate) use tls::load as check_certificate;
