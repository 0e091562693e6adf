//! Real OpenID providers on this machine, for tests and examples: [`Keycloak`], and [`OidcProvider`], which is another
//! implementation of the same standards (the certified npm package `oidc-provider`).
//!
//! Each is a process of its own on a free port of 127.0.0.1, with data of its own, that ends with whoever started it, also
//! when that one is killed. A [`Person`] fills in their log-in forms over plain HTTP. `cargo xtask test` installs both.
//!
//! Deliberately absent: anything of Cloakroom. What is tested against a provider lives with who tests it.

#![expect(clippy::indexing_slicing, reason = "a serde_json value answers null for what is not there")]

mod client;
mod form;
mod http_client;
mod jar;
mod keycloak;
mod oidc_provider;
mod person;
mod process;

pub use client::{Authentication, Client};
pub use form::Form;
pub use http_client::{Answer, send};
pub use keycloak::{Keycloak, Lifespans, LiveRealm, LiveUser, Realm, User};
pub use oidc_provider::{OidcProvider, OidcSettings};
pub use person::{Page, Person, Whereabouts};
