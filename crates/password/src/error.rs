//! The two ways in which the pool does not answer. Neither carries anything of a password or a hash.

use std::fmt::{Display, Formatter};

/// Why the pool did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Expected: more passwords wait than the queue takes. Trying again later helps.
    #[error("more passwords wait to be hashed than the pool takes")]
    Busy,
    /// Unexpected: its text is for the log.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Something that should not happen did.
#[derive(Debug)]
pub struct Fault {
    context: &'static str,
    cause: Option<String>,
}

impl Fault {
    /// A fault with what was being done, and what went wrong. `cause` must not be made of a password or a hash.
    pub(crate) fn new(context: &'static str, cause: impl Display) -> Self {
        Self { context, cause: Some(cause.to_string()) }
    }

    /// A fault without a cause of its own.
    pub(crate) const fn plain(context: &'static str) -> Self {
        Self { context, cause: None }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.context)?;
        self.cause.as_ref().map_or(Ok(()), |cause| write!(f, ": {cause}"))
    }
}

impl std::error::Error for Fault {}
