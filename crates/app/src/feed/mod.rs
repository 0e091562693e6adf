//! Revocation without a lookup: the durable feed of the store, folded into memory and told to services (design §3.4).

mod follow;
mod marks;
mod news;

pub(crate) use follow::Following;
pub(crate) use marks::Marks;
pub use news::{Page, SeenElsewhere};
