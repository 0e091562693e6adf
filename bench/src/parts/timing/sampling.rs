//! What is asked in which order, and how long each answer took.

use super::population::{Kind, Population, Someone};
use crate::http::Client;
use crate::server::{PASSWORD, told};
use crate::statistics::Comparison;
use anyhow::{Result, ensure};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What a leak of the control takes.
pub(super) const ADDED: Duration = Duration::from_micros(200);

/// Requests before the first that counts: connections, caches and prepared statements settle.
const WARM_UP: usize = 40;

/// A route that must not tell.
pub(super) struct Route {
    pub(super) name: &'static str,
    path: &'static str,
    password: Option<&'static str>,
    status: u16,
    /// What is compared with nobody.
    pub(super) known: &'static [Kind],
    /// For whom a letter is really sent, where a decoy is written for nobody.
    pub(super) sends_for: Option<Kind>,
}

static ROUTES: [Route; 4] = [
    Route {
        name: "log-in, wrong password",
        path: "/auth/login",
        password: Some("velvet harbor lantern quiet"),
        status: 401,
        known: &[Kind::Confirmed],
        sends_for: None,
    },
    Route {
        name: "sign-up",
        path: "/auth/signup",
        password: Some(PASSWORD),
        status: 202,
        known: &[Kind::Confirmed, Kind::Unconfirmed],
        // A mail goes to everybody who signs up.
        sends_for: None,
    },
    Route {
        name: "forgotten password",
        path: "/auth/password/forgot",
        password: None,
        status: 202,
        known: &[Kind::Confirmed],
        sends_for: Some(Kind::Confirmed),
    },
    Route {
        name: "confirmation once more",
        path: "/auth/email/resend",
        password: None,
        status: 202,
        known: &[Kind::Confirmed, Kind::Unconfirmed],
        sends_for: Some(Kind::Unconfirmed),
    },
];

/// Who is asked for on which route, in which order: batches with so many of each kind.
pub(super) fn plan(
    population: &mut Population,
    batches: usize,
    each: usize,
) -> Vec<(&'static Route, Vec<Vec<Someone>>)> {
    let mut batch = |route: &Route| {
        let always = [Kind::Nobody, Kind::Leaking, Kind::Control];
        let kinds: Vec<_> = always.iter().chain(route.known).copied().collect();
        let mut all: Vec<_> = (0..each).flat_map(|_| kinds.clone()).map(|kind| population.someone(kind)).collect();
        population.dice.shuffle(&mut all);
        let warm_up = (0..WARM_UP).map(|number| population.someone(always[number % always.len()]));
        warm_up.chain(all).collect()
    };
    ROUTES.iter().map(|route| (route, (0..batches).map(|_| batch(route)).collect())).collect()
}

/// Microseconds of each answer, in the order of the requests.
#[derive(Default)]
pub(super) struct Samples(Vec<(Kind, f64)>);

impl Samples {
    /// Takes one more batch.
    pub(super) fn take(&mut self, server: SocketAddr, route: &Route, people: &[Someone]) -> Result<()> {
        let mut client = Client::connect(server)?;
        for (number, someone) in people.iter().enumerate() {
            let request = someone.request(route.path, route.password);
            let started = Instant::now();
            let answer = client.send(&request)?;
            // After the answer: on the server's grid of time, what is added before would not show.
            let answered = Instant::now();
            while someone.kind == Kind::Leaking && answered.elapsed() < ADDED {
                std::hint::spin_loop();
            }
            let time = started.elapsed();
            ensure!(answer.status == route.status, "{}: {}", route.name, told(&answer));
            if number >= WARM_UP {
                self.0.push((someone.kind, time.as_secs_f64() * 1e6));
            }
        }
        Ok(())
    }

    /// What was made longer beside what was not.
    pub(super) fn control(&self) -> Comparison {
        Comparison::of(&self.of(Kind::Leaking), &self.of(Kind::Control))
    }

    pub(super) fn of(&self, kind: Kind) -> Vec<f64> {
        self.0.iter().filter(|(of, _)| *of == kind).map(|(_, time)| *time).collect()
    }

    /// The requests that followed one of this kind, but for those that were made longer.
    pub(super) fn after(&self, kind: Kind) -> Vec<f64> {
        let pairs = self.0.iter().zip(self.0.iter().skip(1));
        let counts = pairs.filter(|((before, _), (of, _))| *before == kind && *of != Kind::Leaking);
        counts.map(|(_, (_, time))| *time).collect()
    }
}
