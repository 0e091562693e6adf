//! Verification while a storm of log-ins is going on, beside the same while nothing is.

use super::house::{Visitor, access_of, is_good};
use super::{Part, house};
use crate::context::Context;
use crate::figure::{Figure, Goal, quantile};
use crate::http::Client;
use crate::nginx;
use crate::person::{BEHIND_PROXY, Person};
use crate::rounds::in_turns;
use crate::server::{Server, Setup, signed_in_request};
use crate::tools::Tool;
use anyhow::{Result, anyhow, ensure};
use cloakroom_store::Sqlite;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

pub(super) const PART: Part = Part {
    name: "storm",
    title: "Verification during a storm of log-ins",
    how: "16 people, each with an account, a device and a network of their own, log in over and over, each as soon as it has its answer, against the default password pool (half of the \
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
    let setup = Setup { more: &[BEHIND_PROXY], ..Setup::alone(&binary, &folder, application.address) };
    let server = Server::start(&setup)?;
    let request = signed_in_request(&server.sign_in("bench@example.com")?);
    let time = Duration::from_millis(cx.pick(1500, 4000));
    let crowd = crowd(server.public)?;
    let log_ins = AtomicU64::new(0);
    probe(server.public, &request, time / 4)?;
    let (storm, idle) = in_turns(
        cx.pick(4, 9),
        || during_storm(server.public, &crowd, &log_ins, || probe(server.public, &request, time)),
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

/// Log-ins of people whose devices are known: none is held up as a guess.
fn crowd(to: SocketAddr) -> Result<Vec<Vec<u8>>> {
    let mut client = Client::connect(to)?;
    let enter = |number| {
        let mut person = Person::new(format!("storm-{number}@example.com"));
        person.sign_up(&mut client)?;
        person.log_in(&mut client)?;
        Ok(person.log_in_request())
    };
    (0..CLIENTS).map(enter).collect()
}

/// Does something while the crowd logs in. Fails when a single log-in was not answered 200.
fn during_storm<T>(
    to: SocketAddr,
    crowd: &[Vec<u8>],
    log_ins: &AtomicU64,
    measure: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let over = AtomicBool::new(false);
    let log_in = |request: &[u8]| {
        let mut client = Client::connect(to)?;
        while !over.load(Ordering::Relaxed) {
            let answer = client.send(request)?;
            ensure!(answer.status == 200, "a log-in of the storm was answered {}", answer.status);
            log_ins.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = crowd.iter().map(|request| scope.spawn(|| log_in(request))).collect();
        let measured = measure();
        over.store(true, Ordering::Relaxed);
        for client in running {
            client.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        measured
    })
}

fn in_process(cx: &Context) -> Result<Figure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let database = Arc::new(Sqlite::open(&cx.folder("storm-in-process")?.join("cloakroom.db"))?);
    let app = runtime.block_on(house::open(database, ""))?;
    let access = access_of(runtime.block_on(house::enter(&app))?.1)?;
    let mut crowd = Vec::new();
    for number in 0..CLIENTS {
        let mut visitor = Visitor::new(format!("storm-{number}@example.com"))?;
        runtime.block_on(visitor.sign_up(&app))?;
        runtime.block_on(visitor.log_in(&app))?;
        crowd.push(Arc::new(Mutex::new(visitor)));
    }
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
        let over = Arc::new(AtomicBool::new(false));
        let log_in = |visitor: &Arc<Mutex<Visitor>>| {
            let (app, visitor, over) = (Arc::clone(&*app), Arc::clone(visitor), Arc::clone(&over));
            runtime.spawn(async move {
                let mut visitor = visitor.lock().await;
                while !over.load(Ordering::Relaxed) {
                    visitor.log_in(&app).await?;
                }
                anyhow::Ok(())
            })
        };
        let storm: Vec<_> = crowd.iter().map(log_in).collect();
        let measured = calls();
        over.store(true, Ordering::Relaxed);
        for task in storm {
            runtime.block_on(task)??;
        }
        measured
    };
    let (storm, idle) = in_turns(cx.pick(4, 9), storm, calls)?;
    Ok(Figure::ratio("`App::authenticate_now`, p99", "ns", &storm, &idle)
        .goal(Goal::AtMost(2.0))
        .note("with the two readings of the clock that measure a call"))
}
