//! Codes of authenticator apps (TOTP, RFC 6238), with the parameters that every app speaks: HMAC-SHA-1, six digits, 30 s.
//!
//! Deliberately absent: remembering the last step that was used, which its caller does by compare-and-swap, and counting
//! wrong codes.

mod code;
mod enrolment;

use totp_rs::{Algorithm, Builder, Totp};
use zeroize::Zeroizing;

pub use enrolment::NoPicture;

/// Seconds that a code is good for (RFC 6238 §4.1).
const STEP: u32 = 30;
const DIGITS: u8 = 6;

/// What the app and we share: 160 bits (RFC 4226 §4). No `Debug`, no `Clone`; overwritten when dropped.
pub struct Secret(Zeroizing<[u8; 20]>);

impl Secret {
    /// Takes 20 random bytes, or those that were stored.
    pub fn new(bytes: [u8; 20]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to be sealed and stored.
    pub fn bytes(&self) -> &[u8; 20] {
        &self.0
    }

    fn totp(&self) -> Totp {
        // Called so because it checks nothing; ours are the values of the RFC.
        Builder::new()
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_step_duration(u64::from(STEP))
            .with_skew(0)
            .with_secret(*self.0)
            .build_noncompliant()
    }
}
