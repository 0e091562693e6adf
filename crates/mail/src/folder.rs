//! Mails as files in a folder that only we can read, for trying things out without a mail server.
//!
//! One `.eml` file for each, written beside its place and renamed into it, so a reader never sees half of one. The
//! newest 200 stay. What is shown of them is read back from the files by a mail library.

use crate::compose::{compose, random_name};
use crate::mailbox::Sender;
use crate::render::Rendered;
use crate::site::Site;
use crate::undelivered::Undelivered;
use cloakroom_core::letter::Letter;
use mail_parser::{Address, MessageParser};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many mails stay.
const KEPT: usize = 200;
/// No mail of ours is near this, in bytes; a longer file is not read.
const LARGEST: u64 = 1024 * 1024;
/// Begins the name of a file that is still being written.
const UNFINISHED: &str = ".unfinished-";

/// A folder of mails.
pub struct Folder {
    path: PathBuf,
    site: Site,
    from: Sender,
    next: AtomicU64,
}

/// What is seen of a mail before it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The name of its file, for [`Folder::read`]: digits, letters, `-` and `.eml`.
    pub name: String,
    /// To whom. Empty if the file does not say.
    pub to: String,
    /// What about. Empty if the file does not say.
    pub subject: String,
    /// When it was sent, in seconds since the Unix epoch.
    pub at: i64,
}

impl Folder {
    /// Opens a folder, and makes it with mode 0700 if it is not there. One that others may look into is refused: links
    /// and codes will lie in it. What an earlier run left unfinished is removed.
    pub fn new(path: impl Into<PathBuf>, site: Site, from: Sender) -> io::Result<Self> {
        let path = path.into();
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        if fs::metadata(&path)?.mode() & 0o077 != 0 {
            let reason = "the folder for mails can be read by others: take their rights away (chmod 700)";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
        }
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(UNFINISHED)) {
                remove(&entry.path())?;
            }
        }
        let last = names(&path)?.last().map_or(0, |name| name.number);
        Ok(Self { path, site, from, next: AtomicU64::new(last.saturating_add(1)) })
    }

    /// Writes a letter into the folder and returns the name of its file. `now_unix`: seconds since the Unix epoch.
    pub async fn keep(&self, letter: &Letter, now_unix: i64) -> Result<String, Undelivered> {
        let id = random_name()?;
        let message = compose(letter, &self.site, &self.from, now_unix, &id)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{number:04}-{}-{id}.eml", now_unix.max(0));
        let (path, bytes, file) = (self.path.clone(), message.bytes().to_vec(), name.clone());
        blocking(move || {
            write(&path, &file, &bytes)?;
            prune(&path)
        })
        .await
        .map_err(|error| Undelivered::for_now(&format!("the mail could not be written: {}", error.kind())))?;
        Ok(name)
    }

    /// The mails that are there, newest first.
    pub async fn list(&self) -> io::Result<Vec<Kept>> {
        let path = self.path.clone();
        blocking(move || {
            let mut kept = Vec::new();
            for name in names(&path)?.into_iter().rev().take(KEPT) {
                if let Some(bytes) = bytes_of(&path.join(&name.file))? {
                    kept.push(seen(&name, &bytes));
                }
            }
            Ok(kept)
        })
        .await
    }

    /// One mail by the name of its file, with its headers. `None` if there is none of this name, or it is no name that
    /// we gave: nothing outside the folder is ever opened.
    pub async fn read(&self, name: &str) -> io::Result<Option<(Kept, Rendered)>> {
        let Some(name) = Name::parse(name) else { return Ok(None) };
        let path = self.path.join(&name.file);
        blocking(move || {
            let Some(bytes) = bytes_of(&path)? else { return Ok(None) };
            let Some(mail) = MessageParser::default().parse(&bytes) else { return Ok(None) };
            let part = |text: Option<std::borrow::Cow<'_, str>>| text.unwrap_or_default().replace("\r\n", "\n");
            let kept = seen(&name, &bytes);
            let (text, html) = (part(mail.body_text(0)), part(mail.body_html(0)));
            Ok(Some((kept.clone(), Rendered { subject: kept.subject, text, html })))
        })
        .await
    }
}

/// The name of a file that we wrote, taken apart. Ordered by age.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    number: u64,
    at: i64,
    file: String,
}

impl Name {
    /// `NNNN-<unix>-<32 hexadecimal digits>.eml` and nothing else, so no name leads out of the folder.
    fn parse(file: &str) -> Option<Self> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let (number, rest) = file.strip_suffix(".eml")?.split_once('-')?;
        let (at, random) = rest.split_once('-')?;
        let hexadecimal = random.len() == 32 && random.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (file.len() <= 128 && digits(number) && digits(at) && hexadecimal).then_some(())?;
        Some(Self { number: number.parse().ok()?, at: at.parse().ok()?, file: file.to_owned() })
    }
}

/// The files of ours in a folder, oldest first.
fn names(folder: &Path) -> io::Result<Vec<Name>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().to_str().and_then(Name::parse));
    }
    names.sort();
    Ok(names)
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{UNFINISHED}{name}"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    let written = file.write_all(bytes).and_then(|()| fs::rename(&unfinished, folder.join(name)));
    if written.is_err() {
        remove(&unfinished)?;
    }
    written
}

/// Removes all but the newest.
fn prune(folder: &Path) -> io::Result<()> {
    for old in names(folder)?.iter().rev().skip(KEPT) {
        remove(&folder.join(&old.file))?;
    }
    Ok(())
}

