//! Hears of new entries of the feed from other processes, on a connection of its own.
//!
//! Deliberately absent: reading the feed. A hint says only that it is worth reading.

use super::address::Address;
use super::failure::driver;
use super::pool::connect;
use crate::Error;
use futures_util::StreamExt as _;
use std::time::Duration;
use tokio::sync::watch;
use tokio_postgres::AsyncMessage;

/// Sent with every unit that adds to the feed.
pub(super) const NOTIFY: &str = "SELECT pg_catalog.pg_notify('cloakroom_revocation', '')";
const LISTEN: &str = "LISTEN cloakroom_revocation";

/// The pause before the first new attempt, doubled with each that fails.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// Listens for as long as it is let, over as many connections as it takes.
pub(super) async fn run(address: Address, hints: watch::Sender<u64>) {
    let mut pause = FIRST;
    loop {
        if let Err(error) = listen(&address, &hints, &mut pause).await {
            tracing::warn!(%error, "the store cannot hear of revocations by others; the feed is still read now and then");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Tells whoever waits that the feed is worth reading.
pub(super) fn hint(hints: &watch::Sender<u64>) {
    hints.send_modify(|hint| *hint = hint.wrapping_add(1));
}

async fn listen(address: &Address, hints: &watch::Sender<u64>, pause: &mut Duration) -> Result<(), Error> {
    let (client, mut connection) = connect(address).await?;
    let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
    let mut listening = std::pin::pin!(client.batch_execute(LISTEN));
    // The connection does nothing by itself: it is driven by asking it for messages.
    loop {
        tokio::select! {
            done = &mut listening => {
                done.map_err(|error| driver(&error))?;
                break;
            }
            message = messages.next() => match message {
                Some(message) => drop(message.map_err(|error| driver(&error))?),
                None => return Ok(()),
            },
        }
    }
    *pause = FIRST;
    // Something may have come while nobody listened.
    hint(hints);
    while let Some(message) = messages.next().await {
        if let AsyncMessage::Notification(_) = message.map_err(|error| driver(&error))? {
            hint(hints);
        }
    }
    Ok(())
}
