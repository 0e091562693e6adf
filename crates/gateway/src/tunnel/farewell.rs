//! How a tunnel ends that we end: each side hears a Close frame that says why (RFC 6455 §5.5.1, §7), between two frames
//! of what it was told before, and then the connection is closed.
//!
//! Every step has the same bound. Who does not end a frame, read, or answer within it is cut off. Nothing that the client
//! sends is handed on any more.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf, copy, sink, split};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

use super::flow::Flow;
use super::{Socket, Tunnel};

/// Why we end a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// The session is over. 4401 is ours, of the range for private use (§7.4.2).
    SessionEnded,
    /// The server stops (§7.4.1).
    GoingAway,
}

impl Farewell {
    /// The Close frame; with a mask that of a client (§5.3).
    fn frame(self, mask: Option<[u8; 4]>) -> Vec<u8> {
        let (code, reason) = match self {
            Self::SessionEnded => (4401_u16, "session ended"),
            Self::GoingAway => (1001, "going away"),
        };
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        // Under 126: one byte, of which the highest bit is the mask's.
        let [.., length] = payload.len().to_be_bytes();
        match mask {
            None => [&[0x88, length], &*payload].concat(),
            Some(mask) => {
                let masked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
                [0x88, 0x80 | length].into_iter().chain(mask).chain(masked).collect()
            }
        }
    }

    /// The Close frame for an upstream. `None` only if the operating system gives no entropy: a mask must not be
    /// guessed (§5.3).
    fn masked_frame(self) -> Option<Vec<u8>> {
        let mut mask = [0; 4];
        aws_lc_rs::rand::fill(&mut mask).ok()?;
        Some(self.frame(Some(mask)))
    }
}

/// Ends a tunnel; each step takes at most `step_for`.
pub(super) async fn say(farewell: Farewell, tunnel: Tunnel, step_for: Duration) {
    let Tunnel { client, upstream, up, down } = tunnel;
    let (upstream_reads, upstream_writes) = split(upstream);
    let words = if up.frames().closed() {
        Words::Said
    } else if up.frames().at_boundary() {
        farewell.masked_frame().map_or(Words::None, Words::Frame)
    } else {
        Words::None
    };
    let (lend, borrowed) = oneshot::channel();
    let client = Client { socket: split(client), up, down, step_for };
    tokio::join!(
        async move {
            let (reads, told) = client.tell(farewell, upstream_reads).await;
            let _ = lend.send(reads);
            if let Some(client) = told {
                client.close().await;
            }
        },
        end_upstream(words, upstream_writes, borrowed, step_for)
    );
}

/// The client's side.
struct Client {
    socket: (ReadHalf<Socket>, WriteHalf<Socket>),
    up: Flow,
    down: Flow,
    step_for: Duration,
}

impl Client {
    /// Ends the frame under way, then says farewell, unless the upstream has closed: a second Close would be one frame
    /// too many. Gives back what it was lent, and itself unless it is to be cut off.
    async fn tell(mut self, farewell: Farewell, mut upstream: ReadHalf<Socket>) -> (ReadHalf<Socket>, Option<Self>) {
        let (reads, writes) = (&mut self.socket.0, &mut self.socket.1);
        let telling = async {
            self.down.finish_frame(&mut upstream, writes).await?;
            if !self.down.frames().closed() {
                writes.write_all(&farewell.frame(None)).await?;
            }
            writes.flush().await
        };
        let told = tokio::select! {
            told = timeout(self.step_for, telling) => matches!(told, Ok(Ok(()))),
            // A client that must write before it reads gets rid of it.
            told = async { self.up.discard(reads).await; pending().await } => told,
        };
        (upstream, told.then_some(self))
    }

    /// Waits for the client's own Close, and closes: the server is the first to (§7.1.1).
    async fn close(mut self) {
        let until = Instant::now() + self.step_for;
        let _ = timeout_at(until, self.up.discard(&mut self.socket.0)).await;
        let _ = timeout_at(until, self.socket.1.shutdown()).await;
    }
}

/// What an upstream is told.
enum Words {
    /// Nothing: it is in the middle of a frame, and the end of the connection has to do.
    None,
    /// Nothing more: the client has closed.
    Said,
    Frame(Vec<u8>),
}

/// Tells the upstream at once; closes when it has, or when it takes too long to. What it sends meanwhile is read and
/// thrown away: closed with bytes unread, a connection is reset, and a reset may overtake the Close.
async fn end_upstream(
    words: Words,
    mut writes: WriteHalf<Socket>,
    reads: oneshot::Receiver<ReadHalf<Socket>>,
    step_for: Duration,
) {
    let told = match words {
        Words::None => false,
        Words::Said => true,
        Words::Frame(frame) => {
            let telling = async {
                writes.write_all(&frame).await?;
                writes.flush().await
            };
            matches!(timeout(step_for, telling).await, Ok(io::Result::Ok(())))
        }
    };
    if let Ok(mut reads) = reads.await
        && told
    {
        let until = Instant::now() + step_for;
        let _ = timeout_at(until, copy(&mut reads, &mut sink())).await;
        let _ = timeout_at(until, writes.shutdown()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6455_5_3_masked_is_the_same_after_unmasking() {
        for farewell in [Farewell::SessionEnded, Farewell::GoingAway] {
            let (plain, masked) = (farewell.frame(None), farewell.frame(Some([1, 2, 3, 4])));
            assert_eq!((plain[0], plain[1]), (0x88, u8::try_from(plain.len() - 2).unwrap()));
            assert_eq!((masked[0], masked[1]), (plain[0], plain[1] | 0x80));
            assert_eq!(masked[2..6], [1, 2, 3, 4]);
            let unmasked: Vec<u8> =
                masked[6..].iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            assert_eq!(unmasked, plain[2..]);
        }
        assert_eq!(Farewell::SessionEnded.frame(None), b"\x88\x0f\x11\x31session ended");
        assert_eq!(Farewell::GoingAway.frame(None), b"\x88\x0c\x03\xe9going away");
    }

    #[test]
    fn rfc_6455_5_3_every_masked_frame_has_a_mask_of_its_own() {
        // Three equal keys by chance: once in 2^64.
        let frames = [(); 3].map(|()| Farewell::SessionEnded.masked_frame().unwrap());
        assert!(frames[0] != frames[1] || frames[1] != frames[2]);
    }
}
