//! One examination, from the first handshake to the report.

use crate::checks::{CHECKS, tls};
use crate::clock::Clock;
use crate::finding::Judged;
use crate::options::Options;
use crate::report::{Outcome, Report};
use crate::target::Target;
use crate::trust::Untrusted;
use crate::visit::{NoVisit, Visit};
use crate::wire::{Silence, Wire};
use thiserror::Error;

/// Why there is no report.
#[derive(Debug, Error)]
pub enum CannotExamine {
    /// A check to leave out that does not exist.
    #[error("there is no check {0:?}; --help lists them")]
    UnknownCheck(String),
    /// No certificate can be judged.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// Nobody answers there.
    #[error("nobody answers at {origin}: {why}")]
    Unreachable {
        /// The origin.
        origin: String,
        /// What happened instead.
        why: String,
    },
    /// What answers is something else.
    #[error("that is not Cloakroom at {origin}: {why}")]
    NotCloakroom {
        /// The origin.
        origin: String,
        /// What was seen.
        why: String,
    },
}

/// Examines a site. `progress` is told the title of each check before it begins. Makes at most
/// [`MOST_REQUESTS`](crate::MOST_REQUESTS) requests, one after the other, each within [`Options::timeout`].
pub async fn examine(
    target: Target,
    options: &Options,
    clock: Clock,
    progress: &(dyn Fn(&str) + Send + Sync),
) -> Result<Report, CannotExamine> {
    let is_skipped = |id: &str| options.skip.iter().any(|skipped| skipped == id);
    if let Some(unknown) = options.skip.iter().find(|id| CHECKS.iter().all(|check| check.id != **id)) {
        return Err(CannotExamine::UnknownCheck(unknown.clone()));
    }
    let origin = target.origin();
    let unreachable = |why: Silence| CannotExamine::Unreachable { origin: origin.clone(), why: why.to_string() };
    let wire = Wire::new(target, options, clock)?;
    progress("Is it there?");
    let handshake = if wire.target.is_https() {
        match wire.shake_hands().await {
            Ok(handshake) => Some(handshake),
            Err(Silence::Tls(error)) if !is_skipped("tls") => {
                return Ok(untrusted(&wire, &tls::refused(&error), is_skipped));
            }
            Err(why) => return Err(unreachable(why)),
        }
    } else {
        None
    };
    let visit = match Visit::begin(wire, handshake, options).await {
        Ok(visit) => visit,
        Err(NoVisit::Silent(why)) => return Err(unreachable(why)),
        Err(NoVisit::Stranger(why)) => return Err(CannotExamine::NotCloakroom { origin, why }),
    };
    let mut checks = Vec::new();
    for check in CHECKS {
        checks.push(if is_skipped(check.id) {
            Outcome::skipped(check.id, check.title)
        } else {
            progress(check.title);
            Outcome::of(check.id, check.title, (check.run)(&visit).await)
        });
    }
    Ok(Report { version: 1, url: origin, requests: visit.wire.asked(), checks })
}

/// A report of a site whose TLS cannot be trusted: nothing else was asked, since whoever answers may be anybody.
fn untrusted(wire: &Wire, tls: &Judged, is_skipped: impl Fn(&str) -> bool) -> Report {
    let checks = CHECKS.iter().map(|check| {
        let Judged { seen, findings, unknown } = tls;
        match check.id {
            "tls" => {
                let judged = Judged { seen: seen.clone(), findings: findings.clone(), unknown: unknown.clone() };
                Outcome::of(check.id, check.title, judged)
            }
            id if is_skipped(id) => Outcome::skipped(check.id, check.title),
            _ => Outcome::of(check.id, check.title, Judged::unknown("TLS has to be mended first")),
        }
    });
    Report { version: 1, url: wire.target.origin(), requests: wire.asked(), checks: checks.collect() }
}
