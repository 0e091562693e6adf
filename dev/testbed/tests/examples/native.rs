//! The program without a browser, run as a person runs it: one process for each command.

use crate::deadline::until;
use crate::example::Example;
use cloakroom_testbed::PASSWORD;
use rustix::fs::FlockOperation;
use serde_json::Value;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};

const EMAIL: &str = "ada@example.com";

struct Program<'a> {
    example: &'a Example,
}

impl Program<'_> {
    fn file(&self) -> PathBuf {
        self.example.data().join("state/tokens.json")
    }

    /// Starts a command, with the password on its standard input.
    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.example.command("./things.py");
        command.args(arguments).env("SITE", self.example.origin()).env("TOKENS", self.file());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It has ended already where it needs none.
        let _ = child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes());
        child
    }

    /// Whether it succeeded, and what it said.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        said(self.start(arguments))
    }

    fn kept(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.file()).unwrap()).unwrap()
    }
}

fn said(child: Child) -> (bool, String) {
    let output = child.wait_with_output().unwrap();
    let text = if output.status.success() { output.stdout } else { output.stderr };
    (output.status.success(), String::from_utf8(text).unwrap().trim().to_owned())
}

fn well(text: &str) -> (bool, String) {
    (true, text.to_owned())
}

fn refused(text: &str) -> (bool, String) {
    (false, text.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_logs_in_refreshes_one_at_a_time_survives_an_outage_and_logs_out() {
    let mut example = Example::start("native").await;
    example.guest().sign_up(EMAIL).await;
    let program = Program { example: &example };
    assert_eq!(program.run(&["list"]), refused("you are not logged in"));
    assert_eq!(program.run(&["login", EMAIL]), well("logged in as ada@example.com"));
    assert_eq!(std::fs::metadata(program.file()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(program.run(&["leave", "an umbrella"]), well("an umbrella"));
    let first = program.kept();

    // Whoever comes while another one works waits for it.
    let lock = std::fs::File::open(program.file().with_extension("lock")).unwrap();
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).unwrap();
    let mut child = program.start(&["list"]);
    until("the second program waits", async || {
        assert!(child.try_wait().unwrap().is_none(), "it did not wait");
        let waiting = std::fs::read_to_string("/proc/locks").unwrap();
        waiting.lines().any(|line| line.contains("->") && line.contains(&format!(" {} ", child.id()))).then_some(())
    })
    .await;
    drop(lock);
    assert_eq!(said(child), well("an umbrella"));

    // Four at once with a token that is over: one refreshes, the others use what it got.
    example.expire().await;
    let children: Vec<Child> = (0..4).map(|_| program.start(&["list"])).collect();
    for child in children {
        assert_eq!(said(child), well("an umbrella"));
    }
    assert_eq!(example.logged("/auth/refresh"), 1);
    let second = program.kept();
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(first["devices"], second["devices"]);
    assert_eq!(std::fs::metadata(program.file()).unwrap().permissions().mode() & 0o777, 0o600);

    // Nobody answers: nothing is forgotten.
    example.stop();
    let program = Program { example: &example };
    assert_eq!(program.run(&["list"]), refused("nobody answers; try again"));
    assert_eq!(program.run(&["logout"]), refused("nobody answers; try again"));
    assert_eq!(program.kept(), second);
    example.open().await;
    let program = Program { example: &example };
    assert_eq!(program.run(&["list"]), well("nothing here yet"), "the API keeps things in memory");

    assert_eq!(program.run(&["logout"]), well("logged out"));
    assert_eq!(program.run(&["list"]), refused("you are not logged in"));
    let last = program.kept();
    assert!(last.get("refresh_token").is_none() && last.get("access_token").is_none());
    // What somebody copied from the file is of no use any more.
    std::fs::write(program.file(), second.to_string()).unwrap();
    assert_eq!(program.run(&["list"]), refused("your session is over: log in again"));
    assert_eq!(program.run(&["login", EMAIL]), well("logged in as ada@example.com"));
    assert_eq!(program.kept()["devices"], second["devices"], "it is a device that the account knows");
}
