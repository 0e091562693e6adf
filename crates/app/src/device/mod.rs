//! Devices of an account: noticed at log-in, told to its owner, named, trusted, forgotten.
//!
//! A device is known by a secret in its cookie, of which the store has a hash. The secret is made anew when a device logs in to
//! an account for the first time: a cookie that somebody planted never becomes a known device.

mod list;
mod notice;
mod revoke;

pub use list::ListedDevice;
pub(crate) use notice::Arrival;
pub use notice::{MOST_DEVICES, Visit};
