//! Logging: one subscriber for the process, text for people or JSON for machines, on stderr. What must never be in it
//! is not kept out by a filter: secrets have no `Debug`, and no statement names one.

use crate::config::Config;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts logging. A second call in one process changes nothing (tests start many servers).
pub(crate) fn start(config: &Config) {
    let filter = EnvFilter::try_new(&config.log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = if config.log.json {
        builder.json().flatten_event(true).with_current_span(false).try_init()
    } else {
        builder.with_target(false).compact().try_init()
    };
    drop(started);
}
