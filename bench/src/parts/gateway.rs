//! A signed-in request through the gateway beside the same request through plain nginx.

use super::Part;
use crate::context::{Context, processors};
use crate::figure::{Figure, Goal};
use crate::process::processor_seconds;
use crate::rounds::in_turns;
use crate::server::{Server, Setup};
use crate::tools::Tool;
use crate::{nginx, wrk};
use anyhow::Result;
use std::net::SocketAddr;

pub(super) const PART: Part = Part {
    name: "gateway",
    title: "Signed-in request through the gateway, 1 KiB answer",
    how: "`cloakroom serve` (release, defaults, `log.requests = false`) beside nginx `proxy_pass` with no authentication \
          at all (`access_log off`, 64 kept upstream connections, as many workers as we have threads). Both stand in front \
          of the same nginx that answers 1 KiB, and get the same requests, session cookie included, from `wrk -t1 -c32`. \
          All four programs share the processors of this machine, so what wrk and the application use up brings both \
          sides closer together; the processor time per request below has no such share in it.",
    tools: &[Tool::Nginx, Tool::Wrk],
    builds: true,
    is_long: false,
    run,
};

/// One round of one side.
struct Round {
    found: wrk::Outcome,
    /// Processor time per request, in µs.
    cost: f64,
}

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let folder = cx.folder("gateway")?;
    let application = nginx::application(&cx.folder("gateway-application")?)?;
    let proxy = nginx::proxy(&cx.folder("gateway-nginx")?, processors(), application.address)?;
    let binary = cx.server_binary();
    let setup = Setup::alone(&binary, &folder, application.address);
    let server = Server::start(&setup)?;
    let cookie = server.sign_in("bench@example.com")?;

    let seconds = cx.pick(2, 6);
    let round = |to: SocketAddr, spent: &dyn Fn() -> f64| {
        let before = spent();
        let found = wrk::run(to, &cookie, seconds)?;
        Ok(Round { found, cost: (spent() - before) * 1e6 / found.requests })
    };
    let ours = || round(server.public, &|| server.processor_seconds());
    let theirs = || round(proxy.address, &|| processor_seconds(proxy.process.id()));
    // Connections, caches and clock rates settle first.
    wrk::run(server.public, &cookie, 1)?;
    wrk::run(proxy.address, &cookie, 1)?;
    let (ours, theirs) = in_turns(cx.pick(4, 8), ours, theirs)?;

    let of = |rounds: &[Round], what: fn(&Round) -> f64| rounds.iter().map(what).collect::<Vec<_>>();
    let figure = |name, unit, what: fn(&Round) -> f64| Figure::ratio(name, unit, &of(&ours, what), &of(&theirs, what));
    Ok(vec![
        figure("throughput", "requests/s", |round| round.found.per_second).goal(Goal::AtLeast(0.85)),
        figure("p99", "ms", |round| round.found.p99_millis).goal(Goal::AtMost(1.3)),
        figure("processor time per request", "µs", |round| round.cost)
            .note("of the proxy's own processes; for information"),
    ])
}
