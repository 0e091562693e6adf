//! nginx, twice: the application behind everything that is measured, and the plain proxy that we are compared with.

use crate::http;
use crate::process::{Process, free};
use crate::tools::is_root;
use anyhow::{Result, bail, ensure};
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

/// The same, which asks Cloakroom about each request as `examples/forward-auth/nginx.conf` does.
pub(crate) fn asking(folder: &Path, workers: usize, to: SocketAddr, verify: SocketAddr, cookie: &str) -> Result<Nginx> {
    let fields = ["authorization", "cloakroom_cookie", "cloakroom_account", "cloakroom_session", "cloakroom_roles"];
    let learn = fields.map(|name| format!("auth_request_set $said_{name} $upstream_http_{name};")).concat();
    let tell = fields.map(|name| {
        let field = if name == "cloakroom_cookie" { "Cookie".to_owned() } else { name.replace('_', "-") };
        format!("proxy_set_header {field} $said_{name};")
    });
    let tell = tell.concat();
    start_until(folder, workers, cookie, &|address| {
        format!(
            "upstream application {{ server {to}; keepalive 64; keepalive_requests 100000000; }}\n\
             upstream verify {{ server {verify}; keepalive 64; keepalive_requests 100000000; }}\n\
             server {{ listen {address}; proxy_http_version 1.1;\n\
             location / {{ auth_request /.verify; {learn} proxy_pass http://application; proxy_set_header Connection \"\"; \
             {tell} }}\n\
             location = /.verify {{ internal; proxy_pass http://verify/auth/verify-subrequest; proxy_pass_request_body off; \
             proxy_set_header Content-Length \"\"; proxy_set_header Connection \"\"; \
             proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme; \
             proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Method $request_method; \
             proxy_set_header X-Forwarded-Uri $request_uri; }} }}"
        )
    })
}

fn start(folder: &Path, workers: usize, server: &dyn Fn(SocketAddr) -> String) -> Result<Nginx> {
    start_until(folder, workers, "", server)
}

/// Starts it, and waits until it answers a request with this cookie.
fn start_until(folder: &Path, workers: usize, cookie: &str, server: &dyn Fn(SocketAddr) -> String) -> Result<Nginx> {
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
    while !answers(address, cookie) {
        if let Some(status) = process.ended() {
            bail!("nginx ended ({status}): {}", std::fs::read_to_string(folder.join("nginx.log"))?);
        }
        ensure!(Instant::now() < until, "nginx does not answer on {address}");
        std::thread::yield_now();
    }
    Ok(Nginx { address, process })
}

fn answers(address: SocketAddr, cookie: &str) -> bool {
    let headers = [("cookie", cookie)];
    let headers = if cookie.is_empty() { &[] } else { headers.as_slice() };
    let answer = http::Client::connect(address).and_then(|mut client| client.send(&http::get("/", headers)));
    answer.is_ok_and(|answer| answer.status == 200)
}
