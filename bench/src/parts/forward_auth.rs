//! A signed-in request by four ways: nginx alone, nginx that asks Cloakroom, Cloakroom's gateway, and Apache with
//! `mod_auth_openidc`.

use super::Part;
use crate::apache::Apache;
use crate::context::{Context, processors};
use crate::figure::Figure;
use crate::process::{free, processor_seconds};
use crate::server::{Server, Setup};
use crate::tools::Tool;
use crate::{nginx, wrk};
use anyhow::{Context as _, Result};
use std::net::SocketAddr;

pub(super) const PART: Part = Part {
    name: "forward-auth",
    title: "Signed-in request through nginx that asks Cloakroom, through the gateway, and through Apache mod_auth_openidc",
    how: "Four ways to the same nginx that answers 1 KiB: nginx `proxy_pass` alone; the same with `auth_request` to Cloakroom, \
          identity headers and token set as in `examples/forward-auth/nginx.conf`; Cloakroom's gateway; Apache (`mpm_event`, \
          `mod_auth_openidc` with its defaults, session in shared memory) as the proxy, with a session of npm's `oidc-provider`. \
          One Cloakroom (release, defaults, `log.requests = false`) is asked and carries. Each way gets its requests from \
          `wrk -t1 -c32` in turns. All programs share the processors of this machine.",
    tools: &[Tool::Nginx, Tool::Wrk, Tool::Apache],
    builds: true,
    is_long: false,
    run,
};

/// A way, and what it has cost.
struct Way<'a> {
    name: &'static str,
    address: SocketAddr,
    cookie: &'a str,
    spent: &'a dyn Fn() -> f64,
    rates: Vec<f64>,
    latencies: Vec<f64>,
    costs: Vec<f64>,
}

impl<'a> Way<'a> {
    fn new(name: &'static str, address: SocketAddr, cookie: &'a str, spent: &'a dyn Fn() -> f64) -> Self {
        Self { name, address, cookie, spent, rates: vec![], latencies: vec![], costs: vec![] }
    }

    fn run(&self, seconds: u32) -> Result<wrk::Outcome> {
        wrk::run(self.address, self.cookie, seconds).context(self.name)
    }

    fn measure(&mut self, seconds: u32) -> Result<()> {
        let before = (self.spent)();
        let found = self.run(seconds)?;
        self.costs.push(((self.spent)() - before) * 1e6 / found.requests);
        self.rates.push(found.per_second);
        self.latencies.push(found.p99_millis);
        Ok(())
    }
}

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let application = nginx::application(&cx.folder("forward-auth-application")?)?;
    let alone = nginx::proxy(&cx.folder("forward-auth-alone")?, processors(), application.address)?;
    let folder = cx.folder("forward-auth-cloakroom")?;
    let verify = free()?;
    let (binary, listen) = (cx.server_binary(), format!("listen = [\"{verify}\"]"));
    let more = [("server", "trusted_proxies = [\"127.0.0.1\"]"), ("forward_auth", listen.as_str())];
    let server = Server::start(&Setup { more: &more, ..Setup::alone(&binary, &folder, application.address) })?;
    let cookie = server.sign_in("bench@example.com")?;
    let asking = nginx::asking(&cx.folder("forward-auth-nginx")?, processors(), application.address, verify, &cookie)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let apache = runtime.block_on(Apache::start(&cx.folder("forward-auth-apache")?, application.address))?;

    let of_alone = || processor_seconds(alone.process.id());
    let of_asking = || processor_seconds(asking.process.id()) + server.processor_seconds();
    let of_gateway = || server.processor_seconds();
    let of_apache = || processor_seconds(apache.process.id());
    let mut ways = [
        Way::new("nginx alone", alone.address, &cookie, &of_alone),
        Way::new("nginx that asks", asking.address, &cookie, &of_asking),
        Way::new("the gateway", server.public, &cookie, &of_gateway),
        Way::new("Apache", apache.address, &apache.cookie, &of_apache),
    ];
    // Connections, caches and clock rates settle first.
    for way in &ways {
        way.run(1)?;
    }
    for round in 0..cx.pick(4, 8) {
        for turn in 0..ways.len() {
            let at = (round + turn) % ways.len();
            if let Some(way) = ways.get_mut(at) {
                way.measure(cx.pick(2, 5))?;
            }
        }
    }
    let [alone, asking, gateway, apache] = &ways;
    let mut figures = Vec::new();
    for (name, one, other) in [
        ("nginx asking Cloakroom beside nginx alone", asking, alone),
        ("nginx asking Cloakroom beside Apache mod_auth_openidc", asking, apache),
        ("the gateway beside Apache mod_auth_openidc", gateway, apache),
    ] {
        figures.push(Figure::ratio(&format!("throughput, {name}"), "requests/s", &one.rates, &other.rates));
        figures.push(Figure::ratio(&format!("p99, {name}"), "ms", &one.latencies, &other.latencies));
        figures.push(
            Figure::ratio(&format!("processor time per request, {name}"), "µs", &one.costs, &other.costs)
                .note("of the proxy's own processes, Cloakroom's included where it is asked"),
        );
    }
    Ok(figures)
}
