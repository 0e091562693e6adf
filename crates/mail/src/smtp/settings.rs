//! Which mail server, and how safely: what is wrong with it is said before the first mail.

use super::Smtp;
use crate::mailbox::Sender;
use crate::site::Site;
use cloakroom_core::secret::Plain;
use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters, TlsVersion};
use lettre::transport::smtp::extension::ClientId;
use std::fs::File;
use std::io::{self, Read as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// No file of certificates is longer, in bytes.
const LARGEST_CA_FILE: u64 = 1024 * 1024;

/// How the way to the mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// TLS from the first byte (RFC 8314), usually on port 465.
    Tls,
    /// STARTTLS (RFC 3207), usually on port 587. Nothing is sent to a server that does not offer it.
    StartTls,
    /// None: only to a server on this machine.
    None,
}

/// A user of the mail server. It has no `Debug`.
pub struct Login {
    /// Its name.
    pub user: String,
    /// Its password, as UTF-8.
    pub password: Plain,
}

/// How mails are sent. It has no `Debug`.
pub struct Settings {
    /// The mail server: a host name or an IP address. Its certificate is for this name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way there is protected.
    pub encryption: Encryption,
    /// Who we are to the server, if it asks.
    pub login: Option<Login>,
    /// Certificates (PEM, at most 1 MiB) of a private authority. With one, no other authority is trusted.
    pub ca_file: Option<PathBuf>,
    /// Whom the mails come from.
    pub from: Sender,
    /// The longest that one mail may take, connecting included: 1 ms to 10 minutes.
    pub timeout: Duration,
}

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Not a host name and not an IP address.
    #[error("the mail server's host is not a host name and not an IP address")]
    Host,
    /// Mails would pass a network in the clear.
    #[error("mails go unencrypted to this machine only (localhost, 127.0.0.1, ::1): choose TLS or STARTTLS")]
    Unprotected,
    /// No time, or no end.
    #[error("the time for one mail is between 1 ms and 10 minutes")]
    Timeout,
    /// The password is not text.
    #[error("the password for the mail server is not UTF-8")]
    Password,
    /// The file cannot be read.
    #[error("the file of certificates cannot be read: {0}")]
    CaFile(io::Error),
    /// The file can be read, but is longer than 1 MiB or has no certificate in it, or a broken one.
    #[error("the file of certificates holds none (PEM), or a broken one")]
    NoCertificate,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(lettre::transport::smtp::Error),
    /// The site's origin is not a URL with a host.
    #[error("the origin of the site is not a URL with a host")]
    Origin,
}

impl Smtp {
    /// Judges the settings and reads the file of certificates. Connects to nobody yet: a mail server that is down does
    /// not keep us from starting.
    pub fn new(settings: Settings, site: Site) -> Result<Self, SettingsError> {
        let Settings { host, port, encryption, login, ca_file, from, timeout } = settings;
        let host = plain_host(&host).ok_or(SettingsError::Host)?;
        if encryption == Encryption::None && !is_loopback(&host) {
            return Err(SettingsError::Unprotected);
        }
        if timeout < Duration::from_millis(1) || timeout > Duration::from_mins(10) {
            return Err(SettingsError::Timeout);
        }
        if login.as_ref().is_some_and(|login| std::str::from_utf8(login.password.reveal()).is_err()) {
            return Err(SettingsError::Password);
        }
        let hello = hello(&site).ok_or(SettingsError::Origin)?;
        let tls = match encryption {
            Encryption::None => None,
            Encryption::Tls | Encryption::StartTls => Some(tls(&host, ca_file.as_deref())?),
        };
        Ok(Self::assembled(super::Route { host, port, encryption, tls, login, hello, timeout }, from, site))
    }
}

