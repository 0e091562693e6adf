//! Pictures of cells: which of them a page may hold, and how those that are files get into it. Nothing is scaled or drawn.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::run::Run;

/// The largest file that is taken into a run.
pub const LARGEST: u64 = 512 * 1024;

/// How a picture begins, and what it then is.
const KINDS: [(&[u8], &str); 3] = [(b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"RIFF", "webp")];

/// Puts the pictures that are files beside the run's JSON file, in `folder`, into the run itself. A name that leads out of
/// the folder, a file of more than [`LARGEST`] bytes, and one that is no PNG, JPEG or WebP stay names. The error is that of
/// a file that cannot be read.
pub fn embed(run: &mut Run, folder: &Path) -> std::io::Result<()> {
    for cell in &mut run.cells {
        let Some(picture) = &mut cell.evidence.screenshot else { continue };
        if let Some(name) = beside(picture) {
            let mut bytes = Vec::new();
            File::open(folder.join(name))?.take(LARGEST + 1).read_to_end(&mut bytes)?;
            let kind = KINDS.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| kind);
            if let Some(kind) = kind.filter(|_| u64::try_from(bytes.len()).is_ok_and(|length| length <= LARGEST)) {
                *picture = format!("data:image/{kind};base64,{}", STANDARD.encode(&bytes));
            }
        }
    }
    Ok(())
}

/// The address, if it is that of a picture and of nothing else: no script, no vector graphic, no server.
pub(crate) fn inline(address: &str) -> Option<&str> {
    let (kind, data) = address.strip_prefix("data:image/")?.split_once(";base64,")?;
    let is_base64 = data.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    (is_base64 && KINDS.iter().any(|(_, known)| *known == kind)).then_some(address)
}

/// The name, if it is that of a file in the folder or below it.
pub(crate) fn beside(name: &str) -> Option<&str> {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
    };
    (name.len() <= 255 && name.split('/').all(part)).then_some(name)
}
