//! What the stage is told, as numbered lines of JSON: whoever comes late gets what was said before.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

/// Lines that are kept for late comers.
const KEPT: usize = 4_000;

/// The lines.
#[derive(Default)]
pub(super) struct Feed {
    said: Mutex<Said>,
    grown: watch::Sender<u64>,
}

#[derive(Default)]
struct Said {
    /// The number of the next line.
    next: u64,
    lines: VecDeque<(u64, Arc<str>)>,
}

impl Feed {
    /// Says something: `kind` tells the page where it belongs.
    pub(super) fn say(&self, kind: &str, what: &Value) {
        let line: Arc<str> = json!({ "kind": kind, "what": what }).to_string().into();
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.next += 1;
        let next = said.next;
        said.lines.push_back((next, line));
        if said.lines.len() > KEPT {
            said.lines.pop_front();
        }
        // Inside the lock, so that the number never goes back.
        self.grown.send_replace(next);
    }

    /// The lines after a number, with theirs.
    pub(super) fn after(&self, number: u64) -> Vec<(u64, Arc<str>)> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.lines.iter().filter(|(known, _)| *known > number).cloned().collect()
    }

    /// Changes with every line.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_late_gets_the_rest_and_nothing_twice() {
        let feed = Feed::default();
        for number in 0..3 {
            feed.say("wire", &json!(number));
        }
        assert_eq!(feed.after(0).len(), 3);
        let rest = feed.after(2);
        assert_eq!(rest.len(), 1);
        assert_eq!((rest[0].0, &*rest[0].1), (3, r#"{"kind":"wire","what":2}"#));
    }
}
