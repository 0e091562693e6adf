//! Silence, the end of a session, the end of the server.

use std::time::Duration;

use bytes::Bytes;
use cloakroom_gateway::{Access, Limits};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use crate::harness::{Proxy, TestGate, read_head, read_until, route, site, upstream, within};

async fn endless(head: &'static str) -> std::net::SocketAddr {
    upstream(move |mut stream| async move {
        read_head(&mut stream).await.unwrap();
        stream.write_all(format!("{head}\r\n3\r\nabc\r\n").as_bytes()).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await
}

const EVENTS: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nTransfer-Encoding: chunked\r\n";
const DOWNLOAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";

async fn rest(client: &mut tokio::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = within(tokio::io::AsyncReadExt::read_to_end(client, &mut bytes)).await;
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn a_silent_download_is_broken_off_and_a_silent_event_stream_is_not() {
    let limits = Limits { idle_for: Duration::from_millis(50), ..Limits::default() };
    let silent = Proxy::with(vec![site(endless(DOWNLOAD).await)], TestGate::default(), limits.clone()).await;
    let answer = silent.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.ends_with("3\r\nabc\r\n"), "{answer:?}");

    let events = Proxy::with(vec![site(endless(EVENTS).await)], TestGate::default(), limits.clone()).await;
    let mut client = events.connect().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    read_until(&mut client, "abc\r\n").await;
    // Many times the limit; a byte or an end within it would be wrong.
    let more = tokio::time::timeout(Duration::from_millis(400), tokio::io::AsyncReadExt::read_u8(&mut client)).await;
    assert!(more.is_err());

    let limits = Limits { event_stream_idle_for: Some(Duration::from_millis(50)), ..limits };
    let bounded = Proxy::with(vec![site(endless(EVENTS).await)], TestGate::default(), limits).await;
    assert!(bounded.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.ends_with("abc\r\n"));
}

#[tokio::test]
async fn asvs_7_4_1_streams_of_a_session_end_with_it() {
    for head in [EVENTS, DOWNLOAD] {
        let ended = CancellationToken::new();
        let gate = TestGate { ended: Some(ended.clone()), ..TestGate::default() };
        let proxy = Proxy::with(vec![site(endless(head).await)], gate, Limits::default()).await;
        let mut client = proxy.connect().await;
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        read_until(&mut client, "abc\r\n").await;
        ended.cancel();
        assert_eq!(rest(&mut client).await, "", "broken off, not ended");
    }
}

#[tokio::test]
async fn rfc_9113_5_4_2_the_end_of_a_session_resets_its_stream_and_not_the_connection() {
    for head in [EVENTS, DOWNLOAD] {
        let ended = CancellationToken::new();
        let gate = TestGate { ended: Some(ended.clone()), ..TestGate::default() };
        let address = endless(head).await;
        let upstreams = vec![site(address), route("free", "/free", address, Access::Public)];
        let proxy = Proxy::with(upstreams, gate, Limits::default()).await;
        let stream = TokioIo::new(proxy.connect().await);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        let get = |uri| http::Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
        let mut body = within(sender.send_request(get("http://app.example/"))).await.unwrap().into_body();
        assert_eq!(within(body.frame()).await.unwrap().unwrap().into_data().unwrap(), "abc");
        ended.cancel();
        assert!(within(body.frame()).await.unwrap().is_err(), "broken off, not ended");
        assert_eq!(within(sender.send_request(get("http://app.example/free"))).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn event_streams_end_in_order_when_the_server_stops() {
    let proxy = Proxy::start(vec![site(endless(EVENTS).await)]).await;
    let mut client = proxy.connect().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
    read_until(&mut client, "abc\r\n").await;
    within(proxy.gateway.drain(Duration::ZERO)).await;
    assert_eq!(rest(&mut client).await, "0\r\n\r\n");
}
