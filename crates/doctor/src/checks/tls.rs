//! TLS: that it is there, its version, and whether the certificate is good for the name, today and in two weeks.

use crate::clock::Clock;
use crate::finding::{Judged, Severity};
use crate::visit::Visit;
use crate::wire::Handshake;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, ProtocolVersion};
use std::time::Duration;

/// A certificate that ends sooner has not been renewed when it should have been: a week after Let's Encrypt's own mails.
const RENEWED_BEFORE: Duration = Duration::from_secs(14 * DAY);
/// One that ends sooner ends over a weekend.
const TOO_LATE: Duration = Duration::from_secs(3 * DAY);
const DAY: u64 = 86_400;

const RENEW: &str = "Renew the certificate, and find out why it did not renew by itself; whoever speaks TLS has to read \
                     the new file (Cloakroom: SIGHUP).";

/// Judges the handshake that the visit began with.
pub(super) fn run(visit: &Visit) -> Judged {
    let wire = &visit.wire;
    let Some(handshake) = &visit.handshake else { return without(wire.target.is_loopback()) };
    let clock = &wire.clock;
    let later = |ahead: Duration| {
        let at = UnixTime::since_unix_epoch(Duration::from_secs(clock.unix().as_secs()) + ahead);
        wire.trust.judge_at(&handshake.chain, &handshake.name, at)
    };
    judge(handshake, &later, clock)
}

fn without(is_loopback: bool) -> Judged {
    if is_loopback {
        return Judged::unknown("this is plain http on this machine: there is no TLS to look at");
    }
    let mut judged = Judged::default();
    judged.find(
        Severity::High,
        "People come by plain http: whoever is on the way reads and changes everything",
        "the URL that was given",
        "Speak TLS in front of Cloakroom or in it (server.tls), set server.public_url to the https origin, and examine that.",
    );
    judged
}

/// `later` says what the chain is worth in so much time.
fn judge(handshake: &Handshake, later: &dyn Fn(Duration) -> Result<(), Error>, clock: &Clock) -> Judged {
    let mut judged = Judged::default();
    let name = handshake.name.to_str().into_owned();
    match handshake.version {
        Some(ProtocolVersion::TLSv1_3) => judged.saw(format!("TLS 1.3, and a certificate that is good for {name}")),
        Some(version) => {
            judged.saw(format!("a certificate that is good for {name}"));
            judged.find(
                Severity::Info,
                "TLS 1.3 is not offered",
                format!("{version:?} was agreed on"),
                "Turn TLS 1.3 on where TLS ends; every browser of the last years speaks it.",
            );
        }
        None => judged.cannot_tell("which version of TLS was agreed on is not known"),
    }
    match later(RENEWED_BEFORE) {
        Ok(()) => judged.saw("the whole chain is good for at least 14 more days"),
        Err(error) => match expiry(&error) {
            Some(ends) => {
                let left = ends.saturating_sub(Duration::from_secs(clock.unix().as_secs()));
                let severity = if left < TOO_LATE { Severity::High } else { Severity::Medium };
                let days = left.as_secs() / DAY;
                judged.find(
                    severity,
                    "The certificate, or one that vouches for it, ends soon",
                    format!("it ends in {days} days and {} hours", left.as_secs() % DAY / 3600),
                    RENEW,
                );
            }
            None => judged.cannot_tell(format!("whether the certificate is good in 14 days: {error}")),
        },
    }
    judged
}

/// When a chain ended, seen from a time at which it has; since the epoch.
fn expiry(error: &Error) -> Option<Duration> {
    match error {
        Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            Some(Duration::from_secs(not_after.as_secs()))
        }
        _ => None,
    }
}

