//! The load: people whose pages refresh their sessions, at whichever node the balancer would choose.

use crate::http::Client;
use crate::jar::Jar;
use crate::person::Person;
use crate::server::{Server, of_script, told};
use anyhow::{Context as _, Result, anyhow, ensure};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Between an answer and the next refresh of the same person.
const PAUSE: Duration = Duration::from_millis(50);

/// People who are logged in.
pub(super) struct Crowd(Vec<Jar>);

impl Crowd {
    pub(super) fn gather(nodes: &[Server], size: usize) -> Result<Self> {
        let mut jars = Vec::new();
        for person in 0..size {
            let node = &nodes[person % nodes.len()];
            let mut client = Client::connect(node.public)?;
            let mut person = Person::new(format!("person-{person}@example.com"));
            person.sign_up(&mut client)?;
            jars.push(person.log_in(&mut client)?);
        }
        Ok(Self(jars))
    }

    /// Does something while they refresh; answers how many refreshes there were in a second. Fails when one of them failed.
    pub(super) fn during<T>(self, doors: &[SocketAddr], measure: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
        let (over, refreshes) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let started = Instant::now();
            let running: Vec<_> = (self.0.into_iter().enumerate())
                .map(|(person, jar)| {
                    let (over, refreshes) = (&over, &refreshes);
                    scope.spawn(move || go_on(jar, person, doors, over, refreshes))
                })
                .collect();
            let measured = measure();
            let rate = refreshes.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
            over.store(true, Ordering::Relaxed);
            for person in running {
                person.join().map_err(|_| anyhow!("a client panicked"))??;
            }
            Ok((measured?, rate))
        })
    }
}

fn go_on(mut jar: Jar, person: usize, doors: &[SocketAddr], over: &AtomicBool, refreshes: &AtomicU64) -> Result<()> {
    let mut clients = doors.iter().map(|door| Client::connect(*door)).collect::<Result<Vec<_>>>()?;
    for turn in person.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let cookie = jar.header("/auth/refresh").context("no cookie")?;
        let answer = clients[turn % doors.len()].send(&of_script("POST", "/auth/refresh", &cookie))?;
        ensure!(answer.status == 200, "a refresh was answered {}", told(&answer));
        jar.keep(&answer);
        refreshes.fetch_add(1, Ordering::Relaxed);
        #[expect(clippy::disallowed_methods, reason = "a pace: what is measured is not how many fit into a second")]
        std::thread::sleep(PAUSE);
    }
    Ok(())
}
