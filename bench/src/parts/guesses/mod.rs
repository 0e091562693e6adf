//! A flood of guesses at one account from a thousand networks: how many are compared, how many are refused, and what the owner
//! and everybody else notice.
//!
//! How the delays grow over hours is a story on a moved clock; here is what a real flood does in real time.

mod flood;

use super::Part;
use crate::context::Context;
use crate::figure::{Figure, Goal, quantile};
use crate::http::Client;
use crate::person::{BEHIND_PROXY, Person};
use crate::postgres::Postgres;
use crate::process::free;
use crate::rounds::in_turns;
use crate::server::{Server, Setup, master_key};
use crate::tools::Tool;
use anyhow::Result;
use cloakroom_app::Limits;
use cloakroom_core::limit::Limit;
use flood::Flood;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub(super) const PART: Part = Part {
    name: "guesses",
    title: "A thousand networks guess at one account",
    how: "8 clients send wrong passwords for one account to `cloakroom serve` (defaults), each as soon as it has its answer, from 1,000 \
          networks in turn. Counted are guesses that were compared (401) and those that were refused unread (429, with \
          `Retry-After`). Meanwhile the owner logs in from a known device as well, half a second after the last time, and one \
          client logs other people in from their devices, one after the other; the same client does so without a flood, in \
          rounds that take turns. Each round has an account of its own to guess at. On one node with SQLite, and on three with one \
          Postgres, of which every client takes the next one in turn. Nodes, database, flood and measurement share the processors.",
    tools: &[Tool::Postgres],
    builds: true,
    is_long: false,
    run,
};

/// People who log in besides.
const OTHERS: usize = 8;

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let binary = cx.server_binary();
    let mut figures = {
        let folder = cx.folder("guesses")?;
        let server = Server::start(&Setup { more: &[BEHIND_PROXY], ..Setup::alone(&binary, &folder, free()?) })?;
        measure(cx, "one node, SQLite", &[server])?
    };
    let postgres = Postgres::start(cx, "guesses-postgres")?;
    let url = postgres.database("guesses")?;
    let key = cx.folder("guesses-key")?.join("master-key");
    master_key(&key)?;
    let mut nodes = Vec::new();
    for number in 0..3 {
        let folder = cx.folder(&format!("guesses-{number}"))?;
        nodes.push(Server::start(&Setup {
            shared: Some((&url, &key)),
            public_url: Some("http://localhost:8080"),
            more: &[BEHIND_PROXY],
            ..Setup::alone(&binary, &folder, free()?)
        })?);
    }
    figures.extend(measure(cx, "three nodes, Postgres", &nodes)?);
    Ok(figures)
}

