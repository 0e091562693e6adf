//! What every part is given: where to work, and how long to take.

use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};

/// One run.
pub(crate) struct Context {
    /// Whether it is a short run.
    pub(crate) quick: bool,
    /// Rounds of the kill -9 storm.
    pub(crate) kill_rounds: u32,
    /// The root of the repository.
    pub(crate) root: PathBuf,
    /// A folder of this run on the disk of the repository, deleted at its end.
    work: PathBuf,
}

impl Context {
    pub(crate) fn prepare(root: &Path, quick: bool, kill_rounds: u32) -> Result<Self> {
        let work = root.join(format!("bench/work/{}", std::process::id()));
        std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
        Ok(Self { quick, kill_rounds, root: root.to_owned(), work })
    }

    /// One of two numbers, by how long the run may take.
    pub(crate) fn pick<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// A new empty folder.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.work.join(name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// The server as it ships; in a debug build of this program, which only shows that it works, a debug build of it.
    pub(crate) fn server_binary(&self) -> PathBuf {
        self.root.join("target").join(if is_release() { "release" } else { "debug" }).join("cloakroom")
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.work));
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// Whether this program was built to measure.
pub(crate) fn is_release() -> bool {
    !cfg!(debug_assertions)
}

/// Threads that run at once on this machine.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
