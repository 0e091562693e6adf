//! Waiting with an end: every wait of these stories is for an event, and fails when it does not come.

use std::time::Duration;

/// Long enough for a loaded machine; nothing waits so long when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The event, or a failure that names what did not happen.
pub(crate) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, event).await;
    waited.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for this: {what}"))
}

/// Asks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    soon(what, async {
        let mut turns = tokio::time::interval(Duration::from_millis(5));
        loop {
            turns.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    })
    .await
}
