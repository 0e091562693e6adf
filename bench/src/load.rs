//! How busy the machine is with other things, looked at while nothing of ours is running.

use anyhow::{Context as _, Result};
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant};

/// More than this of all processors is somebody else at work.
const HIGH: f64 = 0.10;

/// A look at the machine.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Load {
    /// Load averages of 1, 5 and 15 minutes. Earlier parts of a run are in them.
    pub(crate) average: [f64; 3],
    /// The share of all processors that was busy during the second in which nothing of ours ran, 0 to 1.
    pub(crate) busy: f64,
}

impl Load {
    pub(crate) fn is_high(&self) -> bool {
        self.busy > HIGH
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, five, fifteen] = self.average;
        write!(f, "load {one:.2} {five:.2} {fifteen:.2}, {:.0} % busy with other things", self.busy * 100.0)
    }
}

/// Looks for a second. Call it while nothing of ours runs.
pub(crate) fn now() -> Load {
    let before = ticks();
    #[expect(clippy::disallowed_methods, reason = "what is measured is a second of doing nothing")]
    std::thread::sleep(Duration::from_secs(1));
    let after = ticks();
    let (all, idle) = (after.0 - before.0, after.1 - before.1);
    Load { average: average().unwrap_or_default(), busy: 1.0 - idle / all.max(1.0) }
}

/// Waits until the machine is quiet, or that many seconds; answers how it is then.
pub(crate) fn wait_for_quiet(seconds: u64) -> Result<Load> {
    average().context("this needs Linux: there is no /proc/loadavg")?;
    let until = Instant::now() + Duration::from_secs(seconds);
    loop {
        let load = now();
        if !load.is_high() || Instant::now() >= until {
            return Ok(load);
        }
    }
}

fn average() -> Option<[f64; 3]> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    let mut numbers = text.split(' ').map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

/// Ticks of all processors since the machine started: all, and those of doing nothing.
fn ticks() -> (f64, f64) {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = text.lines().next().unwrap_or_default();
    let numbers: Vec<f64> = first.split_whitespace().skip(1).take(8).filter_map(|number| number.parse().ok()).collect();
    (numbers.iter().sum(), numbers.iter().skip(3).take(2).sum())
}
