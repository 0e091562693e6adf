//! The browser's process: started in a process group of its own on a profile, killed as a group.
//! It deliberately passes none of the caller's environment on: no proxy, no API key, and a display only if it is asked for.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader, Lines};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::profile::Profile;

/// A cold start on a busy machine takes seconds, not more than this.
const START_DEADLINE: Duration = Duration::from_secs(90);
const QUIT_DEADLINE: Duration = Duration::from_secs(10);
/// Lines of the browser's own output that a failed start quotes.
const QUOTED_LINES: usize = 20;

/// Where the screen is, and what is needed to be let in.
const SCREEN: [&str; 4] = ["DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR"];

/// How a program says that it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// By the first line of its standard output.
    FirstLine,
    /// By a line of its standard error that has this in it.
    AfterMarker(&'static str),
}

pub(super) struct Process {
    group: Pid,
    child: Mutex<Child>,
    // Field order matters: let go after `drop` below has killed the writers.
    _profile: Profile,
}

/// What is started, and how.
pub(super) struct Start<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: Vec<String>,
    pub(super) profile: Profile,
    pub(super) says: Says,
    /// On the screen that the caller has.
    pub(super) headed: bool,
}

impl Start<'_> {
    /// Starts it and waits until it says what `says` describes; gives the rest of that line.
    pub(super) async fn process(self) -> Result<(Process, String)> {
        let Self { program, arguments, profile, says, headed } = self;
        let scratch = profile.path().join("tmp");
        std::fs::create_dir_all(&scratch)?;
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .env("HOME", profile.path())
            .env("TMPDIR", &scratch)
            .env("MOZ_CRASHREPORTER_DISABLE", "1")
            .envs(if headed { screen()? } else { Vec::new() })
            .stdin(Stdio::null())
            .stdout(if says == Says::FirstLine { Stdio::piped() } else { Stdio::null() })
            .stderr(if says == Says::FirstLine { Stdio::null() } else { Stdio::piped() })
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = id.context("the browser ended while it started")?;
        let process = Process { group, child: Mutex::new(child), _profile: profile };

        let output: Box<dyn AsyncRead + Send + Unpin> = match (stdout, stderr) {
            (Some(stdout), _) => Box::new(stdout),
            (None, Some(stderr)) => Box::new(stderr),
            (None, None) => bail!("the browser has no output"),
        };
        let mut lines = BufReader::new(output).lines();
        let address = tokio::time::timeout(START_DEADLINE, find_line(&mut lines, says))
            .await
            .map_err(|_| anyhow!("{} did not say {says:?} within {START_DEADLINE:?}", program.display()))??;
        // Unread output would fill the pipe and stop the browser.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((process, address))
    }
}

/// The variables that lead to the caller's screen.
pub(super) fn screen() -> Result<Vec<(&'static str, OsString)>> {
    let known = |name| std::env::var_os(name).map(|value| (name, value));
    if known("DISPLAY").or_else(|| known("WAYLAND_DISPLAY")).is_none() {
        bail!("there is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set");
    }
    let mut variables: Vec<_> = SCREEN.into_iter().filter_map(known).collect();
    // The home of the browser is another one than its caller's.
    if known("XAUTHORITY").is_none() {
        let file = std::env::home_dir().map(|home| home.join(".Xauthority")).filter(|file| file.exists());
        variables.extend(file.map(|file| ("XAUTHORITY", file.into_os_string())));
    }
    Ok(variables)
}

impl Process {
    pub(super) fn id(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Waits for a browser that was asked to quit.
    pub(super) async fn quit(&self) -> Result<()> {
        let mut child = self.child.lock().await;
        tokio::time::timeout(QUIT_DEADLINE, child.wait()).await.context("the browser did not quit")??;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group may be gone already after an orderly end; then there is nothing to do.
        if kill_process_group(self.group, Signal::KILL).is_ok() {
            // Waits until the kill took effect without reaping: tokio owns the exit status.
            let _ended = waitid(WaitId::Pid(self.group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        }
    }
}

async fn find_line(lines: &mut Lines<BufReader<Box<dyn AsyncRead + Send + Unpin>>>, says: Says) -> Result<String> {
    let marker = match says {
        Says::FirstLine => "",
        Says::AfterMarker(marker) => marker,
    };
    let mut tail = VecDeque::new();
    while let Some(line) = lines.next_line().await? {
        if let Some((_, rest)) = line.split_once(marker) {
            return Ok(rest.trim().to_owned());
        }
        if tail.len() == QUOTED_LINES {
            tail.pop_front();
        }
        tail.push_back(line);
    }
    bail!("the browser ended while it started; it said: {}", Vec::from(tail).join("\n"))
}
