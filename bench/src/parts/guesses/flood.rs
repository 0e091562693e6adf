//! The flood, and the owner of the account who logs in through it.

use crate::http::{Client, post};
use crate::person::Person;
use crate::server::{SAME_ORIGIN, told};
use anyhow::{Result, anyhow, bail, ensure};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Clients that guess at once.
const CLIENTS: usize = 8;

/// Between two log-ins of the owner.
const PAUSE: Duration = Duration::from_millis(500);

/// What came of it.
pub(super) struct Flood {
    /// Guesses that were compared with the password.
    pub(super) compared: u32,
    /// Guesses that were refused before.
    refused: u32,
    pub(super) length: Duration,
    /// Milliseconds of each log-in of the owner.
    pub(super) owner: Vec<f64>,
    /// Log-ins of the owner that did not succeed.
    pub(super) owner_refused: u32,
}

impl Flood {
    pub(super) fn refused_per_second(&self) -> f64 {
        f64::from(self.refused) / self.length.as_secs_f64()
    }
}

/// Does something while there is a flood of guesses at the account of this person, who logs in all the while.
pub(super) fn during<T>(
    doors: &[SocketAddr],
    mut owner: Person,
    networks: &[String],
    measure: impl FnOnce() -> Result<T>,
) -> Result<(T, Flood)> {
    let (over, compared, refused) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    let body = json!({ "email": owner.email(), "password": "velvet harbor lantern quiet" }).to_string();
    let guess = |number: usize| {
        let mut client = Client::connect(doors[number % doors.len()])?;
        for turn in (number..).step_by(CLIENTS) {
            if over.load(Ordering::Relaxed) {
                break;
            }
            let [site, mode] = SAME_ORIGIN;
            let from = ("x-forwarded-for", networks[turn % networks.len()].as_str());
            let answer = client.send(&post("/auth/login", &[site, mode, from], &body))?;
            match answer.status {
                401 => compared.fetch_add(1, Ordering::Relaxed),
                429 if answer.header("retry-after").is_some() => refused.fetch_add(1, Ordering::Relaxed),
                _ => bail!("a guess was answered {}", told(&answer)),
            };
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let started = Instant::now();
        let guess = &guess;
        let running: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || guess(number))).collect();
        let over_now = &over;
        let owning = scope.spawn(move || log_in_again(doors, &mut owner, over_now));
        let measured = measure();
        over.store(true, Ordering::Relaxed);
        for client in running {
            client.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        let length = started.elapsed();
        let (owner, owner_refused) = owning.join().map_err(|_| anyhow!("the owner panicked"))??;
        ensure!(!owner.is_empty() || owner_refused > 0, "the owner did not try");
        let (compared, refused) = (compared.load(Ordering::Relaxed), refused.load(Ordering::Relaxed));
        Ok((measured?, Flood { compared, refused, length, owner, owner_refused }))
    })
}

/// Milliseconds of each log-in that succeeded, and how many did not.
fn log_in_again(doors: &[SocketAddr], owner: &mut Person, over: &AtomicBool) -> Result<(Vec<f64>, u32)> {
    let mut clients = doors.iter().map(|door| Client::connect(*door)).collect::<Result<Vec<_>>>()?;
    let (mut taken, mut refused) = (Vec::new(), 0);
    for turn in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let asked = Instant::now();
        let client = turn % clients.len();
        match owner.log_in(&mut clients[client]) {
            Ok(_) => taken.push(asked.elapsed().as_secs_f64() * 1000.0),
            Err(error) => {
                eprintln!("the owner was turned away: {error:#}");
                refused += 1;
            }
        }
        #[expect(clippy::disallowed_methods, reason = "a pace: somebody who logs in now and then")]
        std::thread::sleep(PAUSE);
    }
    Ok((taken, refused))
}
