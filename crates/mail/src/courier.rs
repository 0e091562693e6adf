//! The two ways of a letter out of the house, behind one name.

use crate::folder::Folder;
use crate::smtp::Smtp;
use crate::undelivered::Undelivered;
use cloakroom_core::letter::Letter;

/// Where letters go.
pub enum Courier {
    /// To a mail server.
    Smtp(Smtp),
    /// Into a folder on this machine, for trying things out.
    Folder(Folder),
}

impl Courier {
    /// Delivers one letter, or says why not. `now_unix`: seconds since the Unix epoch, for the `Date` of the mail.
    /// Takes no longer than the time that the settings allow ([`Settings::timeout`](crate::Settings::timeout)).
    pub async fn deliver(&self, letter: &Letter, now_unix: i64) -> Result<(), Undelivered> {
        match self {
            Self::Smtp(smtp) => smtp.send(letter, now_unix).await,
            Self::Folder(folder) => folder.keep(letter, now_unix).await.map(drop),
        }
    }

    /// Takes leave of the mail server. A letter that is sent afterwards opens a new connection.
    pub async fn close(&self) {
        if let Self::Smtp(smtp) = self {
            smtp.close().await;
        }
    }
}
