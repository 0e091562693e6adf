//! Memory of a server that has nothing to do, and the size of its binary.

use super::Part;
use crate::context::Context;
use crate::figure::{Figure, Goal};
use crate::http::Client;
use crate::nginx;
use crate::server::{Server, Setup, signed_in_request};
use crate::tools::Tool;
use anyhow::{Result, ensure};
use std::time::Duration;

pub(super) const PART: Part = Part {
    name: "rest",
    title: "Memory at rest and size of the binary",
    how: "VmRSS of `cloakroom serve` as Linux counts it, pages of the binary included: after its start, after its first answer \
          to a signed-in request, and seven seconds after the log-in before that, when the password pool has given its memory back.",
    tools: &[Tool::Nginx],
    builds: true,
    is_long: false,
    run,
};

fn run(cx: &Context) -> Result<Vec<Figure>> {
    let application = nginx::application(&cx.folder("rest-application")?)?;
    let mut started = Vec::new();
    let mut busy = Vec::new();
    let mut rested = Vec::new();
    for _ in 0..cx.pick(1, 3) {
        let folder = cx.folder("rest")?;
        let binary = cx.server_binary();
        let setup = Setup::alone(&binary, &folder, application.address);
        let server = Server::start(&setup)?;
        started.push(server.resident());
        let request = signed_in_request(&server.sign_in("bench@example.com")?);
        let answer = Client::connect(server.public)?.send(&request)?;
        ensure!(answer.status == 200, "a signed-in request was answered {}", answer.status);
        busy.push(server.resident());
        #[expect(clippy::disallowed_methods, reason = "what is measured is what is left after a rest")]
        std::thread::sleep(Duration::from_secs(7));
        rested.push(server.resident());
    }
    let of = |all: &[crate::resident::Resident]| all.iter().map(|one| one.all / MIB).collect::<Vec<_>>();
    let private = |all: &[crate::resident::Resident]| {
        let private = all.iter().map(|one| one.private / MIB).collect::<Vec<_>>();
        format!("{:.1} MiB of it are not pages of files", crate::figure::quantile(&private, 0.5))
    };
    #[expect(clippy::cast_precision_loss, reason = "a file is far below 2^52 bytes")]
    let size = std::fs::metadata(cx.server_binary())?.len() as f64 / MIB;
    Ok(vec![
        Figure::absolute("after its start", "MiB", &of(&started)).goal(Goal::AtMost(20.0)).note(private(&started)),
        Figure::absolute("after a log-in and a request, at rest", "MiB", &of(&rested))
            .goal(Goal::AtMost(20.0))
            .note(private(&rested)),
        Figure::absolute("right after a log-in and a request", "MiB", &of(&busy))
            .note(format!("for information: {}; a hash of the default parameters needs 19 MiB", private(&busy))),
        Figure::absolute("the binary", "MiB", &[size]).goal(Goal::Below(30.0)),
    ])
}

const MIB: f64 = 1024.0 * 1024.0;
