//! A real mail server, for as long as a test: Debian's Exim with a configuration, a spool and a Maildir of its own in a
//! temporary folder. It takes mail for everybody, after TLS and a log-in, and delivers it to where the test reads it.
//!
//! Deliberately absent: a client, and mail that leaves this machine. Whatever is sent stays in the folder.

mod mail;
mod server;

pub use mail::Mail;
pub(crate) use mail::resolved;

use crate::certificate;
use crate::change::Changes;
use server::Server;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// A mail is there within milliseconds; this is for a machine that does ten other things.
const DEADLINE: Duration = Duration::from_mins(1);

/// A running mail server. Dropping it ends all its processes and deletes everything.
pub struct MailServer {
    server: Server,
    // Behind the server: it is stopped before its folder goes.
    folder: TempDir,
}

/// What the server says to who wants to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Takes everything.
    Accept,
    /// 451 for every recipient: a queue tries again (RFC 5321, 4.2.1).
    TryLater,
    /// 550 for every recipient: a queue gives up.
    Refuse,
}

impl MailServer {
    /// Makes and starts one on two free ports of 127.0.0.1; it takes connections when this returns. Panics with what to
    /// install where there is no Exim.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("cloakroom-mail-").tempdir().unwrap();
        let server = Server::start(folder.path()).await.unwrap_or_else(|error| panic!("{error:#}"));
        Self { server, folder }
    }

    /// The name that its certificate is for. It is reached at 127.0.0.1 only.
    pub fn host(&self) -> &'static str {
        "localhost"
    }

    /// The port where the conversation begins in clear and offers STARTTLS (RFC 3207), and a log-in only after it.
    pub fn starttls_port(&self) -> u16 {
        self.server.starttls_port
    }

    /// The port with TLS from the first byte (RFC 8314).
    pub fn tls_port(&self) -> u16 {
        self.server.tls_port
    }

    /// The certificate, as PEM, of the authority that vouches for the server's.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join(certificate::AUTHORITY)
    }

    /// Who may send, by AUTH PLAIN or LOGIN.
    pub fn user(&self) -> &'static str {
        server::USER
    }

    /// The password of that user; another one for each server.
    pub fn password(&self) -> &str {
        &self.server.password
    }

    /// The process group of everything that it started; none while it is stopped.
    pub fn process_group(&self) -> Option<i32> {
        self.server.process_group()
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it says to the next recipient it is told of, over connections that are open too.
    pub fn set_mood(&self, mood: Mood) {
        self.switch("try-later", mood == Mood::TryLater);
        self.switch("refuse", mood == Mood::Refuse);
    }

    /// Whether new connections are offered STARTTLS. Without it there is no log-in either: what a man in the middle would
    /// make of it.
    pub fn offer_starttls(&self, offered: bool) {
        self.switch("no-starttls", !offered);
    }

    /// Ends it, once it has delivered what it has taken: connections are refused until [`Self::start_again`].
    pub async fn stop(&mut self) {
        self.server.stop().await.unwrap();
    }

    /// Starts it again after [`Self::stop`], on the same ports.
    pub async fn start_again(&mut self) {
        self.server.open().await.unwrap_or_else(|error| panic!("{error:#}"));
    }

    /// What has been delivered to this address so far, in order of arrival. Upper and lower case are one.
    pub fn inbox(&self, address: &str) -> Vec<Mail> {
        self.all().into_iter().filter(|mail| mail.recipient.eq_ignore_ascii_case(address)).collect()
    }

    /// Everything that has been delivered, in order of arrival.
    pub fn all(&self) -> Vec<Mail> {
        mail::read_all(&self.arrivals())
    }

    /// Waits until this many mails have arrived at this address in all, and gives the last of them. Panics after a minute.
    pub async fn wait_for(&self, address: &str, number: usize) -> Mail {
        assert!(number > 0, "no mail is the 0th");
        self.wait(&format!("mail {number} to {address}"), || self.inbox(address).into_iter().nth(number - 1)).await
    }

    /// Waits for the first mail to this address that is like this, arrived already or not. Panics after a minute.
    pub async fn wait_for_one(&self, address: &str, is_it: impl Fn(&Mail) -> bool) -> Mail {
        self.wait(&format!("a certain mail to {address}"), || self.inbox(address).into_iter().find(&is_it)).await
    }

    /// How often a mail for this address was turned away, for now or for good.
    pub fn turned_away(&self, address: &str) -> usize {
        let wanted = format!("rejected RCPT <{address}>").to_ascii_lowercase();
        self.server.log().lines().filter(|line| line.to_ascii_lowercase().contains(&wanted)).count()
    }

    /// Waits until that has happened this many times. Panics after a minute.
    pub async fn wait_turned_away(&self, address: &str, number: usize) {
        let what = format!("attempt {number} to deliver to {address}, turned away");
        self.wait(&what, || (self.turned_away(address) >= number).then_some(())).await;
    }

    async fn wait<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        // Watched first, looked at afterwards: nothing can arrive in between.
        let changes = Changes::of(&[&self.arrivals(), &self.server.logs()]).unwrap();
        let found = tokio::time::timeout(DEADLINE, async {
            loop {
                if let Some(found) = look() {
                    break found;
                }
                changes.next().await.unwrap();
            }
        });
        found.await.unwrap_or_else(|_| {
            let came: Vec<_> = self.all().into_iter().map(|mail| (mail.recipient, mail.subject)).collect();
            panic!("{what}: not within {DEADLINE:?}; what came is {came:?}; its log says:\n{}", self.server.log())
        })
    }

    fn arrivals(&self) -> PathBuf {
        self.folder.path().join("mail/new")
    }

    fn switch(&self, file: &str, on: bool) {
        let file: &Path = &self.folder.path().join(file);
        if on {
            std::fs::write(file, "").unwrap();
        } else if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
}
