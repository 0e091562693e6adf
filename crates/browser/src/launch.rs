//! How a browser is started, where that is not as usual. What an option becomes in each engine is the engine's own affair.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::profile::Profile;

/// What can be said about a start; the default says nothing, and leaves everything as the browser has it.
#[derive(Clone, Default)]
pub struct Launch {
    /// The folder that it runs on; a fresh one where there is none. `WebKitGTK` keeps nothing in it.
    pub profile: Option<Profile>,
    /// Whether cookies come along and are kept in what another site embeds or fetches. Debian's Chromium blocks them and
    /// Firefox keeps them apart for each embedding site, if nothing is said.
    pub third_party_cookies: Option<ThirdParty>,
    /// A certificate that is believed although nobody vouches for it. Chromium believes this key alone, and takes the
    /// connection as flawless; Firefox and `WebKitGTK` take any certificate then, and `WebKitGTK` always.
    pub trusted: Option<Spki>,
    /// Whether a cookie without `SameSite` is Lax. Chromium is so by itself, Firefox and `WebKitGTK` are not. `WebKitGTK`
    /// cannot be told to be so.
    pub lax_by_default: Option<bool>,
    /// Device-bound sessions with keys made of software, and as many refreshes as a test likes. Chromium only; they need TLS
    /// and a certificate that is [`Self::trusted`].
    pub device_bound_sessions: bool,
    /// A window on the screen that `DISPLAY` or `WAYLAND_DISPLAY` name, instead of none.
    pub headed: bool,
    /// The folder of an extension to install, manifest version 3, unpacked and unsigned. It is told of the tabs of every
    /// context; in Chromium it reads and writes cookies of [`crate::Browser::kept_context`] only, in Firefox of all.
    /// `WebKitGTK` has none.
    pub extension: Option<PathBuf>,
    /// Costs as little as it can, for runs of a thousand pages: the pages of a browser keep no log of responses, and in Firefox
    /// they are tabs of one window, of which only the one in front draws.
    pub frugal: bool,
    /// More arguments of the program, after ours. Chromium's lists of features are merged with ours, not replaced.
    pub flags: Vec<String>,
    /// More preferences, by their full name: in Chromium a way into the file `Preferences` with dots between its steps, in
    /// Firefox a text, a whole number or a truth value of `about:config`. `WebKitGTK` has none.
    pub preferences: Vec<(String, Value)>,
}

/// What becomes of cookies in what another site embeds or fetches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThirdParty {
    /// They come along and are kept, in one jar for all embedding sites.
    Allow,
    /// They neither come along nor are kept.
    Block,
}

/// The SHA-256 hash of a public key, as it stands in a certificate (`SubjectPublicKeyInfo`, RFC 5280 4.1.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spki([u8; 32]);

impl Spki {
    /// Of a `SubjectPublicKeyInfo` in DER.
    pub fn of(der: &[u8]) -> Self {
        let mut hash = [0; 32];
        // Both are 32 bytes.
        hash.iter_mut().zip(digest(&SHA256, der).as_ref()).for_each(|(to, from)| *to = *from);
        Self(hash)
    }

    /// Of a hash that is known already.
    pub fn of_hash(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Base64 with padding, as Chromium wants it.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.0)
    }
}

impl Launch {
    /// The profile to start on.
    pub(super) fn profile(&self) -> Result<Profile> {
        self.profile.clone().map_or_else(Profile::new, Ok)
    }

    /// The whole path of the extension.
    pub(super) fn extension(&self) -> Result<Option<PathBuf>> {
        let whole = |folder: &PathBuf| folder.join("manifest.json").canonicalize().and_then(|_| folder.canonicalize());
        let found = self
            .extension
            .as_ref()
            .map(|folder| whole(folder).with_context(|| format!("there is no extension at {}", folder.display())));
        found.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_key_is_base64_of_sha_256() {
        // `printf abc | openssl dgst -sha256 -binary | base64`
        assert_eq!(Spki::of(b"abc").base64(), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
        assert_eq!(Spki::of_hash([0; 32]).base64(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    }
}
