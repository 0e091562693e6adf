//! Revocation lag: from the answer of a log-out at one node to the first refusal at each other one.

mod crowd;
mod watcher;

use super::Part;
use crate::context::Context;
use crate::figure::{Figure, Goal, quantile};
use crate::http::Client;
use crate::nginx;
use crate::person::{BEHIND_PROXY, Person};
use crate::postgres::Postgres;
use crate::server::{CHEAP_PASSWORDS, Server, Setup, master_key, of_script, signed_in_request, told};
use crate::tools::Tool;
use anyhow::{Context as _, Result, anyhow, ensure};
use cloakroom_testbed::Wire;
use crowd::Crowd;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::Scope;
use std::time::{Duration, Instant};
use watcher::{Job, Watcher};

pub(super) const PART: Part = Part {
    name: "lag",
    title: "Revocation lag between nodes",
    how: "Three `cloakroom serve` on one Postgres (`fsync` on), each a process with sockets of its own. A session is opened at one, is \
          answered 200 through the gateway of both others, and is logged out where it was opened; meanwhile both others \
          are asked over and over with its cookie, 1 ms between an answer and the next request. The lag of a node is \
          the time from the answer of the log-out to the first 401 there, arrived; 0 when that was there first. The load: 24 clients who refresh \
          their sessions, each at another node every time, 50 ms after the last answer. Nodes, Postgres, load and measurement \
          share the processors. With NOTIFY lost: every node reaches Postgres through a proxy that swallows each \
          notification and nothing else, so that only the reading of the feed once a second is left.",
    tools: &[Tool::Nginx, Tool::Postgres],
    builds: true,
    is_long: false,
    run,
};

const NODES: usize = 3;

/// Clients who refresh.
const CROWD: usize = 24;

/// What was promised, in milliseconds: `revocation.stale_after` of the defaults.
const BOUND: f64 = 10_000.0;

/// How a measurement goes.
struct Plan {
    /// Sessions that are revoked by each lane, one after the other. Lanes go on side by side.
    each: usize,
    lanes: usize,
    /// Each at the next node in turn; or all at the first, so that no other one reads the feed for a log-out of its own.
    in_turn: bool,
}

/// What was found.
struct Found {
    /// Milliseconds, one of each node for each revocation.
    lags: Vec<f64>,
    /// Refreshes per second meanwhile.
    refreshes: f64,
}

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let postgres = Postgres::start(cx, "lag-postgres")?;
    let heard = {
        let url = postgres.database("heard")?;
        let plan = Plan { each: cx.pick(60, 1050), lanes: 2, in_turn: true };
        measure(cx, &[&url; NODES], &plan)?
    };
    let wires = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let url = postgres.database("lost")?;
    let lost = [0; NODES].map(|_| {
        let wire = wires.block_on(Wire::to(&url));
        wire.swallow_notifications();
        wire
    });
    let urls = [lost[0].url(), lost[1].url(), lost[2].url()];
    let silent = measure(cx, &urls, &Plan { each: cx.pick(3, 25), lanes: 8, in_turn: false })?;
    let swallowed: usize = lost.iter().map(Wire::swallowed).sum();
    ensure!(swallowed > 0, "no notification was lost");

    let mut figures = told_of("", &heard);
    figures[1] = figures[1].clone().goal(Goal::Below(50.0));
    figures[2] = figures[2].clone().goal(Goal::AtMost(BOUND));
    let mut without = told_of("NOTIFY lost: ", &silent);
    without[2] = without[2].clone().goal(Goal::AtMost(BOUND));
    let note = format!("{}; {swallowed} notifications swallowed", without[0].note);
    without[0] = without[0].clone().note(note);
    figures.extend(without);
    Ok(figures)
}