/// Removes a file that somebody else may have removed meanwhile.
fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path).or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// A mail's bytes; `None` if it is gone, is no plain file, or is larger than a mail of ours can be.
fn bytes_of(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let gone = |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) };
    match fs::symlink_metadata(path) {
        Ok(about) if !about.is_file() => return Ok(None),
        Ok(_) => {}
        Err(error) => return gone(error),
    }
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) => return gone(error),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= LARGEST).then_some(bytes))
}

fn seen(name: &Name, bytes: &[u8]) -> Kept {
    let mail = MessageParser::default().parse_headers(bytes);
    let to = mail.as_ref().and_then(|mail| mail.to()).and_then(Address::first).and_then(|to| to.address());
    let subject = mail.as_ref().and_then(|mail| mail.subject());
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Kept { name: name.file.clone(), to: text(to), subject: text(subject), at: name.at }
}

/// Runs file work where it holds up nobody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use cloakroom_core::letter::About;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    fn site() -> Site {
        Site { name: "notes.example".into(), origin: "https://notes.example".into() }
    }

    fn opened(path: &Path) -> Folder {
        Folder::new(path, site(), "Notes <no-reply@notes.example>".parse().unwrap()).unwrap()
    }

    fn letter(to: &str) -> Letter {
        let forgot = "https://notes.example/auth/forgot".into();
        Letter { to: to.into(), about: About::PasswordLocked { forgot } }
    }

    #[tokio::test]
    async fn a_kept_mail_is_listed_and_read_back() {
        let home = tempfile::tempdir().unwrap();
        let folder = opened(&home.path().join("a/mail"));
        let first = folder.keep(&letter("ann@example.com"), 1_795_365_000).await.unwrap();
        let second = folder.keep(&letter("дом@пример.рф"), 1_795_365_001).await.unwrap();
        let list = folder.list().await.unwrap();
        assert_eq!(list.iter().map(|kept| &kept.name).collect::<Vec<_>>(), [&second, &first]);
        assert_eq!(list[1].to, "ann@example.com");
        assert_eq!(list[0].to, "дом@xn--e1afmkfd.xn--p1ai");
        assert_eq!(
            (list[0].at, list[0].subject.as_str()),
            (1_795_365_001, "Somebody guessed at your password for notes.example")
        );
        let (kept, mail) = folder.read(&first).await.unwrap().unwrap();
        let fresh = crate::render(&letter("ann@example.com"), &site()).unwrap();
        assert_eq!(kept, list[1]);
        assert!(
            mail.subject == fresh.subject && mail.text == fresh.text && mail.html.trim_end() == fresh.html.trim_end()
        );
    }

    #[tokio::test]
    async fn only_the_owner_can_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mail");
        let name = opened(&path).keep(&letter("ann@example.com"), 7).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(path.join(name)).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "nothing unfinished stays");
    }

    #[test]
    fn a_folder_that_others_can_read_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
        let refused = Folder::new(home.path(), site(), "a@b.example".parse().unwrap()).err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(
            fs::metadata(home.path()).unwrap().mode() & 0o777,
            0o755,
            "a folder of somebody else stays as it is"
        );
    }

    #[tokio::test]
    async fn the_newest_two_hundred_stay_and_other_files_are_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mail");
        let folder = opened(&path);
        fs::write(path.join("notes.txt"), "mine").unwrap();
        for at in 0..205 {
            folder.keep(&letter("ann@example.com"), at).await.unwrap();
        }
        let list = folder.list().await.unwrap();
        assert_eq!((list.len(), list[0].at, list[KEPT - 1].at), (KEPT, 204, 5));
        assert!(path.join("notes.txt").exists());
    }

    #[tokio::test]
    async fn numbers_go_on_after_a_restart_and_leftovers_go() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mail");
        let first = opened(&path).keep(&letter("ann@example.com"), 9).await.unwrap();
        fs::write(path.join(format!("{UNFINISHED}{first}")), "half").unwrap();
        let second = opened(&path).keep(&letter("ann@example.com"), 3).await.unwrap();
        assert!(first.starts_with("0001-9-") && second.starts_with("0002-3-"));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn no_name_leads_out_of_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mail");
        let folder = opened(&path);
        let name = folder.keep(&letter("ann@example.com"), 7).await.unwrap();
        fs::copy(path.join(&name), home.path().join(&name)).unwrap();
        let linked = format!("0009-9-{}.eml", "0".repeat(32));
        std::os::unix::fs::symlink(home.path().join(&name), path.join(&linked)).unwrap();
        let absolute = home.path().join(&name).to_str().unwrap().to_owned();
        let upper = name.to_uppercase();
        for bad in [
            &format!("../{name}"),
            &format!("./{name}"),
            &absolute,
            &format!("{name}\0"),
            &upper,
            &linked,
            "",
            "..",
            ".eml",
        ] {
            assert!(folder.read(bad).await.unwrap().is_none(), "{bad}");
        }
        assert_eq!(folder.list().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_a_reason_to_try_again() {
        let home = tempfile::tempdir().unwrap();
        let folder = opened(&home.path().join("mail"));
        fs::remove_dir(home.path().join("mail")).unwrap();
        let failed = folder.keep(&letter("ann@example.com"), 7).await.unwrap_err();
        assert!(!failed.permanent && !failed.reason.contains("ann"), "{failed}");
    }

    #[tokio::test]
    async fn a_file_too_large_for_a_mail_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("mail");
        let folder = opened(&path);
        let name = folder.keep(&letter("ann@example.com"), 7).await.unwrap();
        OpenOptions::new().write(true).open(path.join(&name)).unwrap().set_len(LARGEST + 1).unwrap();
        assert!(folder.read(&name).await.unwrap().is_none() && folder.list().await.unwrap().is_empty());
    }
}
