//! Waiting with an end: every wait of these stories is for something that can be asked, and fails when it does not come.

use std::time::Duration;

/// Long enough for a loaded machine; nothing waits so long when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

/// The event, or a failure that names what did not happen.
pub(crate) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, event).await;
    waited.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for this: {what}"))
}

/// Asks again and again until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    soon(what, async {
        let mut turns = tokio::time::interval(Duration::from_millis(10));
        while !is_so().await {
            turns.tick().await;
        }
    })
    .await;
}
