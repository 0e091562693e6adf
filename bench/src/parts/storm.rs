//! Verification while a storm of log-ins is going on, beside the same while nothing is.

use super::house::{access_of, is_good};
use super::{Part, house};
use crate::context::Context;
use crate::figure::{Figure, Goal, quantile};
use crate::http::Client;
use crate::nginx;
use crate::rounds::in_turns;
use crate::server::{Server, Setup, log_in_request, signed_in_request};
use crate::tools::Tool;
use anyhow::{Result, ensure};
use cloakroom_store::Sqlite;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub(super) const PART: Part = Part {
    name: "storm",
    title: "Verification during a storm of log-ins",
    how: "16 clients log in over and over, each as soon as it has its answer, against the default password pool (half of the \
          processors). Meanwhile one client measures every signed-in request through the gateway, one after the other, with \
          a pause of 1 ms between two; in process, one thread measures every call of `App::authenticate_now`. The client, the server, \
          the application and the storm share the processors of this machine.",
    tools: &[Tool::Nginx],
    builds: true,
    is_long: false,
    run,
};

const CLIENTS: usize = 16;

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let mut figures = through_the_gateway(cx)?;
    figures.push(in_process(cx)?);
    Ok(figures)
}

fn through_the_gateway(cx: &Context) -> Result<Vec<Figure>> {
    let folder = cx.folder("storm")?;
    let application = nginx::application(&cx.folder("storm-application")?)?;
    let binary = cx.server_binary();
    let setup = Setup::alone(&binary, &folder, application.address);
    let server = Server::start(&setup)?;
    let request = signed_in_request(&server.sign_in("bench@example.com")?);
    let time = Duration::from_millis(cx.pick(1500, 4000));
    let log_ins = AtomicU64::new(0);
    probe(server.public, &request, time / 4)?;
    let (storm, idle) = in_turns(
        cx.pick(4, 9),
        || during_storm(server.public, &log_ins, || probe(server.public, &request, time)),
        || probe(server.public, &request, time),
    )?;
    let of = |rounds: &[Vec<f64>], share: f64| rounds.iter().map(|round| quantile(round, share)).collect::<Vec<_>>();
    let requests: usize = storm.iter().map(Vec::len).sum();
    let rate = log_ins.load(Ordering::Relaxed) as f64 / (time.as_secs_f64() * storm.len() as f64);
    Ok(vec![
        Figure::ratio("gateway request, p99", "µs", &of(&storm, 0.99), &of(&idle, 0.99))
            .goal(Goal::AtMost(2.0))
            .note(format!("{requests} requests during {rate:.0} log-ins per second")),
        Figure::ratio("gateway request, median", "µs", &of(&storm, 0.5), &of(&idle, 0.5)).note("for information"),
    ])
}

/// Microseconds of each signed-in request.
fn probe(to: SocketAddr, request: &[u8], time: Duration) -> Result<Vec<f64>> {
    let mut client = Client::connect(to)?;
    let mut taken = Vec::new();
    let until = Instant::now() + time;
    while Instant::now() < until {
        let started = Instant::now();
        let answer = client.send(request)?;
        taken.push(started.elapsed().as_secs_f64() * 1e6);
        ensure!(answer.status == 200, "a signed-in request was answered {}", answer.status);
        #[expect(clippy::disallowed_methods, reason = "a pace: what is measured is not how many fit into a second")]
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(taken)
}

fn during_storm<T>(to: SocketAddr, log_ins: &AtomicU64, measure: impl FnOnce() -> Result<T>) -> Result<T> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                let request = log_in_request("bench@example.com");
                let mut client = Client::connect(to).ok();
                while !over.load(Ordering::Relaxed) {
                    match client.as_mut().map(|client| client.send(&request)) {
                        Some(Ok(answer)) if answer.status == 200 => drop(log_ins.fetch_add(1, Ordering::Relaxed)),
                        Some(Ok(answer)) => eprintln!("a log-in of the storm was answered {}", answer.status),
                        _ => return,
                    }
                }
            });
        }
        let measured = measure();
        over.store(true, Ordering::Relaxed);
        measured
    })
}

fn in_process(cx: &Context) -> Result<Figure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let database = Arc::new(Sqlite::open(&cx.folder("storm-in-process")?.join("cloakroom.db"))?);
    let app = runtime.block_on(house::open(database, ""))?;
    runtime.block_on(house::sign_up(&app, "bench@example.com"))?;
    let access = access_of(runtime.block_on(house::log_in(&app, "bench@example.com"))?)?;
    let time = Duration::from_millis(cx.pick(300, 1500));
    let calls = || {
        let mut taken = Vec::new();
        let until = Instant::now() + time;
        while Instant::now() < until {
            let started = Instant::now();
            let good = is_good(&app, black_box(&access));
            taken.push(started.elapsed().as_secs_f64() * 1e9);
            ensure!(good, "the token is not good");
        }
        Ok(quantile(&taken, 0.99))
    };
    let storm = || {
        let storm: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let app = Arc::clone(&*app);
                runtime.spawn(async move { while house::log_in(&app, "bench@example.com").await.is_ok() {} })
            })
            .collect();
        let measured = calls();
        storm.iter().for_each(tokio::task::JoinHandle::abort);
        for task in storm {
            drop(runtime.block_on(task));
        }
        measured
    };
    let (storm, idle) = in_turns(cx.pick(4, 9), storm, calls)?;
    Ok(Figure::ratio("`App::authenticate_now`, p99", "ns", &storm, &idle)
        .goal(Goal::AtMost(2.0))
        .note("with the two readings of the clock that measure a call"))
}
