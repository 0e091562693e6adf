//! The shipped server, a meddling proxy in front of it, and a doctor who comes from outside.

use crate::certificate::Authority;
use crate::proxy::{Meddling, Proxy, Ticks};
use cloakroom_doctor::{CannotExamine, Clock, Finding, Options, Outcome, Report, Severity, State, Target, examine};
use cloakroom_testbed::House;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;

/// The time at which every doctor comes, in seconds since the epoch: 2027-01-15 08:00:00 UTC.
pub(crate) const NOW: u64 = 1_800_000_000;
/// Until when certificates are good unless a test says otherwise.
pub(crate) const FAR: (i32, u8, u8) = (2030, 1, 1);

/// A deployment.
pub(crate) struct Stage {
    pub(crate) house: House,
    pub(crate) proxy: Arc<Proxy>,
    pub(crate) options: Options,
    /// The origin that people type.
    pub(crate) url: String,
    ticks: Arc<Ticks>,
}

impl Stage {
    /// Behind a proxy that meddles.
    pub(crate) async fn behind(meddling: Meddling) -> Self {
        Self::with(meddling, "", "localhost", FAR).await
    }

    /// With more configuration, where `{https}` is the port of the proxy, and a certificate for this name until that day.
    pub(crate) async fn with(meddling: Meddling, more: &str, name: &str, until: (i32, u8, u8)) -> Self {
        let encrypted = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let plain = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (port, http_port) = (encrypted.local_addr().unwrap().port(), plain.local_addr().unwrap().port());
        let url = format!("https://localhost:{port}");
        let more = if more.is_empty() { "server.trusted_proxies = [\"127.0.0.1\"]" } else { more };
        let public = if more.contains("public_url") { String::new() } else { format!("server.public_url = {url:?}\n") };
        let house = House::with(&format!("{public}{}", more.replace("{https}", &port.to_string()))).await;
        let (authority, ticks) = (Authority::new(), Ticks::new());
        let tls = authority.vouch(name, until);
        let proxy = Proxy::start(meddling, house.port(), encrypted, plain, tls, Arc::clone(&ticks));
        let options = Options {
            authorities: Some(authority.pem.into_bytes()),
            // The application behind: something answers there, and it is not the admin listener.
            admin_port: house.echo.address.port(),
            http_port: Some(http_port),
            timeout: Duration::from_mins(1),
            ..Options::default()
        };
        Self { house, proxy, options, url, ticks }
    }

    /// Examines it at [`NOW`].
    pub(crate) async fn examine(&self) -> Report {
        self.examine_at(NOW).await
    }

    /// Examines it at another time.
    pub(crate) async fn examine_at(&self, seconds: u64) -> Report {
        self.try_to_examine(seconds).await.unwrap()
    }

    /// The same, where there may be nothing to examine.
    pub(crate) async fn try_to_examine(&self, seconds: u64) -> Result<Report, CannotExamine> {
        let ticks = Arc::clone(&self.ticks);
        let clock = clock_at(seconds).with_steady(move || ticks.read());
        examine(Target::parse(&self.url).unwrap(), &self.options, clock, &|_| {}).await
    }
}

/// A clock that stands.
pub(crate) fn clock_at(seconds: u64) -> Clock {
    Clock::new(move || -> SystemTime { UNIX_EPOCH + Duration::from_secs(seconds) })
}

/// The outcome of a check.
pub(crate) fn of<'a>(report: &'a Report, id: &str) -> &'a Outcome {
    report.checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no check {id}"))
}

/// Ids of the checks that came out so.
pub(crate) fn ids(report: &Report, state: State) -> Vec<&'static str> {
    report.checks.iter().filter(|check| check.state == state).map(|check| check.id).collect()
}

/// Examines a deployment with this meddling. The check must find this, with this severity, and its fix and evidence must
/// be there.
pub(crate) async fn finds(meddling: Meddling, id: &str, severity: Severity, title: &str) {
    let stage = Stage::behind(meddling).await;
    let report = stage.examine().await;
    assert_found(&report, id, severity, title);
    stage.house.close().await;
}

/// The report must have this finding.
pub(crate) fn assert_found(report: &Report, id: &str, severity: Severity, title: &str) {
    let outcome = of(report, id);
    let found = |finding: &&Finding| finding.severity == severity && finding.title.contains(title);
    let finding = outcome.findings.iter().find(found).unwrap_or_else(|| panic!("{title:?} is not in {outcome:#?}"));
    assert!(!finding.fix.is_empty() && finding.evidence.iter().all(|line| !line.is_empty()));
    if severity != Severity::Info {
        assert_eq!(outcome.state, State::Findings, "{outcome:#?}");
        assert!(report.has_findings());
    }
}
