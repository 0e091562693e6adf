//! HTTP/1.1 over one kept connection, as little as a probe needs: it waits for each answer before the next request.

use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection.
pub(crate) struct Client(BufReader<TcpStream>);

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The lines of the header as they came.
    pub(crate) lines: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends the bytes of a request and reads its answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<Answer> {
        self.0.get_mut().write_all(request)?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line)? == 0 {
                bail!("the connection was closed before an answer");
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status = lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok()).context("no status")?;
        let mut answer = Answer { status, lines, body: Vec::new() };
        let length = match answer.header("content-length") {
            Some(length) => length.parse()?,
            None if status == 204 => 0,
            None => bail!("an answer {status} without a length"),
        };
        answer.body = vec![0; length];
        self.0.read_exact(&mut answer.body)?;
        Ok(answer)
    }
}

impl Answer {
    /// The first value of a header.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// All values of a header.
    pub(crate) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.lines.iter().skip(1).filter_map(|line| line.split_once(':'));
        pairs.filter(move |(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// The bytes of a GET with these further header lines.
pub(crate) fn get(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    request("GET", path, headers, "")
}

/// The bytes of a POST of JSON.
pub(crate) fn post(path: &str, headers: &[(&str, &str)], json: &str) -> Vec<u8> {
    let length = json.len().to_string();
    let mut all = vec![("content-type", "application/json"), ("content-length", &length)];
    all.extend_from_slice(headers);
    request("POST", path, &all, json)
}

/// The bytes of any request; for `localhost` unless a header says otherwise.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let host = [("host", "localhost")];
    let host = if headers.iter().any(|(name, _)| *name == "host") { &[][..] } else { &host };
    let lines = host.iter().chain(headers).flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect::<String>();
    format!("{method} {path} HTTP/1.1\r\n{lines}\r\n{body}").into_bytes()
}
