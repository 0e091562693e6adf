//! Waits until something happens in a folder, told by the kernel (`inotify(7)`). What it was is not told: whoever waits looks
//! for itself.

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::io::{Errno, read};
use std::io::{Error, Result};
use std::os::fd::OwnedFd;
use std::path::Path;
use tokio::io::unix::AsyncFd;

/// Folders that are watched from the moment this is made.
pub(crate) struct Changes(AsyncFd<OwnedFd>);

impl Changes {
    /// Watches these folders for files that come, grow and go.
    #[expect(
        deprecated,
        reason = "what replaces it is unsafe, for types that may close their descriptor; this one cannot"
    )]
    pub(crate) fn of(folders: &[&Path]) -> Result<Self> {
        let wanted = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::MODIFY | WatchFlags::DELETE;
        let watch = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        for folder in folders {
            add_watch(&watch, *folder, wanted)?;
        }
        Ok(Self(AsyncFd::new(watch)?))
    }

    /// Returns when something happened since the last call, or since this was made.
    pub(crate) async fn next(&self) -> Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            let taken = ready.try_io(|watch| read(watch, &mut [0_u8; 4096]).map_err(Error::from));
            match taken {
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::INTR.raw_os_error()) => {}
                Ok(outcome) => return outcome.map(|_| ()),
                Err(_would_block) => {}
            }
        }
    }
}
