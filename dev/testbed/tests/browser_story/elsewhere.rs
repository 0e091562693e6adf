//! Another site, and a naive application: a tiny server that hands out pages given to it, sets the cookie that naive
//! applications set, and remembers who posted what.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The server. It ends with the runtime.
#[derive(Clone)]
pub(crate) struct Elsewhere {
    port: u16,
    pages: Arc<Mutex<BTreeMap<String, String>>>,
    posts: Arc<Mutex<Vec<Post>>>,
}

/// A POST that arrived.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) cookies: String,
    pub(crate) body: String,
}

impl Elsewhere {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, pages: Arc::default(), posts: Arc::default() };
        let shared = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(shared.clone().answer(stream));
            }
        });
        server
    }

    /// Its address as another site than `localhost`: a site is a registrable domain or a host, ports do not count.
    pub(crate) fn other_site(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its address on the same host as the system under test.
    pub(crate) fn same_host(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// Shows `html` at `path`.
    pub(crate) fn show(&self, path: &str, html: &str) {
        self.pages.lock().unwrap().insert(path.to_owned(), format!("<!doctype html><title>Elsewhere</title>{html}"));
    }

    /// What was posted so far.
    pub(crate) fn posts(&self) -> Vec<Post> {
        std::mem::take(&mut self.posts.lock().unwrap())
    }

    /// Somebody who has never been here posts with cookies that were carried off from another browser.
    pub(crate) async fn post_with(&self, path: &str, cookies: &str, body: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let length = body.len();
        let request =
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }

    /// One request, one answer, closed: browsers also open connections that they then do not use.
    async fn answer(self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut request = Vec::new();
        let (head, mut body) = loop {
            let text = String::from_utf8_lossy(&request).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                break (head.to_owned(), body.to_owned());
            }
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        };
        let length: usize = header(&head, "content-length").parse().unwrap_or_default();
        while body.len() < length {
            let mut more = Vec::new();
            if stream.read_buf(&mut more).await? == 0 {
                return Ok(());
            }
            body.push_str(&String::from_utf8_lossy(&more));
        }
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if method == "POST" {
            let post = Post { path: path.to_owned(), cookies: header(&head, "cookie").to_owned(), body };
            self.posts.lock().unwrap().push(post);
        }
        let page = self.pages.lock().unwrap().get(path).cloned();
        let (status, page) = match page {
            Some(page) => ("200 OK", page),
            None if method == "POST" => ("200 OK", "thank you".to_owned()),
            None => ("404 Not Found", String::new()),
        };
        // No attribute at all, as in so many tutorials.
        let cookie = if path == "/naive/log-in" { "Set-Cookie: naive=trusted; Path=/naive\r\n" } else { "" };
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n{cookie}Connection: close\r\n\r\n{page}",
            page.len()
        );
        stream.write_all(answer.as_bytes()).await
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(header, _)| header.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}
