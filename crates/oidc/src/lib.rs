//! The OpenID Connect relying party: it builds requests to a provider and judges what comes back.
//!
//! Authorization code flow with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636, RFC 9700), discovery, the
//! issuer in the response (RFC 9207), authentication of the client by key or secret (RFC 7523, RFC 6749 §2.3.1),
//! refresh, revocation (RFC 7009), RP-initiated and back-channel log-out.
//!
//! Architecture invariants: the network is behind [`Fetch`]; the clock is an argument (`now`, in Unix seconds); nothing
//! here knows accounts, sessions or HTTP servers. An [`Identity`] and a [`LogoutToken`] come only from a token whose
//! signature, kind, issuer, audience and time were checked by `cloakroom-jose`. What was asked of which provider
//! travels in the [`Attempt`], so that an answer counts for nobody else.
//!
//! Deliberately absent: public clients, the implicit and hybrid flows, the password grant, encrypted tokens, the
//! `UserInfo` request (claims are those of the ID token), and keys of a provider that have no `kid`.

#![warn(missing_docs)]

mod address;
mod answer;
mod attempt;
mod cached;
mod callback;
mod claim;
mod client_authentication;
mod error;
mod fetch;
mod id_token;
mod logout_token;
mod metadata;
mod provider;
mod remote_keys;
mod secret;
mod settings;
mod tokens;

pub use address::BadAddress;
pub use attempt::Attempt;
pub use callback::{Callback, CallbackError};
pub use claim::claim;
pub use error::Error;
pub use fetch::{Fetch, FetchError, FetchRequest, FetchResponse, Method};
pub use id_token::Identity;
pub use logout_token::LogoutToken;
pub use provider::{AuthorizeWish, Earlier, LoggedIn, Prompt, Provider, Refreshed};
pub use remote_keys::RemoteKeys;
pub use secret::Secret;
pub use settings::{ClientAuthentication, Settings, SettingsError};
pub use tokens::Tokens;
