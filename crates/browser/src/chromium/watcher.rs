//! Follows the events of one Chromium tab: how far the main document has come, and what was received. Frames of another
//! site live in a target of their own and are not followed.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::driver::COMMAND_DEADLINE;
use crate::link::{Event, Heard, Link};
use crate::response::ResponseLog;

/// What the main frame has been through.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The loaders of all documents so far, the present one last.
    pub(super) loaders: Vec<String>,
    /// How often the main frame went to another document.
    pub(super) commits: u64,
    /// Whether the present document's `load` event has fired.
    pub(super) loaded: bool,
    /// How often the address changed without another document (`#fragment`, `pushState`).
    pub(super) same_document: u64,
    pub(super) crashed: bool,
}

pub(super) struct Watcher {
    pub(super) link: Arc<Link>,
    pub(super) session: String,
    pub(super) main_frame: String,
    pub(super) progress: watch::Sender<Progress>,
    /// Changes with every change of `progress`.
    pub(super) moves: watch::Sender<()>,
    pub(super) log: Arc<watch::Sender<ResponseLog>>,
}

impl Watcher {
    pub(super) async fn run(self, mut queue: mpsc::UnboundedReceiver<Heard>) {
        while let Some(heard) = queue.recv().await {
            match heard {
                Heard::Event(event) if event.session.as_deref() == Some(&self.session) => self.handle(&event),
                Heard::Event(_) => {}
                Heard::Barrier(reached) => _ = reached.send(()),
            }
            // The tab was dropped: nobody reads what would be collected.
            if self.progress.receiver_count() == 0 {
                break;
            }
        }
    }

    fn handle(&self, event: &Event) {
        let params = &event.params;
        match event.method.as_str() {
            "Page.lifecycleEvent" if params["frameId"] == self.main_frame.as_str() => self.lifecycle(params),
            "Page.frameNavigated"
                if params["frame"]["id"] == self.main_frame.as_str() && params["type"] == "BackForwardCacheRestore" =>
            {
                // A restored document is complete already; its load event does not fire again.
                let loader = word(&params["frame"], "loaderId");
                self.advance(|progress| {
                    progress.commits += 1;
                    progress.loaders.push(loader);
                    progress.loaded = true;
                });
            }
            "Page.navigatedWithinDocument" if params["frameId"] == self.main_frame.as_str() => {
                self.advance(|progress| progress.same_document += 1);
            }
            // A dialog stops the page; tests never want to wait for somebody to press its button.
            "Page.javascriptDialogOpening" => self.send("Page.handleJavaScriptDialog", json!({ "accept": true })),
            "Inspector.targetCrashed" | "Inspector.detached" => {
                self.advance(|progress| progress.crashed = true);
            }
            "Network.requestWillBeSent" if params["redirectResponse"].is_object() => {
                let key = word(params, "requestId");
                self.begin(&key, &params["redirectResponse"]);
                self.log.send_modify(|log| log.finish(&key, None));
            }
            "Network.responseReceived" => self.begin(&word(params, "requestId"), &params["response"]),
            "Network.loadingFinished" => self.fetch_body(word(params, "requestId")),
            "Network.loadingFailed" => {
                let key = word(params, "requestId");
                if self.log.borrow().expects(&key) {
                    self.log.send_modify(|log| log.finish(&key, None));
                }
            }
            _ => {}
        }
    }

    fn lifecycle(&self, params: &Value) {
        let loader = word(params, "loaderId");
        match params["name"].as_str() {
            Some("init") => self.advance(|progress| {
                progress.commits += 1;
                progress.loaders.push(loader);
                progress.loaded = false;
            }),
            Some("load") => self.advance(|progress| {
                if progress.loaders.last() == Some(&loader) {
                    progress.loaded = true;
                }
            }),
            _ => {}
        }
    }

    fn advance(&self, change: impl FnOnce(&mut Progress)) {
        self.progress.send_modify(change);
        self.moves.send_replace(());
    }

    fn begin(&self, key: &str, response: &Value) {
        let headers = response["headers"].as_object().into_iter().flatten();
        let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
        let status = response["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
        self.log.send_modify(|log| log.begin(key, &word(response, "url"), status, headers.collect()));
    }

    /// Asked for at once: the next navigation throws the body away.
    fn fetch_body(&self, key: String) {
        if !self.log.borrow().expects(&key) {
            return;
        }
        let (link, session, log) = (Arc::clone(&self.link), self.session.clone(), Arc::clone(&self.log));
        tokio::spawn(async move {
            let params = json!({ "requestId": key });
            let answer = link.call(Some(&session), "Network.getResponseBody", params, COMMAND_DEADLINE).await;
            let body = answer.ok().and_then(|answer| {
                let body = answer["body"].as_str()?;
                if answer["base64Encoded"] == true {
                    return Some(String::from_utf8_lossy(&STANDARD.decode(body).ok()?).into_owned());
                }
                Some(body.to_owned())
            });
            log.send_modify(|log| log.finish(&key, body));
        });
    }

    fn send(&self, method: &'static str, params: Value) {
        let (link, session) = (Arc::clone(&self.link), self.session.clone());
        tokio::spawn(async move {
            // The tab may be gone by now, which answers the question as well.
            let _ = link.call(Some(&session), method, params, COMMAND_DEADLINE).await;
        });
    }
}

fn word(json: &Value, key: &str) -> String {
    json[key].as_str().unwrap_or_default().to_owned()
}
