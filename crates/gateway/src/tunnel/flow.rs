//! One direction of a tunnel: bytes are copied as they come, and the frames in them followed.
//!
//! What was read and not yet written outlives the copying, so that a frame that is half out can still be ended. Why it
//! should be is decided elsewhere.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::frames::Frames;
use crate::watch::Progress;

/// In bytes; the most that a direction of a tunnel holds.
const BUFFER: usize = 8 * 1024;

/// The state of a direction.
pub(super) struct Flow {
    buffer: Box<[u8]>,
    /// What of the buffer was read and not yet written: from here
    start: usize,
    /// to here.
    end: usize,
    /// Follows what was written.
    frames: Frames,
    unflushed: bool,
    stage: Stage,
}

#[derive(Clone, Copy)]
enum Stage {
    Copying,
    Ending,
    Ended,
}

impl Flow {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            frames: Frames::default(),
            unflushed: false,
            stage: Stage::Copying,
        }
    }

    /// Which frames went out.
    pub(super) fn frames(&self) -> Frames {
        self.frames
    }

    /// Copies until the end of `from`, which it hands on. May be given up at any time and the flow used further.
    pub(super) fn poll_copy(
        &mut self,
        cx: &mut Context<'_>,
        mut from: Pin<&mut impl AsyncRead>,
        mut to: Pin<&mut impl AsyncWrite>,
        progress: &Progress,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.stage {
                Stage::Copying if self.start < self.end => {
                    let waiting = self.buffer.get(self.start..self.end).unwrap_or_default();
                    let written = ready!(to.as_mut().poll_write(cx, waiting))?;
                    progress.touch();
                    self.wrote(written)?;
                }
                Stage::Copying => {
                    let mut buffer = ReadBuf::new(&mut self.buffer);
                    if let Poll::Ready(read) = from.as_mut().poll_read(cx, &mut buffer) {
                        read?;
                        (self.start, self.end) = (0, buffer.filled().len());
                        if self.end == 0 {
                            self.stage = Stage::Ending;
                        }
                    } else {
                        // The answer to what is still in the writer's own buffer may be what we wait for.
                        if self.unflushed {
                            ready!(to.as_mut().poll_flush(cx))?;
                            self.unflushed = false;
                        }
                        return Poll::Pending;
                    }
                }
                Stage::Ending => {
                    ready!(to.as_mut().poll_shutdown(cx))?;
                    self.stage = Stage::Ended;
                }
                Stage::Ended => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Goes on to the end of the frame that is half out, if one is, and not a byte further. Does not flush. An error if
    /// `from` ends within the frame.
    pub(super) async fn finish_frame(
        &mut self,
        from: &mut (impl AsyncRead + Unpin),
        to: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        while !self.frames.at_boundary() {
            if self.start == self.end && self.refill(from).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let waiting = self.buffer.get(self.start..self.end).unwrap_or_default();
            let rest = self.frames().pass_to_boundary(waiting);
            let written = to.write(waiting.get(..rest).unwrap_or_default()).await?;
            self.wrote(written)?;
        }
        Ok(())
    }

    /// Throws away what comes, up to a Close frame, the end or an error of `from`. May be given up and called again.
    pub(super) async fn discard(&mut self, from: &mut (impl AsyncRead + Unpin)) {
        loop {
            let waiting = self.buffer.get(self.start..self.end).unwrap_or_default();
            self.frames.pass(waiting);
            self.start = self.end;
            if self.frames.closed() || !matches!(self.refill(from).await, Ok(1..)) {
                return;
            }
        }
    }

    async fn refill(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        let read = from.read(&mut self.buffer).await?;
        (self.start, self.end) = (0, read);
        Ok(read)
    }

    fn wrote(&mut self, written: usize) -> io::Result<()> {
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        let passed = self.buffer.get(self.start..self.start + written).unwrap_or_default();
        self.frames.pass(passed);
        self.start += written;
        self.unflushed = true;
        Ok(())
    }
}
