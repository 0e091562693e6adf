//! The notes on disk: one JSON file, replaced as a whole (written beside, synced, renamed), so that a crash leaves
//! the old one or the new one. Changes that come while it is written go out together with the next writing.

use std::io::{Error, ErrorKind, Result, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use crate::book::{Book, Saved};

pub(crate) struct File {
    path: PathBuf,
    /// How many changes were made in memory.
    made: AtomicU64,
    /// How many of them are on disk. The lock makes the writings one at a time.
    written: Mutex<u64>,
}

impl File {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, made: AtomicU64::new(0), written: Mutex::new(0) }
    }

    /// What was saved; nothing when there is no file yet. A file that cannot be read is an error, not an empty book.
    pub(crate) async fn load(&self) -> Result<Saved> {
        match tokio::fs::read(&self.path).await {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| Error::new(ErrorKind::InvalidData, format!("{}: {e}", self.path.display()))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(Saved::default()),
            Err(e) => Err(e),
        }
    }

    /// Returns when the change that was just made to `book` is on disk.
    pub(crate) async fn save(&self, book: &Book) -> Result<()> {
        let mine = self.made.fetch_add(1, Ordering::AcqRel) + 1;
        let mut written = self.written.lock().await;
        if *written >= mine {
            return Ok(());
        }
        let all = self.made.load(Ordering::Acquire);
        let bytes = serde_json::to_vec(&book.saved())?;
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || replace(&path, &bytes)).await.map_err(Error::other)??;
        *written = all;
        Ok(())
    }
}

fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension("json.new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}
