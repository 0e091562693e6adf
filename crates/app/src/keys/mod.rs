//! The key ring in memory, and the use cases that turn it.

mod ring;
mod turn;

pub use ring::Ring;
pub(crate) use turn::turn;
