//! A run: which cells, in which browsers, in which order, and what becomes of them.

mod cell;
mod lane;
mod plan;
mod progress;
mod record;
mod without;

pub(crate) use self::lane::Lane;
pub(crate) use self::plan::{Plan, State};
pub(crate) use self::progress::Progress;
pub(crate) use self::record::{Seen, record, title};
pub(crate) use self::without::{merge, tried, without};
