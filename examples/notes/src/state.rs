//! What the handlers of the API share.

use tokio::sync::watch;

use crate::book::Book;
use crate::coins::Till;
use crate::file::File;
use crate::keys::Keys;

/// The largest body and WebSocket message, in bytes: 500 characters fit, however they are escaped.
pub(crate) const MAX_BODY: usize = 8 * 1024;

/// What the handlers share.
pub(crate) struct Api {
    pub(crate) keys: Keys,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) now: crate::keys::Now,
    pub(crate) book: Book,
    pub(crate) till: Till,
    pub(crate) closing: watch::Receiver<bool>,
    pub(crate) file: Option<File>,
}
