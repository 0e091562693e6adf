//! Following the feed: catch up over JSON, then listen to pushed events; on a gap, an end or silence, from the beginning.
//! Decides nothing about tokens.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt as _, Full};

use super::events::{Events, TooLarge};
use super::wire::{Document, NotADocument};
use super::{Feed, Instant};
use crate::address::{Address, BadAddress};
use crate::backoff;
use crate::clock::Clock;
use crate::fetch::{self, FetchError, Http, chain, collected};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const EVENT_STREAM: &str = "text/event-stream";
/// The first pause after a failure, and the longest before it is known how much silence is allowed.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// The longest pause in any case.
const LONGEST_RETRY: Duration = Duration::from_secs(30);

/// Why the feed is not being followed right now.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error(transparent)]
    Document(#[from] NotADocument),
    #[error("the address of the feed is none")]
    Address(#[from] BadAddress),
    #[error("the feed answers for another position than the one that was asked for")]
    OtherPosition,
    #[error("the feed says that there is more, and brings nothing")]
    Stuck,
    #[error("an event is too large")]
    EventTooLarge,
    #[error("the stream broke: {0}")]
    Broken(String),
    #[error("the stream ended")]
    Ended,
    #[error("the stream brings what is long over: something on the way holds it back, or the server's clock was set")]
    Late,
    #[error("the stream is silent")]
    Silent,
    #[error("the stream left something out")]
    Gap,
}

/// How a round of catching up and listening ended well enough.
enum Round {
    /// The server pushes nothing: ask again after a while.
    Poll,
    /// There is more to be had at once.
    Again,
}

/// Follows.
pub(crate) struct Follower {
    pub(crate) feed: Arc<Feed>,
    pub(crate) address: Address,
    /// `Bearer` and the token of the feed, marked as sensitive.
    pub(crate) authorization: HeaderValue,
    pub(crate) http: Http,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Follower {
    /// For ever.
    pub(crate) async fn run(self) {
        let mut failures: u32 = 0;
        loop {
            let mut pushed: u32 = 0;
            let outcome = self.round(&mut pushed).await;
            if pushed > 0 {
                failures = 0;
            }
            let pause = match outcome {
                Ok(Round::Again) => continue,
                Ok(Round::Poll) => {
                    failures = 0;
                    self.feed.stale_after() / 3
                }
                // One gap is nothing to wait for; a server that leaves a gap each time is.
                Err(Lost::Gap) if failures == 0 => {
                    failures = 1;
                    continue;
                }
                Err(error) => {
                    failures = failures.saturating_add(1);
                    self.feed.failed();
                    let pause = backoff::after(failures, RETRY.0, self.longest_pause());
                    tracing::warn!(%error, failures, retry_in = ?pause, "the revocation feed was lost");
                    pause
                }
            };
            self.clock.wait(pause).await;
        }
    }

    /// Catches up, then listens. `pushed` counts the documents that came by themselves.
    async fn round(&self, pushed: &mut u32) -> Result<Round, Lost> {
        self.catch_up().await?;
        self.listen(pushed).await
    }

    /// Asks until there is no more.
    async fn catch_up(&self) -> Result<(), Lost> {
        let mut resets = 0;
        loop {
            let asked_at = self.feed.instant();
            let request = self.request("application/json")?;
            let document = Document::parse(&self.http.document(request).await?.body)?;
            let position = self.feed.position();
            if document.reset {
                tracing::warn!(position, next = document.next, "the revocation feed was set back");
                resets += 1;
            }
            if document.after != position && !document.reset || resets > 1 {
                return Err(Lost::OtherPosition);
            }
            let is_stuck = document.more && document.next == position && !document.reset;
            self.feed.apply(&document);
            if is_stuck {
                return Err(Lost::Stuck);
            }
            if !document.more {
                // As it was when it was asked for: what was revoked since then may not be in it.
                self.feed.heard(asked_at);
                return Ok(());
            }
        }
    }

    /// Listens until the stream ends in some way.
    async fn listen(&self, pushed: &mut u32) -> Result<Round, Lost> {
        let asked_at = self.feed.instant();
        let mut request = self.request(EVENT_STREAM)?;
        request.headers_mut().insert(LAST_EVENT_ID, HeaderValue::from(self.feed.position()));
        let response = self.http.stream(request).await?;
        if !fetch::is_of_type(response.headers(), EVENT_STREAM) {
            let limit = self.clock.wait(self.longest_silence());
            let Either::Left((document, _)) = select(pin!(collected(response)), limit).await else {
                return Err(Lost::Silent);
            };
            let is_over = self.push(&Document::parse(&document?.body)?)?;
            return Ok(if is_over {
                Round::Again
            } else {
                self.feed.heard(asked_at);
                Round::Poll
            });
        }
        let mut events = Events::default();
        let mut first = None;
        let mut body = response.into_body();
        // Renewed by documents only: comments keep a line open that may be dead at its other end.
        let mut silence = self.clock.wait(self.longest_silence());
        loop {
            let piece = match select(pin!(body.frame()), &mut silence).await {
                Either::Left((frame, _)) => frame.ok_or(Lost::Ended)?,
                Either::Right(_) => return Err(Lost::Silent),
            };
            let piece = piece.map_err(|error| Lost::Broken(chain(&error)))?.into_data().unwrap_or_default();
            for event in events.push(&piece, "revocations").map_err(|TooLarge| Lost::EventTooLarge)? {
                let document = Document::parse(&event)?;
                let is_over = self.push(&document)?;
                *pushed = pushed.saturating_add(1);
                if is_over {
                    return Ok(Round::Again);
                }
                let made_at = made_at(&document, *first.get_or_insert(document.now), asked_at, self.feed.instant());
                self.feed.heard(made_at);
                if self.feed.instant().elapsed.saturating_sub(made_at.elapsed) > self.longest_silence() {
                    return Err(Lost::Late);
                }
                silence = self.clock.wait(self.longest_silence());
            }
        }
    }

    /// Takes over what came by itself; answers whether there is more to be asked for at once.
    fn push(&self, document: &Document) -> Result<bool, Lost> {
        // Being set back is something to ask about, too.
        if document.after != self.feed.position() || document.reset {
            return Err(Lost::Gap);
        }
        self.feed.apply(document);
        Ok(document.more)
    }

    /// The heartbeat comes twice as often.
    fn longest_silence(&self) -> Duration {
        self.feed.stale_after() / 3 * 2
    }

    fn longest_pause(&self) -> Duration {
        if self.feed.is_fresh() { (self.feed.stale_after() / 3).min(LONGEST_RETRY) } else { RETRY.1 }
    }

    fn request(&self, accept: &'static str) -> Result<Request<Full<Bytes>>, BadAddress> {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = self.address.with("after", &self.feed.position().to_string())?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.insert(AUTHORIZATION, self.authorization.clone());
        Ok(request)
    }
}

/// When a pushed document was made, at the earliest, by our clock. Something on the way may have held it back: the first
/// one was made after the stream was asked for, the others as much later as the server's clock says.
fn made_at(document: &Document, first: i64, asked_at: Instant, arrived_at: Instant) -> Instant {
    let later = Duration::from_millis(u64::try_from(document.now.saturating_sub(first)).unwrap_or(0));
    let elapsed = asked_at.elapsed.saturating_add(later).min(arrived_at.elapsed);
    let ago = i64::try_from(arrived_at.elapsed.saturating_sub(elapsed).as_millis()).unwrap_or(i64::MAX);
    Instant { elapsed, now: arrived_at.now.saturating_sub(ago) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_as_old_as_the_clock_of_its_server_says_and_never_from_the_future() {
        let at =
            |seconds| Instant { elapsed: Duration::from_secs(seconds), now: 1_000_000 + 1000 * seconds.cast_signed() };
        let document = |now: i64| {
            let text = format!(r#"{{"after":0,"next":0,"stale_after_ms":1,"now":{now},"entries":[]}}"#);
            Document::parse(text.as_bytes()).unwrap()
        };
        let first = 50_000;
        let made = |seconds: i64, arrived| made_at(&document(first + 1000 * seconds), first, at(100), at(arrived));
        assert_eq!(made(0, 100), at(100));
        assert_eq!(made(0, 130), at(100));
        assert_eq!(made(20, 130), at(120));
        assert_eq!(made(60, 130), at(130), "the server's clock was put forward");
        assert_eq!(made(-60, 130), at(100), "or back");
    }
}
