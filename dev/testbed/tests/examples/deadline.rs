//! Waiting with an end: for an event, never for a time.

use std::time::Duration;

/// Long enough for a loaded machine; nothing waits so long when all is well.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks again and again until there is an answer; fails, naming what did not happen.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let answered = tokio::time::timeout(PATIENCE, async {
        let mut turns = tokio::time::interval(Duration::from_millis(20));
        loop {
            turns.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    });
    answered.await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} for this: {what}"))
}
