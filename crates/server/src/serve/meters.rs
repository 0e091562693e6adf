//! Counters of requests, looked up once so that a request costs a few additions.

use http::StatusCode;
use metrics::{Counter, Histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use std::time::Duration;

/// One recorder for the process: the `metrics` facade has room for one. Tests that start several servers share it.
static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Who an answer comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A route of ours.
    Cloakroom,
    /// An application behind us.
    Upstream,
    /// A judgement for another proxy, which carries the request itself.
    ForwardAuth,
}

/// The handles of the hot path.
pub(super) struct Meters {
    cloakroom: Meter,
    upstream: Meter,
    forward_auth: Meter,
}

/// Answers by the class of their status, and the time that they took.
struct Meter {
    answers: [Counter; 5],
    time: Histogram,
}

impl Meter {
    /// Registers one, with the value of the label `to`.
    fn of(to: &'static str) -> Self {
        let answers = ["1xx", "2xx", "3xx", "4xx", "5xx"]
            .map(|class| metrics::counter!("cloakroom_requests_total", "to" => to, "status" => class));
        Self { answers, time: metrics::histogram!("cloakroom_request_seconds", "to" => to) }
    }
}

impl Meters {
    /// Registers what is counted.
    pub(super) fn new() -> Self {
        recorder();
        metrics::describe_counter!("cloakroom_requests_total", "Requests answered, by who answers and status class");
        metrics::describe_histogram!(
            "cloakroom_request_seconds",
            "Time from the head of a request to the head of its answer"
        );
        metrics::describe_counter!("cloakroom_refreshes_total", "Refresh verdicts, by outcome");
        metrics::describe_counter!("cloakroom_logins_total", "Log-ins, by outcome");
        metrics::describe_gauge!("cloakroom_revocations_held", "Revocations in memory");
        metrics::describe_gauge!(
            "cloakroom_revocation_feed_age_seconds",
            "Time since the revocation feed was last read"
        );
        metrics::describe_histogram!(
            "cloakroom_revocation_lag_seconds",
            "Time from a revocation, on whichever node, until this node knows it"
        );
        metrics::describe_gauge!("cloakroom_connections", "Open connections");
        Self {
            cloakroom: Meter::of("cloakroom"),
            upstream: Meter::of("upstream"),
            forward_auth: Meter::of("forward_auth"),
        }
    }

    /// Counts an answer.
    pub(super) fn answered(&self, by: By, status: StatusCode, took: Duration) {
        let meter = match by {
            By::Cloakroom => &self.cloakroom,
            By::Upstream => &self.upstream,
            By::ForwardAuth => &self.forward_auth,
        };
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = meter.answers.get(class) {
            counter.increment(1);
        }
        meter.time.record(took.as_secs_f64());
    }
}

fn recorder() -> Option<&'static PrometheusHandle> {
    let install = || {
        const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
        PrometheusBuilder::new().set_buckets(&BUCKETS).ok()?.install_recorder().ok()
    };
    RECORDER.get_or_init(install).as_ref()
}

/// The page that Prometheus reads.
pub(super) fn page() -> String {
    recorder().map(PrometheusHandle::render).unwrap_or_default()
}

/// Moves what was recorded into its buckets; without it the histograms' memory grows until somebody reads the page.
pub(super) fn upkeep() {
    if let Some(recorder) = recorder() {
        recorder.run_upkeep();
    }
}
