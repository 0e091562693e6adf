//! Second factors of an account: an authenticator app, recovery codes, passkeys. What is enrolled, and whether what somebody
//! shows is one of them.
//!
//! The formats and the cryptography are `cloakroom_factor`'s. Secrets lie in the store sealed under the master key; adding one
//! and removing one takes a step-up and is told by mail (v5.0.0-6.3.7, 7.5.1).

mod check;
mod list;
mod passkey;
mod recovery;
mod seal;
mod since;
mod tell;
mod totp;

pub(crate) use check::{Checked, ShownFactor};
pub use list::{Factors, ListedPasskey};
pub use passkey::{Enrolling, PasskeyScope};
pub(crate) use passkey::{Parties, note_use};
pub use totp::EnrollingTotp;
