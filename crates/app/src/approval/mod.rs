//! Step-up for one call, and for changes of how one logs in: opened by the page, proven on a page that cannot be framed, used
//! once, by whichever node gets it first (design §3.7).
//!
//! Deliberately absent: which calls need one (the routes), and which proofs are good (`cloakroom_core::approval`).

mod act;
mod by_provider;
mod collect;
mod grant;
mod open;
mod prove;
mod row;
mod shown;
mod view;

pub use collect::Collected;
pub use open::{Opening, Wanted};
pub use prove::ShownProof;
pub use view::ApprovalView;
