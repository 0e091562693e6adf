//! The program as a process: started, watched, signalled.

use crate::deadline::{soon, until};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

/// A process of the program. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    stdout: Said,
    stderr: Said,
    readers: Vec<JoinHandle<()>>,
}

type Said = Arc<Mutex<String>>;

/// The program with these arguments, in this folder, with an environment that says nothing to it.
pub(crate) fn command<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(folder: &Path, arguments: I) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
    command.args(arguments).current_dir(folder).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub(crate) async fn run(folder: &Path, arguments: &[&str]) -> Output {
    soon("the command ends", command(folder, arguments).output()).await.unwrap()
}

/// The exit code of a command that has ended by itself.
pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().expect("it was ended by a signal")
}

/// What a command said on one of its outputs.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it says UTF-8")
}

impl Program {
    /// Starts it.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (Said::default(), Said::default());
        let readers = vec![
            listen(child.stdout.take().unwrap(), Arc::clone(&stdout)),
            listen(child.stderr.take().unwrap(), Arc::clone(&stderr)),
        ];
        Self { child, stdout, stderr, readers }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it has not ended")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.id().try_into().unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// What it said on stderr so far.
    pub(crate) fn errors(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// What it said on stdout so far.
    pub(crate) fn answers(&self) -> String {
        self.stdout.lock().unwrap().clone()
    }

    /// Waits until it has said something on stderr so many times.
    pub(crate) async fn says(&self, words: &str, times: usize) {
        until(&format!("it says {words:?}"), async || (self.errors().matches(words).count() >= times).then_some(()))
            .await;
    }

    /// Waits until it has said something on stdout.
    pub(crate) async fn answered(&self, words: &str) {
        until(&format!("it answers {words:?}"), async || self.answers().contains(words).then_some(())).await;
    }

    /// Whether it has ended by now.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end, and for everything that it has said.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let status = soon("the program ends", self.child.wait()).await.unwrap();
        for reader in self.readers.drain(..) {
            soon("its outputs end", reader).await.unwrap();
        }
        status
    }

    /// Stops it as an operator does, and expects that it did so in order.
    pub(crate) async fn stop(mut self) -> String {
        self.signal(Signal::TERM);
        let status = self.ended().await;
        assert_eq!(status.code(), Some(0), "{}", self.errors());
        self.errors()
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) async fn kill(mut self) {
        self.signal(Signal::KILL);
        self.ended().await;
    }
}

fn listen(output: impl AsyncRead + Unpin + Send + 'static, said: Said) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut said = said.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
        }
    })
}
