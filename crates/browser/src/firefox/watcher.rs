//! Follows the events of one Firefox tab: which frames it has, and what they received.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::bytes;
use crate::driver::COMMAND_DEADLINE;
use crate::link::{Event, Heard, Link};
use crate::response::ResponseLog;

pub(super) struct Watcher {
    pub(super) link: Arc<Link>,
    /// The tab's own browsing context and those of its frames.
    pub(super) contexts: HashSet<String>,
    pub(super) log: Arc<watch::Sender<ResponseLog>>,
    /// Ends the task with the tab.
    pub(super) tab: watch::Sender<()>,
}

impl Watcher {
    pub(super) async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Heard>) {
        while let Some(heard) = queue.recv().await {
            match heard {
                Heard::Event(event) => self.handle(&event),
                Heard::Barrier(reached) => _ = reached.send(()),
            }
            // The tab was dropped: nobody reads what would be collected.
            if self.tab.receiver_count() == 0 {
                break;
            }
        }
    }

    fn handle(&mut self, event: &Event) {
        let params = &event.params;
        if event.method == "browsingContext.contextCreated" {
            let parent = params["parent"].as_str();
            if parent.is_some_and(|parent| self.contexts.contains(parent)) {
                self.contexts.extend(params["context"].as_str().map(str::to_owned));
            }
            return;
        }
        if !params["context"].as_str().is_some_and(|context| self.contexts.contains(context)) {
            return;
        }
        // Every hop of a redirect has the same request id.
        let request = params["request"]["request"].as_str().unwrap_or_default();
        let key = format!("{request} {}", params["redirectCount"]);
        match event.method.as_str() {
            "network.responseStarted" => self.begin(&key, &params["response"]),
            "network.responseCompleted" => {
                let response = &params["response"];
                let redirect = response["status"].as_u64().is_some_and(|status| (300..400).contains(&status));
                if redirect {
                    self.log.send_modify(|log| log.finish(&key, None));
                } else {
                    self.fetch_body(key, request.to_owned());
                }
            }
            "network.fetchError" if self.log.borrow().expects(&key) => {
                self.log.send_modify(|log| log.finish(&key, None));
            }
            _ => {}
        }
    }

    fn begin(&self, key: &str, response: &Value) {
        let headers = response["headers"].as_array().into_iter().flatten();
        let headers = headers
            .map(|header| (header["name"].as_str().unwrap_or_default().to_owned(), bytes(&header["value"])))
            .collect();
        let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
        let url = response["url"].as_str().unwrap_or_default();
        self.log.send_modify(|log| log.begin(key, url, status, headers));
    }

    fn fetch_body(&self, key: String, request: String) {
        let (link, log) = (Arc::clone(&self.link), Arc::clone(&self.log));
        tokio::spawn(async move {
            let params = json!({ "dataType": "response", "request": request });
            let answer = link.call(None, "network.getData", params, COMMAND_DEADLINE).await;
            let body = answer.ok().map(|answer| bytes(&answer["bytes"]));
            log.send_modify(|log| log.finish(&key, body));
        });
    }
}
