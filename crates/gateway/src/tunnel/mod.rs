//! WebSocket: after the upstream's 101 the two connections are copied into each other, bytes as they come. Frames are
//! followed only to know where one ends: there, and only there, we may say that the session is over.
//!
//! Until that 101 nothing that the client sent after its handshake goes anywhere; it is read by the server as the next
//! request if the answer is another. Other protocols (`h2c` above all) are not upgraded to: such a request is forwarded
//! as the plain request that it also is.

mod farewell;
mod flow;
mod frames;

use std::future::{pending, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method, Version};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::farewell::Farewell;
use self::flow::Flow;
use crate::hold::Hold;
use crate::hop_by_hop::has_token;
use crate::problem::Problem;
use crate::watch::Progress;

/// Whether this is a WebSocket handshake (RFC 6455 §4.1) over HTTP/1.1.
pub(crate) fn is_handshake(parts: &Parts) -> Result<bool, Problem> {
    if parts.version != Version::HTTP_11 || !wants_websocket(&parts.headers) {
        return Ok(false);
    }
    let length = parts.headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    if parts.method != Method::GET || length || parts.headers.contains_key(TRANSFER_ENCODING) {
        return Err(Problem::BadUpgrade);
    }
    Ok(true)
}

/// Whether a header asks for, or agrees to, exactly `websocket`.
pub(crate) fn wants_websocket(headers: &HeaderMap) -> bool {
    let mut protocols = headers.get_all(UPGRADE).iter();
    let websocket = protocols.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    websocket
        && protocols.next().is_none()
        && headers.get_all(CONNECTION).iter().any(|value| has_token(value, "upgrade"))
}

/// What ends a tunnel besides its two sides.
pub(crate) struct Ends {
    /// The session's end.
    pub(crate) session: Option<CancellationToken>,
    /// The server's end.
    pub(crate) cut: CancellationToken,
    /// Silence.
    pub(crate) idle_for: Option<Duration>,
    /// How long each step of closing may take.
    pub(crate) close_for: Duration,
    /// Dropped with the tunnel, or as soon as it is being closed.
    pub(crate) hold: Option<Hold>,
}

impl Ends {
    /// When we have to end it, and what to say.
    async fn come(&self) -> Farewell {
        let session = async {
            match &self.session {
                Some(session) => session.cancelled().await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = session => Farewell::SessionEnded,
            () = self.cut.cancelled() => Farewell::GoingAway,
        }
    }
}

/// Copies until both sides are done, one breaks, or it is ended.
pub(crate) async fn run(client: OnUpgrade, upstream: OnUpgrade, mut ends: Ends) {
    let upgraded = tokio::select! {
        both = async { tokio::try_join!(client, upstream) } => both,
        // The 101 is on its way to a client that shall hear why it ends, but not wait for ever to.
        () = async { ends.come().await; tokio::time::sleep(ends.close_for).await } => return,
    };
    let mut tunnel = match upgraded {
        Ok((client, upstream)) => Tunnel::between(client, upstream),
        Err(error) => {
            tracing::debug!(%error, "upgrade failed");
            return;
        }
    };
    let progress = Progress::new();
    let farewell = tokio::select! {
        biased; // Not a byte more than there has to be.
        farewell = ends.come() => farewell,
        _ = tunnel.copy(&progress) => return,
        () = silence(&progress, ends.idle_for) => return,
    };
    // What opens from now on is not held up by what is being closed.
    ends.hold = None;
    farewell::say(farewell, tunnel, ends.close_for).await;
}

type Socket = TokioIo<Upgraded>;

/// Two connections and what flows between them.
struct Tunnel {
    client: Socket,
    upstream: Socket,
    /// From the client to the upstream.
    up: Flow,
    /// From the upstream to the client.
    down: Flow,
}

impl Tunnel {
    fn between(client: Upgraded, upstream: Upgraded) -> Self {
        Self { client: TokioIo::new(client), upstream: TokioIo::new(upstream), up: Flow::new(), down: Flow::new() }
    }

    /// Copies until both sides have ended, or one breaks. May be given up at any time without losing a byte.
    async fn copy(&mut self, progress: &Progress) -> io::Result<()> {
        let Self { client, upstream, up, down } = self;
        poll_fn(|cx| {
            let up = up.poll_copy(cx, Pin::new(&mut *client), Pin::new(&mut *upstream), progress)?;
            let down = down.poll_copy(cx, Pin::new(&mut *upstream), Pin::new(&mut *client), progress)?;
            if up.is_ready() && down.is_ready() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }
}

async fn silence(progress: &Progress, idle_for: Option<Duration>) {
    let Some(idle_for) = idle_for else { return pending().await };
    loop {
        let until = progress.last() + idle_for;
        if until <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(until).await;
    }
}
