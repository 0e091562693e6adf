//! The token endpoint's use cases: services that get tokens for themselves or on behalf of a person (decision 0019). What they
//! may is `cloakroom_core::service`; this proves who asks, and makes what was granted.

mod assertion;
mod authenticate;
mod exchange;
mod grant;
mod introspect;
mod mint;
mod registry;
mod revoke;

pub use crate::client::{Client, Proof};
pub use authenticate::Presented;
pub use exchange::ExchangeWish;
pub use grant::Wish;
pub use introspect::Introspection;
pub use mint::Granted;
pub use registry::{NewClient, Registered};

/// Where tokens are asked for, below the public URL. An assertion may name it as its audience (RFC 7523 §3).
pub const TOKEN_PATH: &str = "/auth/token";
