//! Letters to a mail server (RFC 5321), over connections that are kept for the next letter.
//!
//! The dialogue is lettre's. Here is what it leaves open: which refusals are final, how long a letter may take, and that
//! nothing about the letter stands in an error. It keeps no letter and tries none twice.

mod line_wise;
mod settings;

pub use settings::{Encryption, Login, Settings, SettingsError};

use crate::compose::{Message, compose, random_name};
use crate::mailbox::Sender;
use crate::site::Site;
use crate::undelivered::{Undelivered, tactful};
use cloakroom_core::letter::Letter;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use line_wise::LineWise;
use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

/// So many letters are on their way at once, and so many connections are kept.
const CONNECTIONS: usize = 4;
/// After so many letters a connection is given up: many servers refuse to take more in one go.
const LETTERS: u32 = 50;
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// A mail server, and the connections to it.
pub struct Smtp {
    route: Route,
    from: Sender,
    site: Site,
    kept: Mutex<Vec<Connection>>,
    places: Semaphore,
}

/// The way to the server, after its settings were judged.
struct Route {
    host: String,
    port: u16,
    encryption: Encryption,
    tls: Option<TlsParameters>,
    login: Option<Login>,
    hello: ClientId,
    timeout: Duration,
}

struct Connection {
    smtp: AsyncSmtpConnection,
    letters: u32,
}

impl Smtp {
    fn assembled(route: Route, from: Sender, site: Site) -> Self {
        Self { route, from, site, kept: Mutex::default(), places: Semaphore::new(CONNECTIONS) }
    }

    /// Sends one letter. `now_unix`: seconds since the Unix epoch, for the `Date`. Ends after [`Settings::timeout`]
    /// (and a second for farewells) at the latest.
    ///
    /// A letter that was handed over while the answer was lost counts as undelivered, so it may arrive twice (RFC 1047).
    pub async fn send(&self, letter: &Letter, now_unix: i64) -> Result<(), Undelivered> {
        let message = compose(letter, &self.site, &self.from, now_unix, &random_name()?)?;
        let sent = tokio::time::timeout(self.route.timeout, self.transmit(letter, &message)).await;
        let (connection, answer) =
            sent.map_err(|_| Undelivered::for_now("the mail server did not answer in time"))??;
        match answer {
            Ok(()) => self.keep(connection).await,
            // What was begun is not undone (RSET): a new connection is surer.
            Err(_) => connection.leave().await,
        }
        answer
    }

    /// Takes leave of the server on every connection that is kept.
    pub async fn close(&self) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in kept {
            connection.leave().await;
        }
    }

    /// Hands the message over. Returns the connection, on which no farewell was said, and what the server answered.
    async fn transmit(
        &self,
        letter: &Letter,
        message: &Message,
    ) -> Result<(Connection, Result<(), Undelivered>), Undelivered> {
        let closed = |_| Undelivered::for_now("no more mail is sent");
        let _place = self.places.acquire().await.map_err(closed)?;
        let mut connection = self.connection().await?;
        connection.letters += 1;
        let smtp = &mut connection.smtp;
        let international = !message.envelope.to().iter().all(|to| AsRef::<str>::as_ref(to).is_ascii());
        if international && !smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
            let reason = "the mail server does not take addresses with letters beyond ASCII before the @ (no SMTPUTF8)";
            return Ok((connection, Err(Undelivered::for_good(reason))));
        }
        let answer = dialogue(smtp, message, international).await.map_err(|error| refused(&error, letter, message));
        Ok((connection, answer))
    }

    /// A kept connection that still answers, or a new one.
    async fn connection(&self) -> Result<Connection, Undelivered> {
        loop {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut connection) = kept else { break };
            if connection.smtp.test_connected().await {
                return Ok(connection);
            }
        }
        Ok(Connection { smtp: self.route.connect().await?, letters: 0 })
    }

    /// Keeps a connection for the next letter, or takes leave of it.
    async fn keep(&self, connection: Connection) {
        let surplus = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let room = kept.len() < CONNECTIONS && connection.letters < LETTERS;
            if room {
                kept.push(connection);
                None
            } else {
                Some(connection)
            }
        };
        if let Some(connection) = surplus {
            connection.leave().await;
        }
    }
}

impl Connection {
    /// `QUIT`, politely (RFC 5321 §4.1.1.10), but not at any price.
    async fn leave(mut self) {
        let _ = tokio::time::timeout(FAREWELL, self.smtp.quit()).await;
    }
}

