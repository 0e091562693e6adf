//! Bytes to keys, signatures and claims, and back; the only maker of a [`Verified`] token.
//!
//! Compact JWS (RFC 7515) with `EdDSA`, ES256, RS256 and HS256, JSON Web Keys (RFC 7517), the checks of a JWT (RFC 7519)
//! under the current practices of RFC 8725, and two keys that only we use: [`MacKey`] and [`MasterKey`]. The
//! cryptography is that of aws-lc-rs; the format is ours.
//!
//! Architecture invariants: nothing here reads a clock (`now` is an argument, in Unix seconds), knows a policy (who may
//! do what, how long a token lives), performs input or output, or depends on another crate of the workspace.
//! A [`Verified`] cannot be built outside of this crate. A key is bound to one algorithm when it is made, and the
//! token's header never chooses: it can only agree or be refused.
//!
//! Deliberately absent: JWE, the JSON serialisations, detached content, the algorithm `none`, and any key that a
//! token brings along.
//!
//! ```
//! use cloakroom_jose::{AccessClaims, Algorithm, Expect, KeySet, Refused, SigningKey, verify};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::generate(Algorithm::EdDsa, "2026-11")?;
//! let claims = AccessClaims {
//!     iss: "https://app.example".into(),
//!     sub: "account-1".into(),
//!     aud: "https://api.example".into(),
//!     client_id: "app".into(),
//!     exp: 1_000_300,
//!     iat: 1_000_000,
//!     jti: "token-1".into(),
//!     sid: "session-1".into(),
//!     r#gen: 1,
//!     iss_no: 1,
//!     auth_time: 999_000,
//!     amr: vec!["pwd".into()],
//!     roles: vec![],
//!     groups: vec![],
//! };
//! let token = key.sign("at+jwt", &claims)?;
//!
//! let keys = KeySet::new(vec![key.verifying_key()])?;
//! let expect = Expect { typ: "at+jwt", issuer: "https://app.example", audience: "https://api.example", leeway: 5 };
//! let verified = verify::<AccessClaims>(&token, &keys, &expect, 1_000_010)?;
//! assert_eq!(verified.claims().sub, "account-1");
//! assert_eq!(verified.kid(), "2026-11");
//!
//! assert_eq!(verify::<AccessClaims>(&token, &keys, &expect, 1_000_305).err(), Some(Refused::Expired));
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod algorithm;
mod assertion;
mod claims;
mod compact;
mod digest;
mod error;
mod header;
mod jwk;
mod jwk_set;
mod key_set;
mod mac;
mod master;
mod random;
mod registered;
mod rsa_modulus;
mod signing;
mod strict_json;
mod verify;
mod verifying;

pub use algorithm::Algorithm;
pub use assertion::{Assertion, AssertionKind, ExpectAssertion, claimed_issuer, verify_assertion};
pub use claims::{AccessClaims, Actor, Claims, GrantedClaims, Verified};
pub use compact::{MAX_HEADER, MAX_TOKEN};
pub use digest::{sha256, sha512};
pub use error::{KeyError, Refused};
pub use jwk::Jwk;
pub use jwk_set::JwkSet;
pub use key_set::KeySet;
pub use mac::{MacKey, same};
pub use master::MasterKey;
pub use random::random;
pub use signing::SigningKey;
pub use strict_json::is_strict_object;
pub use verify::{
    Expect, ExpectOpenId, MAX_LEEWAY, OpenIdKind, verify, verify_expired_too, verify_for_anybody, verify_openid,
    verify_signature, verify_signature_with,
};
pub use verifying::VerifyingKey;
