//! Tunnels.

use std::time::Duration;

use cloakroom_gateway::{Limits, Outcome};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async, client_async};
use tokio_util::sync::CancellationToken;

use crate::harness::{
    Proxy, Recorder, TestGate, field, problem, read_head, read_until, site, status, upstream, within,
};

async fn echo() -> std::net::SocketAddr {
    upstream(|stream| async move {
        let mut socket = accept_async(stream).await.unwrap();
        while let Some(Ok(message)) = socket.next().await {
            if socket.send(message).await.is_err() {
                return;
            }
        }
    })
    .await
}

async fn open(proxy: &Proxy) -> WebSocketStream<TcpStream> {
    within(client_async("ws://app.example/socket", proxy.connect().await)).await.unwrap().0
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: Message) {
    socket.send(message.clone()).await.unwrap();
    assert_eq!(within(socket.next()).await.unwrap().unwrap(), message);
}

const HANDSHAKE: &str = "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer theirs\r\n\
    Cookie: __Host-Http-cloakroom=secret\r\n";

#[tokio::test]
async fn messages_pass_both_ways() {
    let proxy = Proxy::start(vec![site(echo().await)]).await;
    let mut socket = open(&proxy).await;
    say(&mut socket, Message::text("hello")).await;
    say(&mut socket, Message::binary(vec![7; 1_000_000])).await;
    assert_eq!(proxy.gateway.open_tunnels(), 1);
    assert_eq!(proxy.gate.seen.lock().unwrap()[0], (Some("site".to_owned()), 101, Outcome::Tunnelled));
    within(socket.close(None)).await.unwrap();
    while let Some(Ok(_)) = within(socket.next()).await {}
}

#[tokio::test]
async fn a_handshake_is_cleaned_as_any_request_is() {
    let (address, recorder) =
        Recorder::start("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 14\r\nContent-Length: 3\r\n\r\nno!")
            .await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let mut client = proxy.connect().await;
    client.write_all(format!("{HANDSHAKE}\r\n").as_bytes()).await.unwrap();
    let answer = read_until(&mut client, "no!").await;
    assert_eq!((status(&answer), field(&answer, "sec-websocket-version").as_deref()), (426, Some("14")));
    let request = recorder.only();
    assert_eq!(field(&request, "connection").as_deref(), Some("upgrade"));
    assert_eq!(field(&request, "upgrade").as_deref(), Some("websocket"));
    assert_eq!(field(&request, "sec-websocket-key").as_deref(), Some("dGhlIHNhbXBsZSBub25jZQ=="));
    assert_eq!(field(&request, "authorization").as_deref(), Some("Bearer ours"));
    assert_eq!(field(&request, "cookie"), None);
}

#[tokio::test]
async fn nothing_after_a_handshake_is_forwarded_before_the_upstream_agrees() {
    // CVE-2026-2833: the bytes after a refused upgrade are a request of their own and pass the gate.
    let (address, recorder) = Recorder::start("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno").await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let next = "GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = proxy.send(format!("{HANDSHAKE}\r\n{next}")).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    let asked: Vec<String> = proxy.gate.asked.lock().unwrap().iter().map(|(_, path)| path.clone()).collect();
    assert_eq!(asked, ["/socket", "/after"]);
    let all = recorder.all();
    assert!(all[1].starts_with("GET /after") && all[1].contains("Bearer ours"), "{all:?}");
}

#[tokio::test]
async fn bytes_sent_with_the_handshake_and_with_its_answer_are_not_lost() {
    let address = upstream(|mut stream| async move {
        read_head(&mut stream).await.unwrap();
        let answer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nfirst";
        stream.write_all(answer.as_bytes()).await.unwrap();
        let mut early = [0; 5];
        stream.read_exact(&mut early).await.unwrap();
        stream.write_all(&early).await.unwrap();
    })
    .await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let answer = proxy.send(format!("{HANDSHAKE}\r\nearly")).await;
    assert_eq!(status(&answer), 101);
    assert!(answer.ends_with("\r\n\r\nfirstearly"), "{answer:?}");
}

