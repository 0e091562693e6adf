//! The audit of somebody's own site: a browser is driven through it, everything that it sends and receives is recorded, and
//! what a script in the page, another site, or the next person at the machine could do with it is said.
//!
//! Only hosts that [`Target`] lets through are looked at. Nothing is attacked: what is sent beyond what the site itself asks
//! for is listed at [`Options::active`]. Strategies and verdicts of the lab are not here.

mod active;
mod address;
mod audit;
mod drive;
mod finding;
mod leave;
mod look;
mod proxy;
mod script;
mod secret;
mod seen;
mod target;

pub use self::audit::{Login, Options, Person, audit};
pub use self::finding::{Finding, Report, Severity, Skipped};
pub use self::script::Script;
pub use self::target::Target;
