//! WebSocket: after the upstream's 101 the two connections are copied into each other, bytes as they come.
//!
//! Until that 101 nothing that the client sent after its handshake goes anywhere; it is read by the server as the next
//! request if the answer is another. Other protocols (`h2c` above all) are not upgraded to: such a request is forwarded
//! as the plain request that it also is.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{HeaderMap, Method, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

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
    /// Dropped with the tunnel.
    pub(crate) _hold: Option<Hold>,
}

/// Copies until both sides are done, one breaks, or it is ended.
pub(crate) async fn run(client: OnUpgrade, upstream: OnUpgrade, ends: Ends) {
    let copying = async {
        let (client, upstream) = match tokio::try_join!(client, upstream) {
            Ok(both) => both,
            Err(error) => {
                tracing::debug!(%error, "upgrade failed");
                return;
            }
        };
        let progress = Progress::new();
        let mut client = Metered { io: TokioIo::new(client), progress: Arc::clone(&progress) };
        let mut upstream = TokioIo::new(upstream);
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut upstream) => {}
            () = silence(&progress, ends.idle_for) => {}
        }
    };
    tokio::select! {
        () = copying => {}
        () = ends.cut.cancelled() => {}
        () = async {
            match &ends.session {
                Some(session) => session.cancelled().await,
                None => std::future::pending().await,
            }
        } => {}
    }
}

async fn silence(progress: &Progress, idle_for: Option<Duration>) {
    let Some(idle_for) = idle_for else { return std::future::pending().await };
    loop {
        let until = progress.last() + idle_for;
        if until <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(until).await;
    }
}

/// Notes when bytes move.
struct Metered<T> {
    io: T,
    progress: Arc<Progress>,
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.io).poll_read(cx, buf);
        if read.is_ready() {
            self.progress.touch();
        }
        read
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        if written.is_ready() {
            self.progress.touch();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
