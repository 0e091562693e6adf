//! Resolving how mails are sent. What the mail crate would refuse at the start is a mistake of the configuration already here;
//! nobody is connected to.

use super::Mistake;
use super::raw;
use super::secret::{Secret, one_line};
use super::sections::Section;
use cloakroom_core::secret::Plain;
use cloakroom_mail::{Encryption, Login, Sender, Settings, SettingsError, Site, Smtp};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// How mails are sent.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// Whom they come from.
    pub from: Sender,
    /// What they speak of.
    pub site: Site,
    /// Where they go.
    pub delivery: Delivery,
}

/// Where mails go.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// To a mail server.
    Smtp(SmtpAt),
    /// Into a folder, for trying things out.
    Folder(PathBuf),
}

/// A mail server. Its `Debug` shows nothing: a password may have been in its address.
#[derive(Clone)]
pub struct SmtpAt {
    host: String,
    port: u16,
    encryption: Encryption,
    login: Option<(String, Secret)>,
    ca_file: Option<PathBuf>,
}

impl fmt::Debug for SmtpAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpAt(..)")
    }
}

/// The longest that one mail may take, connecting included.
const TIMEOUT: Duration = Duration::from_secs(30);

impl SmtpAt {
    /// Opens it; connects to nobody yet.
    pub fn open(&self, from: Sender, site: Site) -> Result<Smtp, SettingsError> {
        let login = self.login.as_ref().map(|(user, password)| Login {
            user: user.clone(),
            password: Plain::new(password.plain().reveal().to_vec()),
        });
        let Self { host, port, encryption, ca_file, .. } = self.clone();
        Smtp::new(Settings { host, port, encryption, login, ca_file, from, timeout: TIMEOUT }, site)
    }
}

/// How mails are sent, and whether addresses are confirmed before somebody logs in.
pub(super) fn mail(raw: &raw::Mail, site: Site, mistakes: &mut Vec<Mistake>) -> (Option<MailConfig>, bool) {
    let mut section = Section { path: "mail".into(), mistakes };
    if raw.smtp.is_none() && raw.folder.is_none() {
        let confirm = raw.confirm_addresses == Some(true);
        for (key, is_there) in [
            ("from", raw.from.is_some()),
            ("password", raw.password.is_some()),
            ("password_file", raw.password_file.is_some()),
            ("ca_file", raw.ca_file.is_some()),
            ("confirm_addresses", confirm),
        ] {
            if is_there {
                section.wrong(key, "no mail is sent without mail.smtp, or mail.folder for trying things out: set one");
            }
        }
        return (None, false);
    }
    let confirm = raw.confirm_addresses.unwrap_or(true);
    let from = from(raw, &mut section);
    let smtp = raw.smtp.as_ref().map(|url| smtp(url, raw, &mut section));
    if smtp.is_none() {
        for (key, is_there) in [
            ("password", raw.password.is_some()),
            ("password_file", raw.password_file.is_some()),
            ("ca_file", raw.ca_file.is_some()),
        ] {
            if is_there {
                section.wrong(key, "this is for mail.smtp, which is not set");
            }
        }
    }
    if let Some(Some(smtp)) = &smtp {
        refused_at_the_start(smtp, from.as_ref(), &site, &mut section);
    }
    let delivery = match (smtp, &raw.folder) {
        (Some(_), Some(_)) => {
            section.wrong("folder", "mails go to mail.smtp or into mail.folder, not both: remove one");
            None
        }
        (Some(smtp), None) => smtp.map(Delivery::Smtp),
        (None, folder) => folder.as_ref().map(|folder| Delivery::Folder(folder.into())),
    };
    (from.zip(delivery).map(|(from, delivery)| MailConfig { from, site, delivery }), confirm)
}

/// Notes what the mail crate would refuse. Of what is wrong already, something good stands in its place: every mistake is told
/// at once.
fn refused_at_the_start(smtp: &SmtpAt, from: Option<&Sender>, site: &Site, section: &mut Section<'_>) {
    let from = from.cloned().or_else(|| "no-reply@example.com".parse().ok());
    let mut site = site.clone();
    if site.origin.is_empty() {
        site.origin = "https://example.com".into();
    }
    if let Some(Err(error)) = from.map(|from| smtp.open(from, site)) {
        section.wrong(key_of(&error), error.to_string());
    }
}

