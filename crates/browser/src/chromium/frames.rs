//! The frames of a tab: those of its own process, and those of other sites, which are targets of their own. They are looked
//! for anew each time, in a session that ends with the search; nothing follows them meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::driver::COMMAND_DEADLINE;
use crate::link::{CallError, Event, Heard, Link};

pub(super) struct Frames {
    link: Arc<Link>,
    session: String,
    events: mpsc::UnboundedReceiver<Heard>,
}

impl Frames {
    pub(super) async fn of(link: Arc<Link>, target: &str) -> Result<Self> {
        let (events, _) = link.listen();
        let params = json!({ "targetId": target, "flatten": true });
        let answer = link.call(None, "Target.attachToTarget", params, COMMAND_DEADLINE).await?;
        let session = answer["sessionId"].as_str().context("no session of the tab")?.to_owned();
        Ok(Self { link, session, events })
    }

    /// The session and the execution context of the first frame whose address contains `part`; nearer ones come first.
    pub(super) async fn find(&mut self, part: &str) -> Result<Option<(String, Option<i64>)>> {
        let mut sessions = VecDeque::from([self.session.clone()]);
        while let Some(session) = sessions.pop_front() {
            let look = async {
                let wanted = json!([{ "type": "iframe", "exclude": false }]);
                let attach =
                    json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true, "filter": wanted });
                self.call(&session, "Target.setAutoAttach", attach).await?;
                self.call(&session, "Runtime.enable", json!({})).await?;
                self.call(&session, "Page.getFrameTree", json!({})).await
            };
            let tree = match look.await {
                Ok(tree) => tree,
                // The frame has gone meanwhile.
                Err(CallError::Refused { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            // What was said before the last answer came is in the queue by now.
            let mut worlds = Vec::new();
            while let Ok(heard) = self.events.try_recv() {
                let Heard::Event(event) = heard else { continue };
                if event.session.as_deref() != Some(&session) {
                    continue;
                }
                worlds.extend(world(&event));
                sessions.extend(child(&event));
            }
            // The tab's own document is no frame.
            let top = (session == self.session).then(|| tree["frameTree"]["frame"]["id"].clone());
            let mut frames = Vec::new();
            collect(&tree["frameTree"], &mut frames);
            let found = frames.into_iter().find(|(id, url)| top.as_ref() != Some(&json!(id)) && url.contains(part));
            if let Some((id, _)) = found {
                let world = worlds.into_iter().find(|(frame, _)| *frame == id).map(|(_, world)| world);
                return Ok(Some((session, world)));
            }
        }
        Ok(None)
    }

    /// Ends the session, and those of the frames with it.
    pub(super) async fn close(self) -> Result<()> {
        let params = json!({ "sessionId": self.session });
        match self.link.call(None, "Target.detachFromTarget", params, COMMAND_DEADLINE).await {
            // It has ended with its tab.
            Ok(_) | Err(CallError::Refused { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    async fn call(&self, session: &str, method: &str, params: Value) -> Result<Value, CallError> {
        self.link.call(Some(session), method, params, COMMAND_DEADLINE).await
    }
}

/// The frame and the number of a page's own execution context.
fn world(event: &Event) -> Option<(String, i64)> {
    let context = &event.params["context"];
    let own = event.method == "Runtime.executionContextCreated" && context["auxData"]["isDefault"] == true;
    own.then(|| Some((context["auxData"]["frameId"].as_str()?.to_owned(), context["id"].as_i64()?)))?
}

/// The session of a frame of another site.
fn child(event: &Event) -> Option<String> {
    let attached = event.method == "Target.attachedToTarget";
    attached.then(|| event.params["sessionId"].as_str().map(str::to_owned))?
}

/// Ids and addresses, outer frames first.
fn collect(tree: &Value, frames: &mut Vec<(String, String)>) {
    let text = |name: &str| tree["frame"][name].as_str().unwrap_or_default().to_owned();
    frames.push((text("id"), text("url")));
    for inner in tree["childFrames"].as_array().into_iter().flatten() {
        collect(inner, frames);
    }
}
