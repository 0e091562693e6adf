//! Stories against the real providers, over real sockets, by a relying party of a few lines that shares nothing with
//! Cloakroom: if one of these fails, it is the provider or how we start it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod keycloak;
mod listener;
mod oidc_provider;
mod realms;
mod relying_party;