fn measure(cx: &Context, which: &str, nodes: &[Server]) -> Result<Vec<Figure>> {
    let doors: Vec<_> = nodes.iter().map(|node| node.public).collect();
    let networks: Vec<_> = (0..1000).map(|_| crate::person::new_address()).collect();
    let mut others = (0..OTHERS).map(|number| newcomer(&doors, format!("other-{number}@example.com")));
    let others = others.by_ref().collect::<Result<Vec<_>>>()?;
    let others = std::cell::RefCell::new(others);
    let time = Duration::from_secs(cx.pick(3, 10));
    let mut victims = 0;
    let attacked = || {
        victims += 1;
        let owner = newcomer(&doors, format!("owner-{victims}@example.com"))?;
        flood::during(&doors, owner, &networks, || log_ins(&doors, &mut others.borrow_mut(), time))
    };
    let (attacked, quiet) = in_turns(cx.pick(2, 6), attacked, || log_ins(&doors, &mut others.borrow_mut(), time))?;

    let name = |what: &str| format!("{which}: {what}");
    let of = |what: &dyn Fn(&Flood) -> f64| attacked.iter().map(|(_, flood)| what(flood)).collect::<Vec<_>>();
    let times = |share: f64| {
        let during: Vec<_> = attacked.iter().map(|(taken, _)| quantile(taken, share)).collect();
        let without: Vec<_> = quiet.iter().map(|taken| quantile(taken, share)).collect();
        (during, without)
    };
    let limit = Limits::default().account;
    let shares = of(&|flood| f64::from(flood.compared) / f64::from(let_through(limit, flood.length)));
    let compared: u32 = attacked.iter().map(|(_, flood)| flood.compared).sum();
    let length: f64 = attacked.iter().map(|(_, flood)| flood.length.as_secs_f64()).sum();
    let hour = let_through(limit, Duration::from_hours(1));
    let owners: Vec<_> = attacked.iter().flat_map(|(_, flood)| flood.owner.iter().copied()).collect();
    let turned_away: u32 = attacked.iter().map(|(_, flood)| flood.owner_refused).sum();
    let (during, without) = times(0.99);
    let p99 = Figure::ratio(&name("log-ins of others during the flood, p99"), "ms", &during, &without);
    let many =
        format!("{} log-ins during it, {} without", count(attacked.iter().map(|(taken, _)| taken)), count(&quiet));
    let (during, without) = times(0.5);
    Ok(vec![
        Figure::absolute(&name("guesses refused unread"), "/s", &of(&Flood::refused_per_second)),
        Figure::absolute(&name("guesses compared, of those that the limit allows in that time"), "x", &shares)
            .goal(Goal::AtMost(1.0))
            .note(format!(
                "{compared} compared in {length:.0} s, in {} rounds that each begin anew; of one account {hour} in its first hour \
                 (reckoned from the limit)",
                attacked.len()
            )),
        Figure::absolute(&name("log-ins of the owner that failed"), "", &[f64::from(turned_away)])
            .goal(Goal::AtMost(0.0))
            .note(format!(
                "of {}; they took {:.0} ms (median), {:.0} ms at most",
                owners.len(),
                quantile(&owners, 0.5),
                quantile(&owners, 1.0)
            )),
        p99.note(format!("for information: {many}")),
        Figure::ratio(&name("log-ins of others during the flood, median"), "ms", &during, &without)
            .note("for information"),
    ])
}

fn count<'a>(rounds: impl IntoIterator<Item = &'a Vec<f64>>) -> usize {
    rounds.into_iter().map(Vec::len).sum()
}

/// Signs up and logs in once: the account knows the device from then on.
fn newcomer(doors: &[SocketAddr], email: String) -> Result<Person> {
    let mut client = Client::connect(doors[0])?;
    let mut person = Person::new(email);
    person.sign_up(&mut client)?;
    person.log_in(&mut client)?;
    Ok(person)
}

/// Milliseconds of each log-in, one after the other.
fn log_ins(doors: &[SocketAddr], people: &mut [Person], time: Duration) -> Result<Vec<f64>> {
    let mut clients = doors.iter().map(|door| Client::connect(*door)).collect::<Result<Vec<_>>>()?;
    let (mut taken, started) = (Vec::new(), Instant::now());
    for turn in 0.. {
        if started.elapsed() >= time {
            break;
        }
        let (client, person) = (turn % clients.len(), turn % people.len());
        let asked = Instant::now();
        people[person].log_in(&mut clients[client])?;
        taken.push(asked.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(taken)
}

/// The most guesses at one account in such a time from its first one on.
fn let_through(limit: Limit, time: Duration) -> u32 {
    let most = limit.at_most.unwrap_or(u32::MAX);
    let mut waited = Duration::ZERO;
    for failures in 1..most {
        waited += Duration::from_millis(limit.delay_after(failures).millis());
        if waited > time {
            return failures;
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_limit_allows_is_reckoned_from_its_delays() {
        let limit = Limits::default().account;
        let in_seconds = |seconds| let_through(limit, Duration::from_secs(seconds));
        // Five at once, then after 1, 2, 4, 8, … seconds more.
        assert_eq!([0, 1, 2, 3, 6, 7, 15].map(in_seconds), [5, 6, 6, 7, 7, 8, 9]);
        assert_eq!(in_seconds(365 * 86_400), 100);
    }
}
