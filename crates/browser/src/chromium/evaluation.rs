//! Runs an expression in a session of Chromium, and reads what came of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::driver::{EvalError, parse_answer};
use crate::link::{CallError, Link};

/// `world` is the execution context; the page's own if there is none.
pub(super) async fn run(
    link: &Link,
    session: &str,
    world: Option<i64>,
    expression: &str,
    within: Duration,
) -> Result<Value, EvalError> {
    let mut params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
    if let Some(world) = world {
        params["contextId"] = world.into();
    }
    let answer = match link.call(Some(session), "Runtime.evaluate", params, within).await {
        Ok(answer) => answer,
        Err(error) if document_gone(&error) => return Err(EvalError::DocumentGone),
        Err(error) => return Err(EvalError::Failed(error.into())),
    };
    let exception = &answer["exceptionDetails"];
    if exception.is_object() {
        let details = &exception["exception"];
        let text = details["description"].as_str().or_else(|| details["value"].as_str());
        return Err(EvalError::Thrown(text.or_else(|| exception["text"].as_str()).unwrap_or("?").to_owned()));
    }
    parse_answer(answer["result"]["value"].as_str())
}

/// What Chromium says when the document left while a command was under way.
pub(super) fn document_gone(error: &CallError) -> bool {
    let CallError::Refused { message, .. } = error else { return false };
    ["Execution context was destroyed", "Inspected target navigated or closed", "Cannot find context with specified id"]
        .iter()
        .any(|known| message.contains(known))
}
