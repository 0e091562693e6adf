//! The process of a provider: started in a process group of its own, and ended with whoever started it.
//!
//! A provider that all tests of a process share hangs in a `static`, which is never dropped. So a shell waits for the end
//! of the pipe that only this process holds, and then ends the provider and removes its folder; it does so too if this
//! process is killed. Threads read the output instead of tasks, because the provider outlives the runtime of the test that
//! started it.

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Lines of its output that a failed start quotes.
const QUOTED_LINES: usize = 30;
/// How long it may take to end in an orderly way.
const STOP_DEADLINE: Duration = Duration::from_secs(30);
/// The guard first, then the program in this shell's place. What the guard inherits is closed: the output of the program
/// has to end with the program.
const GUARDED: &str = r#"
    exec 3<&0 </dev/null
    { read -r _ <&3; kill -KILL $$; rm -rf -- "$1"; } >/dev/null 2>&1 &
    exec 3<&-
    shift
    exec "$@"
"#;

/// What is started, and how.
pub(crate) struct Start<'a> {
    /// What errors call it.
    pub(crate) name: &'a str,
    /// The program; looked up on `PATH`.
    pub(crate) program: &'a OsStr,
    pub(crate) arguments: Vec<String>,
    /// The whole environment, besides `PATH`.
    pub(crate) environment: Vec<(&'a str, String)>,
    /// Where it runs, and what is removed if nobody is left to do it.
    pub(crate) folder: &'a Path,
    /// What a line of its output says when it is ready, if it says that.
    pub(crate) ready: fn(&str) -> Option<String>,
    /// How long a start may take.
    pub(crate) deadline: Duration,
}

/// A running provider. Dropping it kills its process group.
pub(crate) struct Process {
    child: Child,
    group: Pid,
    said: UnboundedReceiver<String>,
}

type Tail = Arc<Mutex<VecDeque<String>>>;

impl Start<'_> {
    /// Starts it and waits until it says that it is ready; gives what it said. An error quotes its last lines.
    pub(crate) async fn process(self) -> Result<(Process, String)> {
        let mut child = Command::new("sh")
            .args([OsStr::new("-c"), OsStr::new(GUARDED), OsStr::new("sh"), self.folder.as_os_str(), self.program])
            .args(&self.arguments)
            .current_dir(self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .envs(self.environment)
            // It is let go with the process below; nothing is ever written.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", self.name))?;
        let (sender, said) = unbounded_channel();
        let tail = Tail::default();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut process = Process { group: Pid::from_child(&child), child, said };
        listen(stdout.context("no output")?, self.ready, sender.clone(), Arc::clone(&tail));
        listen(stderr.context("no output")?, self.ready, sender, Arc::clone(&tail));
        let ready = match tokio::time::timeout(self.deadline, process.said.recv()).await {
            Ok(Some(ready)) => return Ok((process, ready)),
            Ok(None) => format!("{} ended while it started", self.name),
            Err(_) => format!("{} was not ready within {:?}", self.name, self.deadline),
        };
        let tail = Vec::from(tail.lock().unwrap_or_else(PoisonError::into_inner).clone());
        bail!("{ready}; its last lines:\n{}", tail.join("\n"))
    }
}

impl Process {
    /// Asks it to end, and waits until it has; kills what is left after half a minute.
    pub(crate) async fn stop(mut self) {
        // An error means that it has ended already.
        let _ = kill_process(self.group, Signal::TERM);
        // Both outputs are at their end when nobody is left who could write to them.
        let has_ended = async { while self.said.recv().await.is_some() {} };
        let _ = tokio::time::timeout(STOP_DEADLINE, has_ended).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The guard is in the group: what it would do is done by who owns the folder.
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// Reads an output to its end on a thread of its own.
fn listen(
    output: impl Read + Send + 'static,
    ready: fn(&str) -> Option<String>,
    said: UnboundedSender<String>,
    tail: Tail,
) {
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(ready) = ready(&line) {
                // Nobody listens any more when a second line says so.
                let _ = said.send(ready);
            }
            let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
            if tail.len() == QUOTED_LINES {
                tail.pop_front();
            }
            tail.push_back(line);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell<'a>(script: &str, folder: &'a Path) -> Start<'a> {
        Start {
            name: "the script",
            program: OsStr::new("sh"),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            environment: vec![("GIVEN", "something".to_owned())],
            folder,
            ready: |line| Some(line.strip_prefix("ready ")?.to_owned()),
            deadline: Duration::from_mins(1),
        }
    }

    /// Ends only when it is killed, or by what it does on TERM.
    const FOREVER: &str = "mkfifo pipe; echo ready $GIVEN; read -r line <>pipe";

    #[tokio::test]
    async fn it_is_ready_when_it_says_so_and_is_gone_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let (process, said) = shell(FOREVER, folder.path()).process().await.unwrap();
        assert_eq!(said, "something");
        let group = process.group;
        drop(process);
        assert!(rustix::process::test_kill_process(group).is_err());
        assert!(folder.path().exists());
    }

    #[tokio::test]
    async fn whoever_ends_early_is_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let error =
            shell("echo first; echo last >&2; exit 1", folder.path()).process().await.err().unwrap().to_string();
        assert!(error.contains("ended while it started") && error.contains("last"), "{error}");
    }

    #[tokio::test]
    async fn who_is_asked_to_stop_may_tidy_up() {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("trap 'echo > tidy; exit' TERM; {FOREVER}");
        let (process, _) = shell(&script, folder.path()).process().await.unwrap();
        process.stop().await;
        assert!(folder.path().join("tidy").exists());
    }

    #[tokio::test]
    async fn it_ends_when_nobody_holds_its_pipe_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let (mut process, _) = shell(FOREVER, folder.path()).process().await.unwrap();
        // As when this process is killed.
        drop(process.child.stdin.take());
        assert_eq!(process.said.recv().await, None);
    }
}
