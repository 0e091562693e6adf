//! Whether the time of an answer tells if there is an account: log-in, sign-up, forgotten password, mail once more.
//!
//! Each comparison has a control that must fail: the same with 200 µs added for accounts that exist. Where the instrument does
//! not see those, it would not have seen a leak either, and the result is void. Deliberately absent: what other limits and
//! pages tell; stories do that.

mod population;
mod sampling;

use super::Part;
use crate::context::Context;
use crate::figure::{Figure, Goal};
use crate::person::BEHIND_PROXY;
use crate::postgres::Postgres;
use crate::process::free;
use crate::server::{Server, Setup, database, master_key};
use crate::statistics::{Comparison, Dice};
use crate::tools::Tool;
use anyhow::{Result, ensure};
use cloakroom_jose::random;
use cloakroom_store::{Postgres as StoreOnPostgres, Sqlite, Store};
use cloakroom_testbed::MailServer;
use population::{Kind, Population};
use sampling::{ADDED, Route, Samples};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

pub(super) const SQLITE: Part = Part {
    name: "timing",
    title: "Whether the time of an answer tells who has an account, SQLite",
    how: HOW,
    tools: &[Tool::Exim],
    builds: true,
    is_long: false,
    run: on_sqlite,
};

pub(super) const POSTGRES: Part = Part {
    name: "timing-postgres",
    title: "Whether the time of an answer tells who has an account, Postgres",
    how: HOW,
    tools: &[Tool::Exim, Tool::Postgres],
    builds: true,
    is_long: false,
    run: on_postgres,
};

const HOW: &str = "`cloakroom serve` (release, defaults) that sends its mails to Exim on this machine, by TLS. One client, one request at a \
    time over one kept connection, from its first byte to the last one of the answer. For each route, requests for addresses \
    without an account and with one are mixed in random order, each address once and each from a network of its own, so that no \
    limit of guesses is met; all addresses have one length. \"Confirmed\": the account is old, and nothing was mailed to it lately. \
    \"Unconfirmed\": it signed up some minutes ago. The measure is the smaller p of two tests that both kinds come from one \
    distribution (Mann-Whitney U, Kolmogorov-Smirnov); below 0.001 it counts as DIFFERENT. The control is the same with 200 µs that \
    the client adds for confirmed accounts, and other addresses without one: it has to be DIFFERENT, or the route's result is INVALID. \
    A thousand of each kind are taken at a time, up to four thousand as long as the control is not told apart. The differences of medians \
    have 95 % intervals (bootstrap). \"The request after it\" compares the answers to the next request, sent at once: a letter that is \
    really sent costs more than the decoy that is written in its place, here with the mail server on the same processors.";

/// What is mistaken for a difference is one test of a thousand; there are twelve.
const ALPHA: f64 = 0.001;

fn on_sqlite(cx: &Context) -> Result<Vec<Figure>> {
    let folder = cx.folder("timing")?;
    let file = database(&folder);
    // Where the server looks for it: it makes none for a database that is there.
    master_key(&file.with_extension("db.master-key"))?;
    let runtime = runtime()?;
    let store = Sqlite::open(&file)?;
    let binary = cx.server_binary();
    measure(cx, &runtime, &store, &Setup::alone(&binary, &folder, free()?))
}

fn on_postgres(cx: &Context) -> Result<Vec<Figure>> {
    let postgres = Postgres::start(cx, "timing-postgres")?;
    let url = postgres.database("timing")?;
    let key = cx.folder("timing-key")?.join("master-key");
    master_key(&key)?;
    let folder = cx.folder("timing-node")?;
    let runtime = runtime()?;
    let store = runtime.block_on(StoreOnPostgres::open(&url, 2))?;
    let binary = cx.server_binary();
    let setup = Setup { shared: Some((&url, &key)), ..Setup::alone(&binary, &folder, free()?) };
    measure(cx, &runtime, &store, &setup)
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?)
}

