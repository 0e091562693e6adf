//! What stands in front of every request and behind every response, ours or an upstream's.

mod before;
mod csrf;
mod headers;

pub(crate) use csrf::{Judged, a_form_could_send, judge as judge_csrf};
