//! Reading the URL of a database: what the driver is told, and what TLS has to prove.
//!
//! The driver knows three of libpq's six `sslmode`s and no `sslrootcert`, so these two are read here. No error shows any
//! part of the URL, because a password that is not percent-encoded can end up in every part of it.

use super::tls::{Roots, Trust};
use crate::Error;
use std::path::PathBuf;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

/// Connecting to one address takes no longer.
const CONNECT: Duration = Duration::from_secs(5);
/// A server that has vanished without a word is noticed after about this time.
const VANISHED: Duration = Duration::from_secs(15);

/// Where the database is, and what its server must prove. No `Debug`: it holds the password.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) trust: Trust,
}

/// Reads a URL as libpq does (`postgres://user:password@host:port/database?sslmode=…`).
pub(super) fn parse(url: &str) -> Result<Address, Error> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(wrong("it does not begin with postgres:// or postgresql://"));
    }
    // As the driver does, which takes everything before the first @ for user and password.
    let host = url.find('@').map_or(0, |at| at + 1);
    let query = url.get(host..).and_then(|rest| rest.find('?')).map_or(url.len(), |at| host + at);
    let (base, query) = url.split_at(query);
    let query = query.trim_start_matches('?');
    let (mut mode, mut roots) = (None, None);
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let value = || url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned());
        match pair.split_once('=').map(|(name, _)| name) {
            Some("sslmode") => mode = value(),
            Some("sslrootcert") => roots = value(),
            Some("sslcert" | "sslkey" | "sslpassword" | "sslcrl" | "sslcrldir") => {
                return Err(wrong("certificates of the client and lists of revoked ones are not supported"));
            }
            _ => rest.push(pair),
        }
    }
    let mut config: Config =
        [base, &rest.join("&")].join("?").parse().map_err(|_| wrong("it has a part that cannot be understood"))?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(wrong("it names no host"));
    }
    let (ssl, trust) = judge(mode.as_deref(), roots.as_deref())?;
    config.ssl_mode(ssl).keepalives(true).keepalives_idle(VANISHED / 3).keepalives_interval(VANISHED / 6);
    config.keepalives_retries(4).tcp_user_timeout(VANISHED);
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_application_name().is_none() {
        config.application_name("cloakroom");
    }
    Ok(Address { config, trust })
}

/// As libpq: `prefer`, which is also meant by silence, and `require` encrypt without asking who answers.
fn judge(mode: Option<&str>, roots: Option<&str>) -> Result<(SslMode, Trust), Error> {
    let roots = || match roots {
        None | Some("system") => Roots::OfThisMachine,
        Some(file) => Roots::File(PathBuf::from(file)),
    };
    match mode {
        Some("disable") => Ok((SslMode::Disable, Trust::Anybody)),
        None | Some("prefer") => Ok((SslMode::Prefer, Trust::Anybody)),
        Some("require") => Ok((SslMode::Require, Trust::Anybody)),
        Some("verify-full") => Ok((SslMode::Require, Trust::Certified(roots()))),
        Some("allow" | "verify-ca") => {
            Err(wrong("sslmode allow and verify-ca are not supported; use disable, prefer, require or verify-full"))
        }
        Some(_) => Err(wrong("there is no such sslmode; use disable, prefer, require or verify-full")),
    }
}

fn wrong(why: &str) -> Error {
    Error::Fault(format!("the URL of the database cannot be used: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(query: &str) -> (SslMode, Trust) {
        let address = parse(&format!("postgres://u:p@db.example/cloakroom{query}")).unwrap();
        (address.config.get_ssl_mode(), address.trust)
    }

    #[test]
    fn modes_of_tls_mean_what_they_mean_to_libpq() {
        assert_eq!(mode(""), (SslMode::Prefer, Trust::Anybody));
        assert_eq!(mode("?sslmode=disable"), (SslMode::Disable, Trust::Anybody));
        assert_eq!(mode("?sslmode=require&application_name=x"), (SslMode::Require, Trust::Anybody));
        let certified = |roots| (SslMode::Require, Trust::Certified(roots));
        assert_eq!(mode("?sslmode=verify-full"), certified(Roots::OfThisMachine));
        assert_eq!(mode("?connect_timeout=3&sslmode=verify-full&sslrootcert=system"), certified(Roots::OfThisMachine));
        assert_eq!(
            mode("?sslrootcert=%2Fetc%2Fca.pem&sslmode=verify-full"),
            certified(Roots::File("/etc/ca.pem".into()))
        );
    }

    #[test]
    fn what_is_not_supported_is_said_without_any_part_of_the_url() {
        for url in [
            "sqlite:x",
            "host=db password=hunter2",
            "postgres://",
            "postgres://u:hunter2@db/x?sslmode=verify-ca",
            "postgres://u:hunter2@db/x?sslmode=hunter2",
            "postgres://u:hunter2@db/x?sslcert=hunter2",
            "postgres://u:hunter2/x@db:hunter2/x",
            "postgres://u:hunter2@db/x?connect_timeout=hunter2",
        ] {
            let Err(Error::Fault(text)) = parse(url).map(drop) else { panic!("{url} was taken") };
            assert!(text.contains("cannot be used") && !text.contains("hunter"), "{text}");
        }
    }

    #[test]
    fn a_password_may_hold_what_is_encoded() {
        let address = parse("postgresql://u:a%3Fb%26sslmode%3Dx@[::1]:6543/c").unwrap();
        assert_eq!(address.config.get_password(), Some(&b"a?b&sslmode=x"[..]));
        assert_eq!(address.config.get_ports(), [6543]);
        let address = parse("postgres://u:a?sslmode=disable&b@db/c?sslmode=require").unwrap();
        assert_eq!(address.config.get_password(), Some(&b"a?sslmode=disable&b"[..]));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
    }
}
