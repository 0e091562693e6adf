//! Looks at a deployment of Cloakroom from outside, as a browser would, and says what the proxy, the TLS and the settings
//! in front of it do wrong, each with its fix.
//!
//! [`examine()`] asks a site at most [`MOST_REQUESTS`] harmless questions (GET, OPTIONS and TRACE) and answers with a
//! [`Report`]. Every check has a file of its own in `checks`: it asks, and a pure function judges what came. What
//! cannot be told is an outcome of its own, never a pass.
//!
//! Deliberately absent: a way to accept a wrong certificate, logging in, sending anything that changes something, and
//! asking any host but the one that was named. No crate of the server is known here: its promises are written down
//! again, as somebody outside sees them. The clock is handed in.

#![warn(missing_docs)]

mod answer;
mod checks;
mod clock;
mod examine;
mod finding;
mod options;
mod plain;
mod probe;
mod report;
mod set_cookie;
mod target;
mod trust;
mod visit;
mod wire;

pub use checks::{Listed, listed};
pub use clock::Clock;
pub use examine::{CannotExamine, examine};
pub use finding::{Finding, Severity};
pub use options::Options;
pub use report::{Outcome, Report, Shape, State};
pub use target::{NotATarget, Target};
pub use trust::Untrusted;
pub use wire::MOST_REQUESTS;