fn told_of(how: &str, found: &Found) -> Vec<Figure> {
    let lags = &found.lags;
    let first = lags.iter().filter(|lag| **lag <= 0.0).count();
    let note = format!(
        "{} revocations, {} lags, {first} of them 0; {:.0} refreshes/s meanwhile",
        lags.len() / (NODES - 1),
        lags.len(),
        found.refreshes
    );
    vec![
        Figure::absolute(&format!("{how}lag, median"), "ms", &[quantile(lags, 0.5)]).note(note),
        Figure::absolute(&format!("{how}lag, p99"), "ms", &[quantile(lags, 0.99)]),
        Figure::absolute(&format!("{how}lag, longest"), "ms", &[quantile(lags, 1.0)]),
    ]
}

fn measure(cx: &Context, urls: &[&str; NODES], plan: &Plan) -> Result<Found> {
    let application = nginx::application(&cx.folder("lag-application")?)?;
    let key = cx.folder("lag-key")?.join("master-key");
    master_key(&key)?;
    let binary = cx.server_binary();
    let more = [&CHEAP_PASSWORDS[..], &[BEHIND_PROXY]].concat();
    let mut nodes = Vec::new();
    for (number, url) in urls.iter().enumerate() {
        let folder = cx.folder(&format!("lag-{number}"))?;
        let setup = Setup {
            shared: Some((url, &key)),
            public_url: Some("http://localhost:8080"),
            more: &more,
            ..Setup::alone(&binary, &folder, application.address)
        };
        nodes.push(Server::start(&setup)?);
    }
    let people: Vec<_> = (0..plan.lanes).map(|lane| Person::new(format!("lane-{lane}@example.com"))).collect();
    for person in &people {
        person.sign_up(&mut Client::connect(nodes[0].public)?)?;
    }
    let doors: Vec<_> = nodes.iter().map(|node| node.public).collect();
    let crowd = Crowd::gather(&nodes, CROWD)?;
    let (lags, refreshes) = crowd.during(&doors, || {
        std::thread::scope(|scope| {
            let start = |person| scope.spawn(|| lane(scope, &doors, person, plan));
            let lanes: Vec<_> = people.into_iter().map(start).collect();
            let mut lags = Vec::new();
            for lane in lanes {
                lags.extend(lane.join().map_err(|_| anyhow!("a lane panicked"))??);
            }
            anyhow::Ok(lags)
        })
    })?;
    Ok(Found { lags, refreshes })
}

/// Revokes one session after the other; answers the lag of each other node for each.
fn lane<'scope>(
    scope: &'scope Scope<'scope, '_>,
    doors: &[SocketAddr],
    mut person: Person,
    plan: &Plan,
) -> Result<Vec<f64>> {
    let mut clients = doors.iter().map(|door| Client::connect(*door)).collect::<Result<Vec<_>>>()?;
    let watchers = doors.iter().map(|door| Watcher::start(scope, *door)).collect::<Result<Vec<_>>>()?;
    let mut lags = Vec::new();
    for turn in 0..plan.each {
        let here = if plan.in_turn { turn % doors.len() } else { 0 };
        let cookie = person.log_in(&mut clients[here])?.header("/x").context("log-in set no cookie")?;
        let (known, is_known) = mpsc::channel();
        let (refused, is_refused) = mpsc::channel();
        for (_, watcher) in watchers.iter().enumerate().filter(|(number, _)| *number != here) {
            watcher.watch(Job {
                request: signed_in_request(&cookie),
                known: known.clone(),
                refused: refused.clone(),
            })?;
        }
        drop((known, refused));
        // A channel that ends says that a watcher gave up.
        for _ in 1..doors.len() {
            is_known.recv_timeout(PATIENCE).context("a node does not know a session of another")??;
        }
        let answer = clients[here].send(&of_script("POST", "/auth/logout", &cookie))?;
        let answered = Instant::now();
        ensure!(answer.status == 204, "a log-out was answered {}", told(&answer));
        for _ in 1..doors.len() {
            let at: Instant = is_refused.recv_timeout(PATIENCE).context("a node does not refuse")??;
            lags.push(at.saturating_duration_since(answered).as_secs_f64() * 1000.0);
        }
    }
    Ok(lags)
}

/// Far beyond what was promised: then something is broken.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
