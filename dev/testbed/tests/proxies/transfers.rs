//! What is more than a request and an answer.

use crate::raw::PATIENCE;
use crate::site::Site;
use cloakroom_testbed::Guest;
use futures_util::{SinkExt as _, StreamExt as _};
use http::StatusCode;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

const SESSION: &str = "__Host-Http-cloakroom";

fn cookie(guest: &Guest) -> String {
    format!("{SESSION}={}", guest.cookie(SESSION).unwrap_or_default())
}

type Socket = tokio_tungstenite::WebSocketStream<TcpStream>;

async fn open(site: &Site, guest: &Guest, origin: &str) -> Result<Socket, Error> {
    let mut request = format!("ws://localhost:{}/api/live", site.port()).into_client_request().unwrap();
    request.headers_mut().insert("origin", origin.parse().unwrap());
    request.headers_mut().insert("cookie", cookie(guest).parse().unwrap());
    let stream = TcpStream::connect(("127.0.0.1", site.port())).await.unwrap();
    timeout(PATIENCE, tokio_tungstenite::client_async(request, stream)).await.unwrap().map(|(socket, _)| socket)
}

fn refused(opened: Result<Socket, Error>) -> StatusCode {
    match opened {
        Err(Error::Http(answer)) => answer.status(),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn websocket(site: &Site) {
    let ann = site.signed_in().await;
    let mut socket = open(site, &ann, &site.origin()).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    let echo = timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(echo, Message::text("hello"));
    site.app.take();
    // A page elsewhere has the person's cookies in older browsers, and never its origin (BR-01).
    assert_eq!(refused(open(site, &ann, "https://evil.example").await), StatusCode::FORBIDDEN);
    assert_eq!(refused(open(site, &site.guest(), &site.origin()).await), StatusCode::UNAUTHORIZED);
    assert!(site.app.take().is_empty());
}

pub(crate) async fn events(site: &Site) {
    let ann = site.signed_in().await;
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", site.port())).await.unwrap());
    let request = format!(
        "GET /api/events HTTP/1.1\r\nHost: localhost:{}\r\nCookie: {}\r\nAccept: text/event-stream\r\nSec-Fetch-Site: same-origin\r\n\r\n",
        site.port(),
        cookie(&ann),
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    for count in 0..3 {
        // The next one is not even made before this one was seen.
        while !said.contains(&format!("data: event {count}\n")) {
            let read = timeout(PATIENCE, stream.read_line(&mut said)).await.unwrap().unwrap();
            assert!(read > 0, "{said}");
        }
        assert!(!said.contains(&format!("event {}", count + 1)), "{said}");
        site.app.events.add_permits(1);
    }
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

pub(crate) async fn large_body(site: &Site) {
    const SIZE: usize = 1 << 30;
    let ann = site.signed_in().await;
    let mut stream = TcpStream::connect(("127.0.0.1", site.port())).await.unwrap();
    let head = format!(
        "POST /api/upload HTTP/1.1\r\nHost: localhost:{}\r\nCookie: {}\r\nOrigin: {}\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/octet-stream\r\nContent-Length: {SIZE}\r\nConnection: close\r\n\r\n",
        site.port(),
        cookie(&ann),
        site.origin(),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..SIZE / piece.len() {
        timeout(PATIENCE, stream.write_all(&piece)).await.unwrap().unwrap();
    }
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(&SIZE.to_string()), "{answer}");
}
