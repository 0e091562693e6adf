//! From the start of the process to its first good answer.

use super::Part;
use crate::context::Context;
use crate::figure::{Figure, Goal};
use crate::process::free;
use crate::server::{Server, Setup};
use anyhow::Result;

pub(super) const PART: Part = Part {
    name: "start",
    title: "Start to first answer",
    how: "From starting `cloakroom serve` to the first 200 of `/readyz`, asked every half millisecond: with a database that is \
          there, and with nothing there (the database, its schema, the master key and all keys are made).",
    tools: &[],
    builds: true,
    is_long: false,
    run,
};

fn run(cx: &Context) -> Result<Vec<Figure>> {
    // Nothing listens there, and nothing is asked of it.
    let upstream = free()?;
    let start = |folder: &std::path::Path| {
        let binary = cx.server_binary();
        let setup = Setup::alone(&binary, folder, upstream);
        Server::start(&setup).map(|server| server.ready_after.as_secs_f64() * 1000.0)
    };
    let existing = cx.folder("start-existing")?;
    start(&existing)?;
    let rounds = cx.pick(5, 25);
    let again = (0..rounds).map(|_| start(&existing)).collect::<Result<Vec<_>>>()?;
    let fresh = (0..rounds).map(|_| start(&cx.folder("start-fresh")?)).collect::<Result<Vec<_>>>()?;
    Ok(vec![
        Figure::absolute("with a database that is there", "ms", &again).goal(Goal::Below(100.0)),
        Figure::absolute("with nothing there", "ms", &fresh).goal(Goal::Below(100.0)),
    ])
}
