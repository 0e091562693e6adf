//! The mails of a house: a folder into which it writes them, read back with the product's own reader.
//!
//! Whatever grants something in a mail, and every longer line of it, is a secret of the house from the moment it was read: a
//! database file or a log line that holds it fails the test. Deliberately absent: a mail server (see [`crate::MailServer`]).

use crate::{Mail, Watch};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloakroom_mail::{Folder, Site};
use std::path::{Path, PathBuf};

/// Shorter lines of a mail may stand elsewhere by chance, in characters.
const TELLING: usize = 20;

/// Where a house's mails are.
pub(crate) struct Mailbox {
    folder: Folder,
    path: PathBuf,
}

impl Mailbox {
    /// Opened before the server runs: opening removes what is still being written.
    pub(crate) fn open(home: &Path) -> Self {
        let path = home.join("mails");
        let site = Site { name: "reader".into(), origin: "http://reader".into() };
        Self { folder: Folder::new(&path, site, "reader@house.test".parse().unwrap()).unwrap(), path }
    }

    /// The part of the configuration that sends mails here.
    pub(crate) fn config(&self) -> String {
        format!("[mail]\nfolder = '{}'\nfrom = \"The house <door@house.test>\"", self.path.display())
    }
}

impl Mailbox {
    /// Every mail that is there, in the order of sending. What stands in them is a secret from now on.
    pub(crate) async fn read(&self, watch: &Watch) -> Vec<Mail> {
        let mut mails = Vec::new();
        for kept in self.folder.list().await.unwrap().into_iter().rev() {
            let raw = std::fs::read(self.path.join(&kept.name)).unwrap();
            let mail = Mail { recipient: kept.to, ..Mail::parse(&raw).unwrap() };
            hush(watch, &mail);
            mails.push(mail);
        }
        mails
    }
}

impl Mail {
    /// The token of the first link that carries one, as a script of the page reads it: what stands behind `#`.
    pub fn token(&self) -> String {
        let token =
            self.text_links().into_iter().find_map(|link| link.split_once('#').map(|(_, token)| token.to_owned()));
        token.unwrap_or_else(|| panic!("no link of {:?} carries a token", self.subject))
    }

    /// The address of the first link that carries a token, without it.
    pub fn page(&self) -> String {
        let link = self.text_links().into_iter().find(|link| link.contains('#'));
        link.and_then(|link| link.split('#').next().map(str::to_owned)).unwrap_or_else(|| panic!("{:?}", self.subject))
    }

    /// The code for typing as it stands there, with its separators.
    pub fn typed(&self) -> String {
        let typed = self.text.lines().map(str::trim).find(|line| {
            let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
            line.len() >= 6 && line.chars().all(plain)
        });
        typed.unwrap_or_else(|| panic!("no code stands in {:?}", self.subject)).to_owned()
    }
}

/// Nothing of a mail may be read anywhere else.
fn hush(watch: &Watch, mail: &Mail) {
    for link in mail.links() {
        if let Some((_, token)) = link.split_once('#') {
            watch.secret(token);
            // The secret in it as a list of numbers, too: so JSON writes bytes.
            let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
            let numbers: Vec<_> = bytes.iter().rev().take(32).rev().map(u8::to_string).collect();
            watch.secret(&numbers.join(","));
        }
    }
    if let Some(code) = mail.code().filter(|code| code.len() >= 16) {
        watch.secret(&code);
        watch.secret(&code.to_lowercase());
        watch.secret(&mail.typed());
    }
    for line in mail.text.lines().map(str::trim) {
        if line.chars().count() >= TELLING && !line.starts_with("http") {
            watch.secret(line);
        }
    }
}