impl Route {
    /// A connection on which mail may be sent. Until then nothing is known about any letter, so nothing here is final.
    async fn connect(&self) -> Result<AsyncSmtpConnection, Undelivered> {
        let mut smtp = match (self.encryption, &self.tls) {
            (Encryption::Tls, Some(tls)) => {
                let server = (self.host.as_str(), self.port);
                AsyncSmtpConnection::connect_tokio1(server, Some(self.timeout), &self.hello, Some(tls.clone()), None)
                    .await
                    .map_err(|error| unreachable("connect over TLS", &error))?
            }
            (Encryption::StartTls, Some(tls)) => {
                let mut smtp = self.in_the_clear().await?;
                if !smtp.can_starttls() {
                    return Err(Undelivered::for_now(
                        "the mail server does not offer STARTTLS, so nothing was sent to it",
                    ));
                }
                smtp.starttls(tls.clone(), &self.hello).await.map_err(|error| unreachable("change to TLS", &error))?;
                smtp
            }
            (Encryption::None, None) => self.in_the_clear().await?,
            (Encryption::Tls | Encryption::StartTls, None) | (Encryption::None, Some(_)) => {
                return Err(Undelivered::for_now("TLS is not set up"));
            }
        };
        if smtp.is_encrypted() != self.tls.is_some() {
            return Err(Undelivered::for_now("the connection to the mail server is not encrypted"));
        }
        if let Some(login) = &self.login {
            let password = String::from_utf8_lossy(login.password.reveal()).into_owned();
            let credentials = Credentials::new(login.user.clone(), password);
            smtp.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|error| locked_out(&error))?;
        }
        Ok(smtp)
    }

    async fn in_the_clear(&self) -> Result<AsyncSmtpConnection, Undelivered> {
        let connected = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = connected
            .map_err(|error| Undelivered::for_now(&format!("the mail server could not be reached: {error}")))?;
        AsyncSmtpConnection::connect_with_transport(Box::new(LineWise::new(stream)), &self.hello)
            .await
            .map_err(|error| unreachable("greet the mail server", &error))
    }
}

/// One message (RFC 5321 §3.3). lettre's own `send` waits for the answer to a farewell after a refusal, which a server
/// may owe us for so long that the refusal is lost.
async fn dialogue(smtp: &mut AsyncSmtpConnection, message: &Message, international: bool) -> Result<(), Error> {
    // A server with SMTPUTF8 offers 8BITMIME as well (RFC 6531 §3.1); all other messages of ours are ASCII.
    let parameters = if international {
        vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]
    } else {
        Vec::new()
    };
    smtp.command(Mail::new(message.envelope.from().cloned(), parameters)).await?;
    for to in message.envelope.to() {
        smtp.command(Rcpt::new(to.clone(), Vec::new())).await?;
    }
    smtp.command(Data).await?;
    smtp.message(message.bytes()).await?;
    Ok(())
}

/// The server did not let us come as far as a letter. What it said cannot be about one.
fn unreachable(what: &str, error: &Error) -> Undelivered {
    Undelivered::for_now(&format!("could not {what}: {error}"))
}

/// The server does not know us. Its words are left out: they may repeat the user's name.
fn locked_out(error: &Error) -> Undelivered {
    match error.status() {
        Some(code) => Undelivered::for_now(&format!("the mail server refused our user name or password ({code})")),
        None if error.is_client() => Undelivered::for_now("the mail server offers no way to log in that we know"),
        None => Undelivered::for_now("the mail server broke off while we logged in"),
    }
}

/// The server answered a letter with something else than thanks.
fn refused(error: &Error, letter: &Letter, message: &Message) -> Undelivered {
    let Some(code) = error.status() else {
        // lettre's own refusals and broken connections; neither repeats what was sent, but a reply that is none may.
        let said =
            if error.is_response() { "the answer was not one of a mail server".into() } else { error.to_string() };
        let said = tactful(&said, letter, &message.rendered);
        return Undelivered::for_now(&format!("the mail server took no answer to its end: {said}"));
    };
    let said = error.source().map(ToString::to_string).unwrap_or_default();
    let said = tactful(&said, letter, &message.rendered);
    let reason = format!("the mail server refused the letter ({code}): {said}");
    let reason = reason.trim_end_matches([' ', ':']);
    // It wants us to log in, or differently (RFC 4954 §6): our set-up is at fault, not this letter.
    let ours = matches!(u16::from(code), 530 | 534 | 535 | 538);
    if error.is_permanent() && !ours { Undelivered::for_good(reason) } else { Undelivered::for_now(reason) }
}
