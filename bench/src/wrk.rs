//! `wrk`: one thread, 32 kept connections, each sending its next request as soon as it has its answer.

use anyhow::{Context as _, Result, ensure};
use std::net::SocketAddr;
use std::process::Command;

/// What a run found.
#[derive(Clone, Copy)]
pub(crate) struct Outcome {
    pub(crate) per_second: f64,
    pub(crate) p99_millis: f64,
    pub(crate) requests: f64,
}

/// Runs it for so many seconds. Fails when a single answer was not 2xx.
pub(crate) fn run(to: SocketAddr, cookie: &str, seconds: u32) -> Result<Outcome> {
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c32", "--latency", &format!("-d{seconds}s")]);
    command.args(["-H", "Host: localhost", "-H", &format!("Cookie: {cookie}"), "-H", "Sec-Fetch-Site: same-origin"]);
    let output = command.arg(format!("http://{to}/x")).output().context("wrk does not start")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "wrk failed: {text}{}", String::from_utf8_lossy(&output.stderr));
    let clean = !text.contains("Non-2xx") && !text.contains("Socket errors");
    ensure!(clean, "some requests failed: {text}");
    read(&text).with_context(|| format!("wrk said something unexpected: {text}"))
}

fn read(text: &str) -> Option<Outcome> {
    let after = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let requests = text.lines().find_map(|line| line.trim().split_once(" requests in ")?.0.parse().ok())?;
    Some(Outcome { per_second: after("Requests/sec:")?.parse().ok()?, p99_millis: millis(after("99%")?)?, requests })
}

fn millis(text: &str) -> Option<f64> {
    let (number, factor) = [("us", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4)]
        .into_iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, factor)))?;
    Some(number.trim().parse::<f64>().ok()? * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says_is_read() {
        let text = "  Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   1.1ms  2ms 30ms 90%\n  Latency \
                    Distribution\n     50%  638.00us\n     99%    5.78ms\n  42 requests in 2.00s, 1.2MB read\nRequests/sec:  \
                    22464.65\nTransfer/sec:     17.76MB\n";
        let outcome = read(text).unwrap();
        let read = [outcome.per_second, outcome.p99_millis, outcome.requests];
        assert_eq!(read.map(f64::to_bits), [22464.65_f64, 5.78, 42.0].map(f64::to_bits));
        assert_eq!(millis("638.00us").map(f64::to_bits), Some(0.638_f64.to_bits()));
        assert!(millis("5").is_none());
    }
}
