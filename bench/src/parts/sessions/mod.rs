//! The sessions of one account, listed and ended, in a store that holds very many of others.

mod fill;

use super::Part;
use crate::context::Context;
use crate::figure::{Figure, Goal};
use crate::http::{Answer, Client};
use crate::jar::Jar;
use crate::person::Person;
use crate::postgres::Postgres;
use crate::process::free;
use crate::server::{CHEAP_PASSWORDS, Server, Setup, database, master_key, of_script, told};
use crate::tools::Tool;
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};
use std::time::Instant;

pub(super) const PART: Part = Part {
    name: "sessions",
    title: "Listing and ending sessions with a million stored",
    how: "`cloakroom serve` on a store with so many live sessions of other accounts, ten of each, put there by the database \
          itself: rows like one that the server wrote, but for their ids. Then, over HTTP, the page's own calls for an account with \
          ten sessions: `GET /auth/sessions`, and `DELETE` of one that was just opened (durable, with its revocation). Two servers \
          take turns, one with a million, one with a thousand. Where an index were missing, the ratio would be in the hundreds. \
          The goals of the ratios are this program's own.",
    tools: &[Tool::Postgres],
    builds: true,
    is_long: false,
    run,
};

const FEW: u32 = 1000;
const MANY: u32 = 1_000_000;

/// Live sessions of the account that is measured.
const OWN: usize = 10;

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let many = cx.pick(100_000, MANY);
    let key = cx.folder("sessions-key")?.join("master-key");
    master_key(&key)?;
    let mut figures = Vec::new();

    let folders = [cx.folder("sessions-few")?, cx.folder("sessions-many")?];
    for (folder, count) in folders.iter().zip([FEW, many]) {
        let file = database(folder);
        fill::sqlite(&file, count)?;
        // Where the server looks for it: it makes none for a database that is there.
        master_key(&file.with_extension("db.master-key"))?;
    }
    figures.extend(measure(cx, "SQLite", &folders, None, many)?);

    let postgres = Postgres::start(cx, "sessions-postgres")?;
    let urls = [postgres.database("few")?, postgres.database("many")?];
    for (url, count) in urls.iter().zip([FEW, many]) {
        fill::postgres(url, count)?;
    }
    let folders = [cx.folder("sessions-postgres-few")?, cx.folder("sessions-postgres-many")?];
    figures.extend(measure(cx, "Postgres", &folders, Some((&urls, &key)), many)?);
    Ok(figures)
}

/// What one server took, round by round.
#[derive(Default)]
struct Taken {
    /// Milliseconds.
    list: Vec<f64>,
    /// Milliseconds.
    end: Vec<f64>,
    /// MiB after its start, and at the end.
    memory: [f64; 2],
}

/// The database of each server, and the key of both.
type Shared<'a> = (&'a [String; 2], &'a Path);

fn measure(
    cx: &Context,
    backend: &str,
    folders: &[PathBuf; 2],
    shared: Option<Shared<'_>>,
    many: u32,
) -> Result<Vec<Figure>> {
    const MIB: f64 = 1024.0 * 1024.0;
    let binary = cx.server_binary();
    let mut servers = Vec::new();
    for (which, folder) in folders.iter().enumerate() {
        let setup = Setup {
            shared: shared.map(|(urls, key)| (urls[which].as_str(), key)),
            more: &CHEAP_PASSWORDS,
            // Nothing listens there, and nothing is asked of it.
            ..Setup::alone(&binary, folder, free()?)
        };
        let server = Server::start(&setup)?;
        let start = server.resident().all / MIB;
        let owner = Owner::enter(&server)?;
        servers.push((server, owner, Taken { memory: [start, 0.0], ..Taken::default() }));
    }
    for round in 0..cx.pick(10, 60) {
        for turn in 0..servers.len() {
            // Everybody goes first now and then.
            let (_, owner, taken) = &mut servers[(turn + round) % 2];
            for _ in 0..3 {
                taken.list.push(owner.list()?);
            }
            taken.end.push(owner.end_another()?);
        }
    }
    for (server, _, taken) in &mut servers {
        taken.memory[1] = server.resident().all / MIB;
    }
    let [(_, _, few), (_, _, full)] = servers.as_slice() else { anyhow::bail!("not two servers") };
    let name = |what: &str| format!("{backend}: {what}, {many} stored against {FEW}");
    let growth = format!("after its start {:.1} : {:.1} MiB", full.memory[0], few.memory[0]);
    Ok(vec![
        Figure::ratio(&name("list the sessions of an account"), "ms", &full.list, &few.list).goal(Goal::AtMost(1.5)),
        Figure::ratio(&name("end one session"), "ms", &full.end, &few.end).goal(Goal::AtMost(1.5)),
        Figure::ratio(&name("memory of the server at the end"), "MiB", &full.memory[1..], &few.memory[1..])
            .goal(Goal::AtMost(1.5))
            .note(growth),
    ])
}

