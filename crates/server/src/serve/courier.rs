//! Letters on their way out: the queue of the house on one side, a mail server or a folder on the other. What a mail looks like
//! and when it is tried again are theirs.

use crate::config::{Delivery, MailConfig};
use anyhow::Context as _;
use cloakroom_app::App;
use cloakroom_app::mail::{Courier, Undelivered};
use cloakroom_core::letter::Letter;
use cloakroom_mail::Folder;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Sends letters.
pub(crate) struct Post(cloakroom_mail::Courier);

/// Opens what the configuration names. A mail server that cannot be reached is no reason not to start: letters wait.
pub(crate) fn open(config: &MailConfig) -> anyhow::Result<Post> {
    let MailConfig { from, site, delivery } = config;
    Ok(Post(match delivery {
        Delivery::Smtp(smtp) => {
            cloakroom_mail::Courier::Smtp(smtp.open(from.clone(), site.clone()).context("cannot send mail: mail.smtp")?)
        }
        Delivery::Folder(path) => cloakroom_mail::Courier::Folder(
            Folder::new(path, site.clone(), from.clone())
                .with_context(|| format!("cannot keep mails in {}: mail.folder", path.display()))?,
        ),
    }))
}

impl Post {
    /// Sends letters as they come until `closing`; one that is on its way may still arrive until `cut`. What was not sent is
    /// sent after the next start.
    pub(crate) async fn keep_posting(self, app: Arc<App>, closing: CancellationToken, cut: CancellationToken) {
        tokio::select! {
            () = app.keep_posting(&self, closing) => self.0.close().await,
            () = cut.cancelled() => {}
        }
    }
}

#[async_trait::async_trait]
impl Courier for Post {
    async fn deliver(&self, letter: &Letter, now: i64) -> Result<(), Undelivered> {
        self.0
            .deliver(letter, now)
            .await
            .map_err(|cloakroom_mail::Undelivered { permanent, reason }| Undelivered { permanent, reason })
    }
}
