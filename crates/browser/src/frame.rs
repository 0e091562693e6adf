//! A frame in a page, found by its address whenever it is asked. Clicks and keys are deliberately not here: they go to the
//! page, which hands them to what is there.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use tokio::time::Instant;

use super::driver::{COMMAND_DEADLINE, PAGE_DEADLINE, TabDriver};
use super::expression::by_value;

/// How often it is looked for while it is not there.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// The first frame of a page whose address contains something.
pub struct Frame<'a> {
    tab: &'a dyn TabDriver,
    part: String,
}

impl<'a> Frame<'a> {
    pub(super) fn new(tab: &'a dyn TabDriver, part: &str) -> Self {
        Self { tab, part: part.to_owned() }
    }

    /// The value of an expression in it, as [`crate::Page::eval`] gives it. Waits up to 20 s until there is such a frame.
    pub async fn eval(&self, expression: &str) -> Result<Value> {
        let end = Instant::now() + PAGE_DEADLINE;
        // No protocol tells of all frames in one way, so they are asked for.
        let mut again = tokio::time::interval(ASK_AGAIN);
        loop {
            again.tick().await;
            let found = self.tab.evaluate_in_frame(&self.part, &by_value(expression), COMMAND_DEADLINE).await?;
            if let Some(value) = found {
                return Ok(value);
            }
            if Instant::now() >= end {
                bail!("there is no frame at {:?}", self.part);
            }
        }
    }
}