fn measure(cx: &Context, runtime: &Runtime, store: &dyn Store, setup: &Setup<'_>) -> Result<Vec<Figure>> {
    let (batches, each) = cx.pick((1, 60), (4, 1000));
    let seed = u64::from_le_bytes(random()?);
    println!("   the order of requests is that of seed {seed:#018x}");
    let mut population = Population::new(Dice::new(seed));
    let plan = sampling::plan(&mut population, batches, each);
    runtime.block_on(population.settle(store))?;
    runtime.block_on(store.close());

    let mail = runtime.block_on(MailServer::start());
    let password = setup.folder.join("mail-password");
    std::fs::write(&password, mail.password())?;
    let lines = [
        format!("smtp = \"smtps://{}@{}:{}\"", mail.user(), mail.host(), mail.tls_port()),
        format!("password_file = \"{}\"", password.display()),
        format!("ca_file = \"{}\"", mail.ca_file().display()),
    ];
    let mut more = vec![BEHIND_PROXY, ("mail", "from = \"Bench <no-reply@example.com>\"")];
    more.extend(lines.iter().map(|line| ("mail", line.as_str())));
    let server = Server::start(&Setup { more: &more, ..*setup })?;

    let mut figures = Vec::new();
    for (route, batches) in plan {
        let mut samples = Samples::default();
        for people in &batches {
            let before = mails(&mail)?;
            let newcomers = population::sign_up(server.public, people)?;
            wait_for_quiet(&mail, before + newcomers)?;
            samples.take(server.public, route, people)?;
            if samples.control().p() < ALPHA {
                break;
            }
        }
        figures.extend(judge(route, &samples));
    }
    Ok(figures)
}

fn mails(mail: &MailServer) -> Result<usize> {
    Ok(std::fs::read_dir(mail.folder().join("mail/new"))?.count())
}

/// Until so many mails have arrived and none has for a second: what was mailed before is not to be measured.
fn wait_for_quiet(mail: &MailServer, count: usize) -> Result<()> {
    let (mut last, until) = (None, Instant::now() + Duration::from_mins(5));
    loop {
        let there = mails(mail)?;
        if there >= count && last == Some(there) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{there} mails have arrived, {count} were sent");
        last = Some(there);
        #[expect(clippy::disallowed_methods, reason = "what is waited for is a second in which nothing happens")]
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn judge(route: &Route, samples: &Samples) -> Vec<Figure> {
    let strangers = samples.of(Kind::Nobody);
    let control = samples.control();
    let is_valid = control.p() < ALPHA;
    let mut figures = Vec::new();
    for known in route.known {
        let name = format!("{}, {} account or none", route.name, known.name());
        let found = Comparison::of(&samples.of(*known), &strangers);
        let verdict = match (is_valid, found.p() < ALPHA) {
            (false, _) => "INVALID: the control was not told apart",
            (true, true) => "DIFFERENT",
            (true, false) => "no difference seen",
        };
        let said = told(verdict, &found, strangers.len());
        println!("   {name}: {said}");
        let p = Figure::absolute(&name, "(p)", &[found.p()]).goal(Goal::AtLeast(ALPHA)).note(said);
        figures.push(Figure { reached: p.reached.map(|reached| reached && is_valid), rounds: strangers.len(), ..p });
        figures.push(difference(&name, &found, strangers.len()));
    }
    let name = format!("{}, control: {} µs added for confirmed accounts", route.name, ADDED.as_micros());
    let said = told(if is_valid { "DIFFERENT, as it has to be" } else { "not seen" }, &control, strangers.len());
    println!("   {name}: {said}");
    let p = Figure::absolute(&name, "(p)", &[control.p()]).goal(Goal::Below(ALPHA)).note(said);
    figures.push(Figure { rounds: strangers.len(), ..p });
    figures.push(difference(&name, &control, strangers.len()));
    if let Some(sends_for) = route.sends_for {
        let (after, otherwise) = (samples.after(sends_for), samples.after(Kind::Nobody));
        let found = Comparison::of(&after, &otherwise);
        let verdict = if found.p() < ALPHA { "DIFFERENT" } else { "no difference seen" };
        let name = format!("{}, the request after it, {} account or none", route.name, sends_for.name());
        let said = told(verdict, &found, after.len());
        println!("   {name}: {said}");
        figures.push(difference(&name, &found, after.len()).note(format!("for information: {said}")));
    }
    figures
}

fn told(verdict: &str, found: &Comparison, each: usize) -> String {
    let Comparison { mann_whitney, kolmogorov_smirnov, auc, guessed_right, medians: [known, unknown], .. } = found;
    format!(
        "{verdict} (Mann-Whitney p={}, Kolmogorov-Smirnov p={}, AUC={auc:.3}, a guesser by the best threshold is right {:.1} % \
         of the time; medians {known:.0} and {unknown:.0} µs; about {each} each)",
        probability(*mann_whitney),
        probability(*kolmogorov_smirnov),
        guessed_right * 100.0,
    )
}

fn probability(p: f64) -> String {
    if p < 0.001 { format!("{p:.0e}") } else { format!("{p:.3}") }
}

fn difference(name: &str, found: &Comparison, rounds: usize) -> Figure {
    let figure = Figure::absolute(&format!("{name}: difference of the medians"), "µs", &[]);
    Figure { measured: found.difference, rounds, ..figure }
}
