//! Mail: letters wait in the store, sealed, and are sent by whichever node takes them first. No request waits for a mail server.
//!
//! Deliberately absent: what a mail looks like, and SMTP. That is the [`Courier`]'s.

mod codes;
mod queue;
mod words;

pub(crate) use codes::{Code, Found, Issued, Purpose};
pub use queue::{Courier, Undelivered};
pub(crate) use words::{in_utc, in_words};
