//! Sessions: log-in, refresh, log-out, and who is there.

mod event;
mod login;
mod logout;
mod me;
mod open;
mod refresh;

pub use login::Login;
pub use logout::Scope;
pub use me::Me;
pub use open::Opened;