#[tokio::test]
async fn other_upgrades_and_upgrades_with_bodies_are_not_made() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    for protocol in ["h2c", "websocket, h2c", "TLS/1.0", "websocketx"] {
        let lines = format!("Upgrade: {protocol}\r\nConnection: upgrade\r\n");
        assert_eq!(status(&proxy.get("/", &lines).await), 200);
        assert_eq!(field(&recorder.all().pop().unwrap(), "upgrade"), None);
    }
    let arrived = recorder.all().len();
    for rest in ["Content-Length: 2\r\n\r\nhi", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"] {
        assert_eq!(problem(&proxy.send(format!("{HANDSHAKE}{rest}")).await), (400, "bad-upgrade".into()));
    }
    assert_eq!(
        problem(&proxy.send(format!("{}\r\n", HANDSHAKE.replace("GET", "POST"))).await),
        (400, "bad-upgrade".into())
    );
    assert_eq!(recorder.all().len(), arrived);
}

/// Everything up to the end of a connection; the last is the Close.
async fn heard(socket: &mut WebSocketStream<TcpStream>) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some(Ok(message)) = within(socket.next()).await {
        messages.push(message);
    }
    messages
}

fn close(code: u16, reason: &'static str) -> Message {
    Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() }))
}

/// An upstream that tells everything that it hears.
async fn listener() -> (std::net::SocketAddr, mpsc::UnboundedReceiver<Vec<Message>>) {
    let (tell, told) = mpsc::unbounded_channel();
    let address = upstream(move |stream| {
        let tell = tell.clone();
        async move {
            let mut socket = accept_async(stream).await.unwrap();
            socket.send(Message::text("hello")).await.unwrap();
            tell.send(heard(&mut socket).await).unwrap();
        }
    })
    .await;
    (address, told)
}

#[tokio::test]
async fn asvs_7_4_1_a_tunnel_ends_with_its_session_and_both_sides_hear_why() {
    let (address, mut told) = listener().await;
    let ended = CancellationToken::new();
    let gate = TestGate { ended: Some(ended.clone()), ..TestGate::default() };
    let proxy = Proxy::with(vec![site(address)], gate, Limits::default()).await;
    let mut socket = open(&proxy).await;
    assert_eq!(within(socket.next()).await.unwrap().unwrap(), Message::text("hello"));
    ended.cancel();
    assert_eq!(heard(&mut socket).await, [close(4401, "session ended")]);
    assert_eq!(within(told.recv()).await.unwrap(), [close(4401, "session ended")]);
    within(proxy.gateway.drain(Duration::ZERO)).await;
    assert_eq!(proxy.gateway.open_tunnels(), 0);
}

#[tokio::test]
async fn tunnels_are_closed_when_the_server_stops_and_no_new_ones_opened() {
    let (address, mut told) = listener().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let mut socket = open(&proxy).await;
    assert_eq!(within(socket.next()).await.unwrap().unwrap(), Message::text("hello"));
    let ((), heard) = tokio::join!(within(proxy.gateway.drain(Duration::ZERO)), heard(&mut socket));
    assert_eq!(proxy.gateway.open_tunnels(), 0);
    assert_eq!(heard, [close(1001, "going away")]);
    assert_eq!(within(told.recv()).await.unwrap(), [close(1001, "going away")]);
    assert_eq!(
        problem(&proxy.send(format!("{}\r\n", HANDSHAKE.replace("keep-alive", "close"))).await),
        (503, "draining".into())
    );
}

#[tokio::test]
async fn a_silent_tunnel_ends_only_if_so_configured() {
    let limits = Limits { tunnel_idle_for: Some(Duration::from_millis(50)), ..Limits::default() };
    let proxy = Proxy::with(vec![site(echo().await)], TestGate::default(), limits).await;
    let mut socket = open(&proxy).await;
    assert!(!matches!(within(socket.next()).await, Some(Ok(_))));
}
