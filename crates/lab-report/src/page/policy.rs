//! The page's Content Security Policy: its own style and its own script by their hashes, pictures that are in it, and nothing
//! else, no network. Evidence that came from an attack cannot widen it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The policy for a page with this style and this script, to the byte (CSP 3, 2.3.1).
pub(super) fn policy(style: &str, script: &str) -> String {
    let hash = |text: &str| STANDARD.encode(digest(&SHA256, text.as_bytes()));
    // Trusted Types with no policy: the page can be given no text as markup, by nobody.
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        hash(style),
        hash(script)
    )
}
