//! A connection that hands on what it reads line by line, and not without end.
//!
//! What somebody on the way puts behind the server's answer to STARTTLS, in the clear, must not be taken for an answer
//! given under TLS (RFC 3207 §5 and §4.2). lettre reads ahead, and keeps what it has; here it never has more than one
//! line, so the rest meets the TLS handshake, which breaks.

use bytes::{Buf as _, BytesMut};
use lettre::transport::smtp::client::AsyncTokioStream;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What a connection may read in its life, in bytes: some 1,000 times what one letter needs.
const ALLOWANCE: usize = 1024 * 1024;

/// A stream, what was read of it and not handed on, and how much more may be read.
#[derive(Debug)]
pub(super) struct LineWise<S> {
    stream: S,
    held: BytesMut,
    allowance: usize,
}

impl<S> LineWise<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, held: BytesMut::new(), allowance: ALLOWANCE }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for LineWise<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.held.is_empty() {
            let mut room = [0; 4096];
            let mut read = ReadBuf::new(&mut room);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut read))?;
            let Some(left) = this.allowance.checked_sub(read.filled().len()) else {
                return Poll::Ready(Err(io::Error::other("the mail server says more than any mail needs")));
            };
            this.allowance = left;
            this.held.extend_from_slice(read.filled());
        }
        let line = this.held.iter().position(|b| *b == b'\n').map_or(this.held.len(), |at| at + 1);
        let mut given = (&mut this.held).take(line.min(out.remaining()));
        while given.has_remaining() {
            let length = given.chunk().len();
            out.put_slice(given.chunk());
            given.advance(length);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for LineWise<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for LineWise<TcpStream> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn one_read_never_holds_more_than_one_line() {
        let mut stream = LineWise::new(&b"220 go\r\n250 injected\r\nrest"[..]);
        let mut room = [0; 100];
        for part in ["220 go\r\n", "250 injected\r\n", "rest", ""] {
            let length = stream.read(&mut room).await.unwrap();
            assert_eq!(std::str::from_utf8(&room[..length]).unwrap(), part);
        }
    }

    #[tokio::test]
    async fn a_small_reader_loses_nothing() {
        let mut stream = LineWise::new(&b"ab\ncd\n"[..]);
        let mut room = [0; 2];
        let mut all = Vec::new();
        loop {
            let length = stream.read(&mut room).await.unwrap();
            if length == 0 {
                break;
            }
            all.extend_from_slice(&room[..length]);
        }
        assert_eq!(all, b"ab\ncd\n");
    }

    #[tokio::test]
    async fn an_endless_talker_is_cut_off() {
        let mut stream = LineWise::new(tokio::io::repeat(b'x'));
        let mut all = Vec::new();
        assert!(stream.read_to_end(&mut all).await.is_err());
        assert_eq!(all.len(), ALLOWANCE);
    }
}
