//! Live updates, in both ways that browsers know: server-sent events and a WebSocket. A stream lives no longer than
//! the token that it was opened with; the page opens the next one with a fresh token.
//!
//! Nothing is replayed: a page that comes back reads the list again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{Stream, StreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{broadcast, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::bearer::Caller;
use crate::book::Change;
use crate::problem::Problem;
use crate::state::{Api, MAX_BODY};

/// A sign of life this often: what waits in between shows the stream as broken otherwise.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// `GET /api/events`
pub(crate) async fn events(caller: Caller, State(api): State<Arc<Api>>) -> Result<Response, Problem> {
    let watch = Watch::new(&caller, &api)?;
    Ok(Sse::new(event_stream(watch)).into_response())
}

fn event_stream(watch: Watch) -> impl Stream<Item = Result<Event, Infallible>> {
    // A first comment at once: the page's `open` must not wait for the first change.
    stream::once(async { Event::default().comment("open") })
        .chain(stream::unfold(watch, |mut watch| async move {
            let event = match watch.next().await? {
                News::Change(change) => {
                    Event::default().event(change.name()).id(change.seq().to_string()).data(json(&*change))
                }
                News::KeepAlive => Event::default().comment("keep-alive"),
            };
            Some((event, watch))
        }))
        .map(Ok)
}

/// `GET /api/live`
pub(crate) async fn live(
    caller: Caller,
    State(api): State<Arc<Api>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|_| Problem::NotAWebSocket)?;
    let watch = Watch::new(&caller, &api)?;
    Ok(upgrade
        .max_message_size(MAX_BODY)
        .max_frame_size(MAX_BODY)
        .on_upgrade(move |socket| converse(socket, watch, caller.sub, api)))
}

async fn converse(mut socket: WebSocket, mut watch: Watch, sub: String, api: Arc<Api>) {
    loop {
        let message = tokio::select! {
            news = watch.next() => match news {
                Some(News::Change(change)) => Message::Text(json(&*change).into()),
                Some(News::KeepAlive) => Message::Ping(axum::body::Bytes::new()),
                None => break,
            },
            said = socket.recv() => match said {
                // What was added comes back to everybody, the sender included, as a change.
                Some(Ok(Message::Text(text))) => match said_by_page(&text, &sub, &watch, &api).await {
                    Ok(()) => continue,
                    Err(problem) => Message::Text(json(&json!({ "type": "error", "code": problem.code() })).into()),
                },
                Some(Ok(Message::Binary(_))) => break,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        if socket.send(message).await.is_err() {
            return;
        }
    }
    // The other side may be gone already.
    let _gone = socket.send(Message::Close(None)).await;
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
enum Said {
    Add { text: String },
}

async fn said_by_page(text: &Utf8Bytes, sub: &str, watch: &Watch, api: &Api) -> Result<(), Problem> {
    if watch.over() {
        return Err(Problem::TokenInvalid);
    }
    let Said::Add { text } = serde_json::from_str(text).map_err(|_| Problem::BadNote)?;
    api.add(sub, &text).await.map(|_| ())
}

/// What a stream waits for.
struct Watch {
    changes: broadcast::Receiver<Arc<Change>>,
    beat: Interval,
    closing: watch::Receiver<bool>,
    now: crate::keys::Now,
    until: i64,
}

enum News {
    Change(Arc<Change>),
    KeepAlive,
}

impl Watch {
    fn new(caller: &Caller, api: &Api) -> Result<Self, Problem> {
        let mut beat = interval(KEEP_ALIVE);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.reset(); // the first tick comes after a whole period
        Ok(Self {
            changes: api.book.listen(&caller.sub)?,
            beat,
            closing: api.closing.clone(),
            now: api.now.clone(),
            until: caller.until,
        })
    }

    /// None ends the stream: the token has ended, the server stops, or too many changes were missed.
    async fn next(&mut self) -> Option<News> {
        let news = tokio::select! {
            change = self.changes.recv() => News::Change(change.ok()?),
            _ = self.beat.tick() => News::KeepAlive,
            _ = self.closing.wait_for(|closing| *closing) => return None,
        };
        (!self.over()).then_some(news)
    }

    fn over(&self) -> bool {
        (self.now)() >= self.until
    }
}

/// Our own types always serialise; an empty text would be refused by the page.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