/// Somebody with several sessions.
struct Owner {
    person: Person,
    client: Client,
    jar: Jar,
    here: String,
}

const EMAIL: &str = "owner@example.com";

impl Owner {
    fn enter(server: &Server) -> Result<Self> {
        let mut client = Client::connect(server.public)?;
        let mut person = Person::new(EMAIL);
        person.sign_up(&mut client)?;
        for _ in 1..OWN {
            person.log_in(&mut client)?;
        }
        let jar = person.log_in(&mut client)?;
        let mut owner = Self { person, client, jar, here: String::new() };
        let sessions = owner.sessions()?;
        ensure!(sessions.len() == OWN, "{} sessions are listed", sessions.len());
        owner.here = current(&sessions)?;
        // Caches settle first.
        owner.end_another()?;
        Ok(owner)
    }

    /// Milliseconds of one list.
    fn list(&mut self) -> Result<f64> {
        let started = Instant::now();
        let answer = self.ask("GET", "/auth/sessions")?;
        let taken = started.elapsed().as_secs_f64() * 1000.0;
        ensure!(answer.status == 200, "a list was answered {}", told(&answer));
        Ok(taken)
    }

    /// Logs in once more and ends that session from here; milliseconds of the end.
    fn end_another(&mut self) -> Result<f64> {
        let before = self.ids()?;
        self.person.log_in(&mut self.client)?;
        let opened = self.ids()?.into_iter().find(|id| !before.contains(id)).context("no session was opened")?;
        ensure!(opened != self.here, "this session is not another");
        let started = Instant::now();
        let answer = self.ask("DELETE", &format!("/auth/sessions/{opened}"))?;
        let taken = started.elapsed().as_secs_f64() * 1000.0;
        ensure!(answer.status == 204, "an end was answered {}", told(&answer));
        Ok(taken)
    }

    fn ids(&mut self) -> Result<Vec<String>> {
        Ok(self.sessions()?.iter().filter_map(|session| session["id"].as_str().map(str::to_owned)).collect())
    }

    fn sessions(&mut self) -> Result<Vec<serde_json::Value>> {
        let answer = self.ask("GET", "/auth/sessions")?;
        let mut document: serde_json::Value = serde_json::from_slice(&answer.body)?;
        let sessions = document["sessions"].take();
        serde_json::from_value(sessions).with_context(|| format!("a list was answered {}", told(&answer)))
    }

    fn ask(&mut self, method: &str, path: &str) -> Result<Answer> {
        let cookie = self.jar.header(path).context("no cookie")?;
        self.client.send(&of_script(method, path, &cookie))
    }
}

fn current(sessions: &[serde_json::Value]) -> Result<String> {
    let here = sessions.iter().find(|session| session["current"] == true);
    here.and_then(|session| session["id"].as_str()).map(str::to_owned).context("none of the sessions is this one")
}
