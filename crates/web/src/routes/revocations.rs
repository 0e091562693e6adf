//! The revocation feed for services: pages in JSON, or the same documents as events as soon as there is something to tell.
//! The wire is described in `docs/protocol/revocations.md`; every instant is whole Unix milliseconds.

use crate::call::Call;
use crate::content::Content;
use crate::navigation::text;
use crate::problem::{Code, Problem};
use crate::routes::answer;
use crate::{Response, Web};
use bytes::Bytes;
use cloakroom_app::feed::{Page, SeenElsewhere};
use cloakroom_core::access::Revocation;
use cloakroom_core::time::Timestamp;
use futures_util::stream;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;

/// `GET /auth/revocations?after=SEQ`: what was revoked after a position. With `Accept: text/event-stream`, and
/// `Last-Event-ID` instead of `after` where it is sent, the same as events.
pub(crate) async fn get(call: Call) -> Result<Response, Problem> {
    let position = text(&call.parts.headers, "last-event-id").map(str::to_owned).or_else(|| call.query("after"));
    // One that comes twice is not the beginning.
    if position.is_none() && call.parts.uri.query().is_some_and(|query| query.contains("after=")) {
        return Err(Code::BadRequest.into());
    }
    let after = match position {
        Some(position) => position.parse().ok().filter(|seq| *seq <= MOST).ok_or(Code::BadRequest)?,
        None => 0,
    };
    // Subscribed to before it is read: what is revoked in between is news.
    let news = call.web.app().feed_news();
    let page = call.web.app().feed_page(after).await?;
    if !text(&call.parts.headers, ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/event-stream")) {
        return Ok(answer(&document(&call.web, &page)));
    }
    let mut response = Response::new(events(Arc::clone(&call.web), news, page));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    Ok(response)
}

/// `POST /auth/sightings`: `seen`, a list of `{sid, gen, first_used_at, last_used_at}`, at most 1000.
pub(crate) async fn seen(mut call: Call) -> Result<Response, Problem> {
    let list = call.fields.list("seen")?;
    let reports: Option<Vec<_>> = list.iter().map(report).collect();
    let reports = reports.filter(|reports| reports.len() <= 1000).ok_or(Code::BadRequest)?;
    call.web.app().seen_elsewhere(&reports)?;
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

fn report(value: &Value) -> Option<SeenElsewhere> {
    Some(SeenElsewhere {
        session: value.get("sid")?.as_str()?.parse().ok()?,
        generation: whole(value.get("gen")?)?.try_into().ok()?,
        first_used_at: Timestamp::from_millis(whole(value.get("first_used_at")?)?.try_into().ok()?),
        last_used_at: Timestamp::from_millis(whole(value.get("last_used_at")?)?.try_into().ok()?),
    })
}

/// A whole number that every JSON reader knows exactly (RFC 8259 §6); `7.0` is one as well.
fn whole(value: &Value) -> Option<u64> {
    let text = value.as_number()?.to_string();
    text.strip_suffix(".0").unwrap_or(&text).parse().ok().filter(|whole| *whole <= MOST)
}

/// 2^53 - 1.
const MOST: u64 = 9_007_199_254_740_991;

struct Telling {
    web: Arc<Web>,
    news: watch::Receiver<u64>,
    next: Option<Page>,
    position: u64,
}

/// One event now, then one whenever something was revoked, and one at least three times within `stale_after`.
fn events(web: Arc<Web>, news: watch::Receiver<u64>, first: Page) -> Content {
    let position = first.after;
    let telling = Telling { web, news, next: Some(first), position };
    Content::events(stream::unfold(telling, |mut telling| async move {
        let page = match telling.next.take() {
            Some(page) => page,
            None => telling.wait().await?,
        };
        telling.position = page.next;
        if page.more {
            // A page that is full is followed by the next one at once.
            telling.next = Some(telling.web.app().feed_page(page.next).await.ok()?);
        }
        let text = format!("event: revocations\nid: {}\ndata: {}\n\n", page.next, document(&telling.web, &page));
        Some((Bytes::from(text), telling))
    }))
}

impl Telling {
    /// The next page; `None` when the stream ends, because the server stops or cannot read the feed. Whoever follows then
    /// notices the silence and asks again.
    async fn wait(&mut self) -> Option<Page> {
        let stale_after = self.web.app().settings().feed.stale_after.millis();
        let heartbeat = Duration::from_millis((stale_after / 3).max(1));
        tokio::select! {
            () = self.web.stopping.cancelled() => return None,
            // Time that passes is an answer too: nothing was revoked.
            _ = timeout(heartbeat, self.news.changed()) => {}
        }
        self.web.app().feed_page(self.position).await.ok()
    }
}

fn document(web: &Web, page: &Page) -> Value {
    json!({
        "after": page.after,
        "next": page.next,
        "more": page.more,
        "reset": page.reset,
        "stale_after_ms": web.app().settings().feed.stale_after.millis(),
        "access_for_ms": web.app().settings().lifetimes.access_for.millis(),
        "now": page.now.millis(),
        "entries": page.entries.iter().map(entry).collect::<Vec<_>>(),
    })
}

fn entry((seq, entry, until): &(u64, Revocation, Timestamp)) -> Value {
    let mut said = match entry {
        Revocation::Session(session) => json!({ "kind": "session", "sid": session.to_string() }),
        Revocation::Issues { session, generation, oldest, from } => json!({
            "kind": "issues", "sid": session.to_string(), "gen": generation, "oldest": oldest, "from": from.millis(),
        }),
        Revocation::Key(key) => json!({ "kind": "key", "kid": key.to_string() }),
        Revocation::Account { account, before } => {
            json!({ "kind": "account", "sub": account.to_string(), "before": before.millis() })
        }
        Revocation::Everything { before } => json!({ "kind": "everything", "before": before.millis() }),
    };
    if let Some(fields) = said.as_object_mut() {
        fields.insert("seq".into(), (*seq).into());
        fields.insert("until".into(), until.millis().into());
    }
    said
}
