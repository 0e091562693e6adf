//! nginx, twice: the application behind everything that is measured, and the plain proxy that we are compared with.

use crate::http;
use crate::process::{Process, free};
use anyhow::{Context as _, Result, bail, ensure};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A running nginx.
pub(crate) struct Nginx {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
}

/// Answers every request with 1 KiB of text, from one worker.
pub(crate) fn application(folder: &Path) -> Result<Nginx> {
    let body = "cloakroom bench\\n".repeat(64);
    start(folder, 1, &|address| {
        format!("server {{ listen {address}; location / {{ default_type text/plain; return 200 \"{body}\"; }} }}")
    })
}

/// `proxy_pass` and nothing else: no authentication, no log, connections to the application kept.
pub(crate) fn proxy(folder: &Path, workers: usize, to: SocketAddr) -> Result<Nginx> {
    start(folder, workers, &|address| {
        format!(
            "upstream application {{ server {to}; keepalive 64; keepalive_requests 100000000; }}\n\
             server {{ listen {address}; location / {{ proxy_pass http://application; proxy_http_version 1.1; \
             proxy_set_header Connection \"\"; }} }}"
        )
    })
}

fn start(folder: &Path, workers: usize, server: &dyn Fn(SocketAddr) -> String) -> Result<Nginx> {
    let address = free()?;
    let here = folder.display();
    let user = if is_root() { "user root;" } else { "" };
    let text = format!(
        "{user} daemon off; worker_processes {workers}; pid {here}/nginx.pid; error_log {here}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {here}/body; \
         proxy_temp_path {here}/proxy;\n{}\n}}\n",
        server(address)
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text)?;
    let mut command = Command::new("nginx");
    command.arg("-e").arg(folder.join("error.log")).arg("-p").arg(folder).arg("-c").arg(&file);
    let mut process = Process::start(&mut command, &folder.join("nginx.log"))?;
    let until = Instant::now() + Duration::from_secs(5);
    while !answers(address) {
        if let Some(status) = process.ended() {
            bail!("nginx ended ({status}): {}", std::fs::read_to_string(folder.join("nginx.log"))?);
        }
        ensure!(Instant::now() < until, "nginx does not answer on {address}");
        std::thread::yield_now();
    }
    Ok(Nginx { address, process })
}

fn answers(address: SocketAddr) -> bool {
    let answer = http::Client::connect(address).and_then(|mut client| client.send(&http::get("/", &[])));
    answer.is_ok_and(|answer| answer.status == 200)
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The programs that are measured with, by the names of their Debian packages.
const TOOLS: [(&str, &str); 2] = [("nginx", "nginx-light"), ("wrk", "wrk")];

/// Says what is missing, then installs it; or refuses, with what to do.
pub(crate) fn ensure_tools(refuse: bool) -> Result<()> {
    let there = |program: &str| Command::new(program).arg("-v").output().is_ok();
    let missing: Vec<_> = TOOLS.iter().filter(|(program, _)| !there(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let by_hand = format!("apt-get install --no-install-recommends {}", missing.join(" "));
    ensure!(!refuse, "missing, and --no-install was given; run: {by_hand}");
    ensure!(is_root(), "missing, and only root can install it; run: sudo {by_hand}");
    println!("missing: {} (Debian packages); installing with {by_hand}", missing.join(", "));
    for arguments in
        [vec!["update", "-qq"], [vec!["install", "-y", "-qq", "--no-install-recommends"], missing].concat()]
    {
        let mut command = Command::new("apt-get");
        command.args(&arguments).env("DEBIAN_FRONTEND", "noninteractive");
        ensure!(command.status().context("apt-get does not start")?.success(), "`{by_hand}` failed");
    }
    // A package starts nginx as a service on port 80, which nobody asked for.
    drop(Command::new("service").args(["nginx", "stop"]).output());
    Ok(())
}
