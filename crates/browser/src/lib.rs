//! Real browsers, driven from this machine: Chromium through the `DevTools` protocol, Firefox through `WebDriver` `BiDi`,
//! `WebKitGTK` through its `WebDriver`; one interface over all. Chromium and Firefox need no driver program and no Node, only
//! the browser itself; `WebKitGTK` needs its driver and a screen, and does less.
//!
//! [`Browser`] is one running program, [`Context`] a cookie jar of its own inside it, [`Page`] a tab in that jar. All of
//! them may be used by several tasks at once. [`Launch`] says how a browser is started, where that is not as usual.
//!
//! Names other than loopback ones never leave the machine: `*.test` is this machine, everything else does not resolve
//! (Chromium) or is this machine too (Firefox). `WebKitGTK` asks the system: of names that mean this machine only `localhost`
//! and `*.localhost` work in all three.
//!
//! Deliberately not here: downloads, proxies, phones.

#![expect(clippy::indexing_slicing, reason = "a serde_json value answers null for what is not there")]

mod authenticator;
mod axe;
mod browser;
mod chromium;
mod context;
mod cookie;
mod driver;
mod engine;
mod expression;
mod firefox;
mod frame;
mod key;
mod launch;
mod link;
mod page;
mod process;
mod profile;
mod response;
mod webkit;

pub use self::authenticator::{Authenticator, Credential};
pub use self::axe::{Place, Violation};
pub use self::browser::Browser;
pub use self::context::Context;
pub use self::cookie::{Cookie, SameSite};
pub use self::engine::Engine;
pub use self::frame::Frame;
pub use self::launch::{Launch, Spki, ThirdParty};
pub use self::page::Page;
pub use self::profile::Profile;
pub use self::response::ResponseSeen;
