//! Sessions: log-in, refresh, log-out, and who is there.

mod change_password;
mod end;
mod event;
mod logout;
mod me;
mod open;
mod refresh;
mod room;

pub use logout::Scope;
pub use me::Me;
pub use open::{Handed, Opened};
pub use refresh::Company;
