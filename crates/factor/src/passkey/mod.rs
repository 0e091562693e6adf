//! Passkeys: the two ceremonies of `WebAuthn` Level 3, as pairs of begin and finish around the browser.
//!
//! Every passkey is discoverable and verifies its user (by PIN, finger or face), so that it is two factors in one and can
//! log in alone. `webauthn-rs` judges; this module decides what it is asked, and what is refused beyond that.
//!
//! Deliberately absent: storing passkeys, keeping a state for one browser only and for minutes only, and seeing that it is
//! finished once (`app`, `store`).

mod begin;
mod finish;
mod party;
mod quiet;
mod refused;
mod response;
mod state;

pub use begin::{Begun, Fault};
pub use finish::Used;
pub use party::{Party, Unfit};
pub use refused::{Check, Refused};

/// A passkey of an account. Public material only: it verifies, it cannot sign.
#[derive(Clone)]
pub struct Passkey {
    /// The credential id that its authenticator chose, at most 1023 bytes. Unique for a site.
    pub id: Vec<u8>,
    /// The library's record as JSON: the public key, the counter of signatures, the state of backup.
    pub data: String,
}
