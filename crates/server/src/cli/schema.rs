//! `cloakroom schema`.

use super::{Ending, answer};

pub(super) fn run() -> Ending {
    answer(crate::config::json_schema().trim_end());
    Ending::Done
}
