//! The processes of one Exim: started in a process group of their own as somebody who is not root, ended as a group.
//! What it delivers is not looked at here.

use super::DEADLINE;
use crate::certificate;
use crate::change::Changes;
use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getgid, getuid, kill_process, kill_process_group, waitid};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// Who may send.
pub(super) const USER: &str = "cloakroom";
/// Where Debian puts it; not on everybody's `PATH`.
const PROGRAM: &str = "/usr/sbin/exim4";
/// Whom Debian's package makes for it.
const UNPRIVILEGED: &str = "Debian-exim";
const CONFIGURATION: &str = include_str!("exim.conf");
/// What was taken and is not delivered yet.
const QUEUE: &str = "spool/input";
/// How long a stop waits for it.
const LAST_DELIVERIES: Duration = Duration::from_secs(10);
/// How often other ports are tried when somebody else was quicker.
const PORTS: usize = 5;

pub(super) struct Server {
    folder: PathBuf,
    owner: (u32, u32),
    pub(super) starttls_port: u16,
    pub(super) tls_port: u16,
    pub(super) password: String,
    running: Option<Running>,
}

struct Running {
    group: Pid,
    child: Child,
}

impl Server {
    /// Makes one in this folder, which is empty, and starts it.
    pub(super) async fn start(folder: &Path) -> Result<Self> {
        if !Path::new(PROGRAM).exists() {
            bail!(
                "there is no mail server on this machine: `cargo xtask test` installs it, or \
                 `sudo apt-get install --no-install-recommends exim4-daemon-light`"
            );
        }
        let mut server = Self {
            folder: folder.to_owned(),
            owner: owner()?,
            starttls_port: 0,
            tls_port: 0,
            password: format!("{}{}", random(), random()),
            running: None,
        };
        certificate::write(folder)?;
        for name in ["spool", QUEUE, "log", "mail", "mail/new", "mail/cur", "mail/tmp"] {
            std::fs::create_dir(folder.join(name))?;
            server.give_away(&folder.join(name))?;
        }
        server.give_away(&folder.join(certificate::KEY))?;
        server.give_away(folder)?;
        for left in (0..PORTS).rev() {
            server.choose_ports()?;
            match server.open().await {
                Err(_) if left > 0 => {}
                outcome => return outcome.map(|()| server),
            }
        }
        bail!("no free ports")
    }

    /// Starts it on its ports; it takes connections when this returns.
    pub(super) async fn open(&mut self) -> Result<()> {
        let started = self.times_started();
        let changes = Changes::of(&[&self.logs()])?;
        let mut child = Command::new(PROGRAM)
            // The queue is looked through at the start: what a stop interrupted is delivered now.
            .args(["-bdf", "-q1h", "-C"])
            .arg(self.folder.join("exim.conf"))
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir(&self.folder)
            .uid(self.owner.0)
            .gid(self.owner.1)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {PROGRAM}"))?;
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = id.context("the mail server ended while it started")?;
        // It listens before it says that it has started.
        let is_up = async {
            while self.times_started() == started {
                changes.next().await?;
            }
            anyhow::Ok(true)
        };
        let is_up = tokio::time::timeout(DEADLINE, async {
            tokio::select! {
                outcome = is_up => outcome,
                _ = child.wait() => Ok(false),
            }
        });
        let outcome = is_up.await.unwrap_or(Ok(false));
        self.running = Some(Running { group, child });
        if outcome? {
            return Ok(());
        }
        self.running = None;
        bail!("the mail server did not start; its log says:\n{}", self.log())
    }

    /// Ends it: takes no more, delivers what it has taken, and then ends everything it has started.
    pub(super) async fn stop(&mut self) -> Result<()> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        let queue = self.folder.join(QUEUE);
        let changes = Changes::of(&[&queue])?;
        // An error means that it has ended by itself. Deliveries are processes of their own, which go on: one that is
        // killed between the last byte and its note of it is done a second time.
        let _ = kill_process(running.group, Signal::TERM);
        let is_done = async {
            running.child.wait().await?;
            while std::fs::read_dir(&queue)?.next().is_some() {
                changes.next().await?;
            }
            anyhow::Ok(())
        };
        // A client that is in the middle of a mail does not end by itself; it is cut off, when this goes out of scope.
        tokio::time::timeout(LAST_DELIVERIES, is_done).await.unwrap_or(Ok(()))
    }

    pub(super) fn process_group(&self) -> Option<i32> {
        self.running.as_ref().map(|running| running.group.as_raw_nonzero().get())
    }

    /// Everything that was logged; what was turned away is in it.
    pub(super) fn log(&self) -> String {
        let read = |name: &str| std::fs::read(self.logs().join(name)).unwrap_or_default();
        // What goes wrong at the start stands in the second one only.
        let both = [read("mainlog"), read("paniclog")].concat();
        String::from_utf8_lossy(&both).into_owned()
    }

    /// The folder of the logs.
    pub(super) fn logs(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn times_started(&self) -> usize {
        self.log().matches("daemon started").count()
    }

    fn choose_ports(&mut self) -> Result<()> {
        // Both are held until both are known: they are two.
        let (first, second) =
            (TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?);
        (self.starttls_port, self.tls_port) = (first.local_addr()?.port(), second.local_addr()?.port());
        let text = CONFIGURATION
            .replace("@UID@", &self.owner.0.to_string())
            .replace("@GID@", &self.owner.1.to_string())
            .replace("@FOLDER@", self.folder.to_str().context("a folder whose name is not text")?)
            .replace("@STARTTLS_PORT@", &self.starttls_port.to_string())
            .replace("@TLS_PORT@", &self.tls_port.to_string())
            .replace("@USER@", USER)
            .replace("@PASSWORD@", &self.password);
        // Exim reads no configuration that others than root and its user may write; the folder is closed to them anyway.
        let file = self.folder.join("exim.conf");
        std::fs::write(&file, text)?;
        self.give_away(&file)
    }

    /// Gives a file to who runs the server.
    fn give_away(&self, path: &Path) -> Result<()> {
        if getuid().is_root() {
            chown(path, Some(self.owner.0), Some(self.owner.1))?;
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The group may be gone already after an orderly end; then there is nothing to do.
        if kill_process_group(self.group, Signal::KILL).is_ok() {
            // Waits until the kill took effect without reaping: tokio owns the exit status.
            let _ended = waitid(WaitId::Pid(self.group), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        }
    }
}

/// User and group that run the server: the package's own where root runs the tests, because Exim delivers nothing as root.
fn owner() -> Result<(u32, u32)> {
    if !getuid().is_root() {
        return Ok((getuid().as_raw(), getgid().as_raw()));
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let line = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let line = line.into_iter().find(|fields| fields.first() == Some(&UNPRIVILEGED));
    let line = line.with_context(|| format!("there is no user {UNPRIVILEGED}"))?;
    let number = |at: usize| line.get(at).and_then(|field| field.parse::<u32>().ok());
    Ok((number(2).context("no uid")?, number(3).context("no gid")?))
}

/// Sixteen hexadecimal digits that nobody can foresee.
fn random() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}
