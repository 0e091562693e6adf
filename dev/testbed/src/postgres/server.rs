//! One server of Postgres, made from nothing and run by the programs that are installed on this machine.
//!
//! It writes to the disk as a real one does: `fsync` is on. Only the standard library is used, because three crates
//! mount this file: the testbed, `xtask`, and the tests of the store. Deliberately absent: a client.

use std::fmt::Write as _;
use std::io::{Error, Result};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who may do everything.
const USER: &str = "cloakroom";
/// Where Debian keeps the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// How often another port is tried when somebody else was quicker.
const PORTS: usize = 5;

/// A running server. Dropping it stops it; its folder stays. Errors say what the programs of Postgres said.
pub(crate) struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    password: String,
}

impl Server {
    /// Makes a server in this folder, below `data`, and starts it on a free port of 127.0.0.1 with these settings more. Root
    /// gives the folder and the files in it to the user `postgres`, because the server does not run as root.
    pub(crate) fn start(folder: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let password = random();
        let mut server = Self { programs: programs()?, folder: folder.to_owned(), port: 0, password };
        give_away(folder)?;
        let secret = folder.join("password");
        std::fs::write(&secret, &server.password)?;
        for file in std::fs::read_dir(folder)? {
            give_away(&file?.path())?;
        }
        let secret = secret.display().to_string();
        let data = server.data();
        server.run(
            "initdb",
            &["-D", &data, "-U", USER, "--pwfile", &secret, "--auth=scram-sha-256", "-E", "UTF8", "--locale=C"],
        )?;
        let mut more = "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 300\n\
                        shared_buffers = '64MB'\nlogging_collector = off\n"
            .to_owned();
        for (name, value) in settings {
            writeln!(more, "{name} = '{value}'").map_err(Error::other)?;
        }
        let file = folder.join("data/postgresql.conf");
        let text = std::fs::read_to_string(&file)?;
        std::fs::write(&file, text + &more)?;
        for left in (0..PORTS).rev() {
            server.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            match server.control(&["start"]) {
                Err(_) if left > 0 => {}
                answer => {
                    answer?;
                    break;
                }
            }
        }
        Ok(server)
    }

    /// The URL of a database of this server.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }

    /// Makes a database of this name.
    pub(crate) fn make_database(&self, name: &str) -> Result<()> {
        let mut command = Command::new(self.programs.join("createdb"));
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", USER, "-w", name]);
        finish(command.env("PGPASSWORD", &self.password))
    }

    /// Stops it as a loss of power would, and starts it again on the same port. Ready when this returns.
    pub(crate) fn restart_immediately(&self) -> Result<()> {
        self.control(&["-m", "immediate", "restart"])
    }

    /// Stops it as a loss of power would.
    pub(crate) fn stop(&self) -> Result<()> {
        self.control(&["-m", "immediate", "stop"])
    }

    /// Starts it again after [`Self::stop`], on the same port.
    pub(crate) fn start_again(&self) -> Result<()> {
        self.control(&["start"])
    }

    fn control(&self, what: &[&str]) -> Result<()> {
        let (data, log) = (self.data(), self.folder.join("log").display().to_string());
        let port = format!("-p {}", self.port);
        let always = ["-D", &data, "-l", &log, "-o", &port, "-s", "-w", "-t", "60"];
        self.run("pg_ctl", &[&always, what].concat()).map_err(|error| {
            let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            let tail = log.lines().rev().take(5).collect::<Vec<_>>().join("\n");
            Error::other(format!("{error}\n{tail}"))
        })
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    /// Runs a program as somebody who is not root.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let program = self.programs.join(program);
        let mut command = if is_root()? {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        finish(command.args(arguments).current_dir(&self.folder))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It was stopped already, or it cannot be; nobody is left to hear of it.
        let _ = self.stop();
    }
}

fn finish(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(Error::other(format!(
        "{name} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    )))
}

/// Gives a file to who runs the server.
fn give_away(path: &Path) -> Result<()> {
    if !is_root()? {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(number(&["-u", "postgres"])?), Some(number(&["-g", "postgres"])?))
}

fn is_root() -> Result<bool> {
    Ok(number(&["-u"])? == 0)
}

fn number(arguments: &[&str]) -> Result<u32> {
    let output = Command::new("id").args(arguments).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| Error::other(format!("`id {}` says no number", arguments.join(" "))))
}

/// The folder of the newest version that Debian has put here, or of what is on `PATH`.
fn programs() -> Result<PathBuf> {
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let installed = std::fs::read_dir(DEBIAN).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let newest = installed.filter(|path| version(path).is_some()).max_by_key(version).map(|path| path.join("bin"));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let all = newest.into_iter().chain(std::env::split_paths(&on_path));
    let mut complete = all.filter(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file());
    complete.next().ok_or_else(|| Error::other("there is no Postgres on this machine"))
}

/// Sixteen hexadecimal digits that nobody can foresee.
fn random() -> String {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    format!("{:016x}", RandomState::new().build_hasher().finish())
}
