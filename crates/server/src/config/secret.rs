//! Secrets of the configuration, which is printed and cloned.

use cloakroom_core::secret::Plain;
use std::fmt;
use std::io::Read as _;
use std::sync::Arc;

/// A secret of the configuration. Its `Debug` shows nothing.
#[derive(Clone)]
pub struct Secret(Arc<Plain>);

impl Secret {
    pub(super) fn of(text: String) -> Self {
        Self(Arc::new(Plain::new(text.into_bytes())))
    }

    /// The secret itself, shared.
    pub fn plain(&self) -> &Arc<Plain> {
        &self.0
    }
}

/// No file with a secret is longer, in bytes.
const LARGEST_FILE: u64 = 4096;

/// Reads a secret that is the one line of a file. The error says what is wrong, and never what is in it.
pub(super) fn one_line(path: &str) -> Result<Secret, String> {
    let mut text = String::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_string(&mut text));
    let length = read.map_err(|error| format!("{path:?} cannot be read: {error}"))?;
    let line = text.trim_end_matches(['\r', '\n']);
    if length as u64 > LARGEST_FILE || line.is_empty() || line.contains('\n') {
        return Err(format!("{path:?} does not hold one line with a secret"));
    }
    Ok(Secret::of(line.to_owned()))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}
