//! Each bank in real browsers, as an honest customer uses it: what survives a reload, what the careless corners do, and
//! that the browser does its part (workers, keys, device-bound sessions).

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod corners;
mod door;
mod lives;
mod provider;

use cloakroom_browser::{Browser, Engine, Launch};
use door::Door;

/// One module per engine with the same tests in it.
macro_rules! in_every_engine {
    ($($name:ident)+) => {
        mod chromium {
            $(#[tokio::test] async fn $name() { super::$name(cloakroom_browser::Engine::Chromium).await; })+
        }
        mod firefox {
            $(#[tokio::test] async fn $name() { super::$name(cloakroom_browser::Engine::Firefox).await; })+
        }
    };
}
pub(crate) use in_every_engine;

/// A front door, and a browser that believes its certificate.
pub(crate) async fn world(engine: Engine) -> (Door, Browser) {
    let door = Door::open().await;
    let device_bound_sessions = engine == Engine::Chromium;
    let launch = Launch { trusted: Some(door.spki), device_bound_sessions, ..Launch::default() };
    let browser = Browser::launch_with(engine, &launch).await.unwrap();
    (door, browser)
}
