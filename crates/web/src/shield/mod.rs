//! What stands in front of every request and behind every response, ours or an upstream's.

mod before;
mod csrf;
mod headers;

pub use crate::cookies::MAX_COOKIE_BYTES;
pub(crate) use csrf::{Judged, judge as judge_csrf};
pub use headers::HeaderPolicy;