/// A host in ASCII; an IPv6 address without brackets.
fn plain_host(host: &str) -> Option<String> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.parse::<IpAddr>().is_ok() {
        return Some(bare.to_owned());
    }
    match url::Host::parse(host) {
        Ok(url::Host::Domain(name)) if name.len() <= 253 => Some(name),
        Ok(url::Host::Ipv4(address)) => Some(address.to_string()),
        Ok(url::Host::Domain(_) | url::Host::Ipv6(_)) | Err(_) => None,
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What we call ourselves (RFC 5321 §4.1.1.1): the host of the site.
fn hello(site: &Site) -> Option<ClientId> {
    let origin = url::Url::parse(site.origin()).ok()?;
    Some(match origin.host()? {
        url::Host::Domain(name) => ClientId::Domain(name.to_owned()),
        url::Host::Ipv4(address) => ClientId::Ipv4(address),
        url::Host::Ipv6(address) => ClientId::Ipv6(address),
    })
}

/// TLS 1.2 or later; the server's certificate must be for `host` and come from an authority that is trusted.
fn tls(host: &str, ca_file: Option<&Path>) -> Result<TlsParameters, SettingsError> {
    let mut builder = TlsParameters::builder(host.to_owned()).set_min_tls_version(TlsVersion::Tlsv12);
    if let Some(path) = ca_file {
        let mut pem = Vec::new();
        let file = File::open(path).map_err(SettingsError::CaFile)?;
        file.take(LARGEST_CA_FILE + 1).read_to_end(&mut pem).map_err(SettingsError::CaFile)?;
        let holds_one = String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----");
        if pem.len() as u64 > LARGEST_CA_FILE || !holds_one {
            return Err(SettingsError::NoCertificate);
        }
        let certificates = Certificate::from_pem(&pem).map_err(|_| SettingsError::NoCertificate)?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificates);
    }
    builder
        .build_rustls()
        .map_err(|error| if ca_file.is_some() { SettingsError::NoCertificate } else { SettingsError::Tls(error) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_STANDARD, Engine as _};

    fn settings(host: &str, encryption: Encryption) -> Settings {
        let from = "Notes <no-reply@notes.example>".parse().unwrap();
        let timeout = Duration::from_secs(10);
        Settings { host: host.into(), port: 25, encryption, login: None, ca_file: None, from, timeout }
    }

    fn refused(settings: Settings) -> Option<SettingsError> {
        let site = Site { name: "notes.example".into(), origin: "https://notes.example".into() };
        Smtp::new(settings, site).err()
    }

    #[test]
    fn unencrypted_mails_stay_on_this_machine() {
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "LOCALHOST"] {
            assert!(refused(settings(host, Encryption::None)).is_none(), "{host}");
        }
        for host in ["mail.example", "10.0.0.1", "localhost.evil.example", "::2", "0.0.0.0", "localhost."] {
            assert!(matches!(refused(settings(host, Encryption::None)), Some(SettingsError::Unprotected)), "{host}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for host in ["", "mail example", "mail.example:25", "smtp://mail.example", "a/b", "[::1", "a\r\nb"] {
            assert!(matches!(refused(settings(host, Encryption::StartTls)), Some(SettingsError::Host)), "{host:?}");
        }
        assert_eq!(plain_host("почта.рф").as_deref(), Some("xn--80a1acny.xn--p1ai"));
    }

    #[test]
    fn the_time_for_a_mail_has_an_end() {
        for timeout in [Duration::ZERO, Duration::from_secs(601)] {
            let settings = Settings { timeout, ..settings("localhost", Encryption::None) };
            assert!(matches!(refused(settings), Some(SettingsError::Timeout)));
        }
    }

    #[test]
    fn a_password_is_text() {
        let login = Some(Login { user: "u".into(), password: Plain::new(vec![0xff]) });
        let settings = Settings { login, ..settings("localhost", Encryption::None) };
        assert!(matches!(refused(settings), Some(SettingsError::Password)));
    }

    #[test]
    fn a_private_authority_is_read_from_its_file() {
        let home = tempfile::tempdir().unwrap();
        let with = |name: &str, content: &[u8]| {
            let path = home.path().join(name);
            std::fs::write(&path, content).unwrap();
            refused(Settings { ca_file: Some(path), ..settings("mail.example", Encryption::Tls) })
        };
        let made = rcgen::generate_simple_self_signed(vec!["mail.example".to_owned()]).unwrap();
        let body = BASE64_STANDARD.encode(made.cert.der());
        let good = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        assert!(with("good.pem", good.as_bytes()).is_none());
        assert!(matches!(with("empty.pem", b""), Some(SettingsError::NoCertificate)));
        assert!(matches!(
            with("broken.pem", good.replace("MII", "AAA").as_bytes()),
            Some(SettingsError::NoCertificate)
        ));
        assert!(matches!(with("large.pem", good.repeat(3000).as_bytes()), Some(SettingsError::NoCertificate)));
        let missing = Settings { ca_file: Some(home.path().join("no")), ..settings("mail.example", Encryption::Tls) };
        assert!(matches!(refused(missing), Some(SettingsError::CaFile(_))));
    }

    #[test]
    fn the_site_says_who_we_are() {
        let named = |origin: &str| hello(&Site { name: "n".into(), origin: origin.into() }).map(|id| id.to_string());
        assert_eq!(named("https://notes.example:8443").as_deref(), Some("notes.example"));
        assert_eq!(named("https://дом.рф").as_deref(), Some("xn--d1aqf.xn--p1ai"));
        assert_eq!(named("http://127.0.0.1:80").as_deref(), Some("[127.0.0.1]"));
        assert_eq!(named("http://[::1]").as_deref(), Some("[IPv6:::1]"));
        assert_eq!(named("notes.example"), None);
    }
}