/// What to say when there was no handshake because one side did not want to.
pub(crate) fn refused(error: &Error) -> Judged {
    use CertificateError as Bad;
    let (title, fix) = match error {
        Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            ("The certificate, or one that vouches for it, has ended", RENEW)
        }
        Error::InvalidCertificate(Bad::NotValidYet | Bad::NotValidYetContext { .. }) => (
            "The certificate is not good yet",
            "Set the clock of this machine, or that of the one that made the certificate.",
        ),
        Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => (
            "The certificate is for another name",
            "Get one that names this host, or let the proxy choose by the name that is asked for (SNI).",
        ),
        // A bad signature: another authority of the same name, such as a private one that was made anew.
        Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => (
            "Nobody whom this machine believes vouches for the certificate",
            "Serve the whole chain, the intermediate certificates after the server's own (often fullchain.pem); for an \
             authority of your own, name its certificate with --ca FILE.",
        ),
        Error::InvalidCertificate(_) => {
            ("The certificate is no good", "Get another certificate; the evidence says what is wrong with this one.")
        }
        Error::AlertReceived(AlertDescription::UnrecognisedName) => (
            "Nothing is served under this name",
            "Add the name where TLS ends: the server block of nginx, the site of Caddy, the rule of the load balancer.",
        ),
        Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure)
        | Error::PeerIncompatible(_) => (
            "TLS 1.2 and 1.3 are not offered, or not with anything that is still safe",
            "Offer TLS 1.3 and 1.2 where TLS ends, and nothing older.",
        ),
        Error::InvalidMessage(_) => (
            "What answers on this port does not speak TLS",
            "Let the proxy speak TLS there (nginx: listen 443 ssl), or name the right port.",
        ),
        _ => ("There is no TLS connection", "See what the evidence says, and the log of what speaks TLS there."),
    };
    let mut judged = Judged::default();
    judged.find(Severity::High, title, error.to_string(), fix);
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::ServerName;
    use std::time::{SystemTime, UNIX_EPOCH};

    const NOW: u64 = 1_800_000_000;

    fn judged(version: ProtocolVersion, ends_in_days: u64) -> Judged {
        let clock = Clock::new(|| -> SystemTime { UNIX_EPOCH + Duration::from_secs(NOW) });
        let name = ServerName::try_from("app.example.com").unwrap();
        let handshake = Handshake { version: Some(version), chain: vec![], name };
        let ends = NOW + ends_in_days * DAY;
        let later = move |ahead: Duration| {
            let at = NOW + ahead.as_secs();
            let time = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
            let context = CertificateError::ExpiredContext { time: time(at), not_after: time(ends) };
            if at > ends { Err(Error::InvalidCertificate(context)) } else { Ok(()) }
        };
        judge(&handshake, &later, &clock)
    }

    #[test]
    fn a_certificate_that_ends_within_two_weeks_is_told_of() {
        assert_eq!(judged(ProtocolVersion::TLSv1_3, 15).titles(), []);
        let soon = "The certificate, or one that vouches for it, ends soon";
        assert_eq!(judged(ProtocolVersion::TLSv1_3, 13).titles(), [(Severity::Medium, soon)]);
        assert_eq!(judged(ProtocolVersion::TLSv1_3, 1).titles(), [(Severity::High, soon)]);
    }

    #[test]
    fn an_old_version_is_worth_a_word() {
        assert_eq!(judged(ProtocolVersion::TLSv1_2, 90).titles(), [(Severity::Info, "TLS 1.3 is not offered")]);
    }

    #[test]
    fn each_refusal_has_its_own_fix() {
        let of = |error: Error| refused(&error).findings[0].fix;
        let expired = of(Error::InvalidCertificate(CertificateError::Expired));
        let name = of(Error::InvalidCertificate(CertificateError::NotValidForName));
        let issuer = of(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        assert!(expired.contains("Renew") && name.contains("SNI") && issuer.contains("fullchain.pem"));
        assert!(of(Error::AlertReceived(AlertDescription::ProtocolVersion)).contains("TLS 1.3"));
    }

    #[test]
    fn plain_http_is_forgiven_on_this_machine_only() {
        assert_eq!(without(true).unknown.len(), 1);
        assert_eq!(without(false).findings[0].severity, Severity::High);
    }
}
