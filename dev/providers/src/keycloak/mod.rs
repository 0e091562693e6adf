//! Keycloak, as it is downloaded and started by everybody: what tests need of it.

mod admin;
mod description;
mod home;
mod live;
mod representation;
mod server;

pub use description::{Lifespans, Realm, User};
pub use live::{LiveRealm, LiveUser};
pub use server::Keycloak;