fn from(raw: &raw::Mail, section: &mut Section<'_>) -> Option<Sender> {
    let Some(text) = &raw.from else {
        section.wrong("from", "this is required: whom mails come from, such as \"Notes <no-reply@example.com>\"");
        return None;
    };
    match text.parse() {
        Ok(sender) => Some(sender),
        Err(error) => {
            section.wrong("from", format!("{text:?} cannot be a sender: {error}"));
            None
        }
    }
}

/// Reads the address of a mail server. It is never repeated: a password may be in it.
fn smtp(text: &str, raw: &raw::Mail, section: &mut Section<'_>) -> Option<SmtpAt> {
    const FORM: &str = "this is not an address such as \"smtps://USER@mail.example.com:465\", \
                        \"smtp+starttls://USER@mail.example.com:587\" or \"smtp://localhost:25\"; in a password, write what \
                        is no letter or digit as %XX, or better use mail.password_file";
    let password = password(raw, section);
    let kinds =
        [("smtps", Encryption::Tls, 465), ("smtp+starttls", Encryption::StartTls, 587), ("smtp", Encryption::None, 25)];
    let url = Url::parse(text).ok();
    let bare = url.filter(|url| {
        matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none() && url.has_host()
    });
    let read = bare.and_then(|url| {
        let (_, encryption, usual) = kinds.into_iter().find(|(scheme, ..)| *scheme == url.scheme())?;
        let plain = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        let host = plain(url.host_str()?).filter(|host| !host.is_empty())?;
        let written = url.password().map(plain);
        let user = plain(url.username())?;
        let written = match written {
            Some(written) => Some(written?),
            None => None,
        };
        Some((host, url.port().unwrap_or(usual), encryption, user, written))
    });
    let Some((host, port, encryption, user, written)) = read else {
        section.wrong("smtp", FORM);
        return None;
    };
    if written.is_some() && password.is_some() {
        section.wrong("smtp", "the password is there twice, here and apart: remove it here");
    }
    let password = password.or_else(|| written.map(Secret::of));
    let login = match (user.is_empty(), password) {
        (false, Some(password)) => Some((user, password)),
        (true, None) => None,
        (false, None) => {
            section
                .wrong("smtp", "there is a user without a password: set mail.password_file or CLOAKROOM_MAIL_PASSWORD");
            None
        }
        (true, Some(_)) => {
            section.wrong("smtp", "there is a password without a user: write smtps://USER@HOST:465");
            None
        }
    };
    Some(SmtpAt { host, port, encryption, login, ca_file: raw.ca_file.as_ref().map(PathBuf::from) })
}

/// The password that stands apart from the address.
fn password(raw: &raw::Mail, section: &mut Section<'_>) -> Option<Secret> {
    if raw.password.is_some() && raw.password_file.is_some() {
        section.wrong("password_file", "the password is there twice, here and as mail.password: remove one");
    }
    if let Some(path) = &raw.password_file {
        match one_line(path) {
            Ok(secret) => return Some(secret),
            Err(reason) => section.wrong("password_file", reason),
        }
        // What it would be is not known; that there is one is.
        return Some(Secret::of(String::new()));
    }
    if raw.password.as_ref().is_some_and(String::is_empty) {
        section.wrong("password", "it is empty");
    }
    raw.password.clone().map(Secret::of)
}

/// The key that a mistake in the settings is at.
fn key_of(error: &SettingsError) -> &'static str {
    match error {
        SettingsError::CaFile(_) | SettingsError::NoCertificate => "ca_file",
        SettingsError::Password => "password",
        SettingsError::Host
        | SettingsError::Unprotected
        | SettingsError::Timeout
        | SettingsError::Tls(_)
        | SettingsError::Origin => "smtp",
    }
}
