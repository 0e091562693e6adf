//! Second factors: codes of an authenticator app, recovery codes, and passkeys, which are also a way to log in alone.
//!
//! Architecture invariant: nothing here remembers, awaits, or knows HTTP. The time arrives as seconds since 1970, entropy
//! as bytes; what a ceremony has to remember leaves as text and comes back. Two exceptions are inside `webauthn-rs`:
//! it draws challenges of its own, and it reads a clock to judge chains of certificates, which we never ask it to.
//!
//! Deliberately absent: which factors an account has, how often one may fail, and what is spent when (`app`, `store`).

#![warn(missing_docs)]

pub mod passkey;
pub mod recovery;
pub mod totp;
