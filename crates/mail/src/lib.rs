//! What a mail looks like, and how it gets to a mail server or into a folder.
//!
//! A [`Letter`](cloakroom_core::letter::Letter) says to whom and what about. [`render()`] makes the words, [`compose()`] the
//! message (RFC 5322), [`Smtp`] hands it to a mail server, [`Folder`] keeps it as a file, for trying things out.
//!
//! Nothing is retried, queued or counted here: whoever asks for a delivery keeps the letter until it succeeds or is
//! refused for good ([`Undelivered::permanent`]). No link is made here either; those of a letter are refused when they
//! do not lead to our own site. A clock is never read: the time is handed in.

#![warn(missing_docs)]

mod compose;
mod courier;
mod folder;
mod mailbox;
mod render;
mod site;
mod smtp;
mod undelivered;
mod words;

pub use compose::{Message, compose};
pub use courier::Courier;
pub use folder::{Folder, Kept};
pub use mailbox::{NotAMailbox, Sender};
pub use render::{Rendered, Unrenderable, render};
pub use site::Site;
pub use smtp::{Encryption, Login, Settings, SettingsError, Smtp};
pub use undelivered::Undelivered;
