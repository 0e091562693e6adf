//! What a tunnel says when its session ends, byte by byte: where the Close stands (RFC 6455 §5.5.1), and who is cut off.

use std::time::Duration;

use cloakroom_gateway::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::harness::{PATIENCE, Proxy, TestGate, read_head, site, upstream, within};

const HANDSHAKE: &[u8] = b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const SWITCHING: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

const SESSION_ENDED: &[u8] = b"\x88\x0f\x11\x31session ended";
const MASK: [u8; 4] = [1, 2, 3, 4];
/// Close 1000 as a client says it.
const BYE: &[u8] = &[0x88, 0x82, 1, 2, 3, 4, 3 ^ 1, 0xe8 ^ 2];
const TEXT: u8 = 0x81;
/// The first fragment of a text.
const FRAGMENT: u8 = 0x01;

/// Both ends of an open tunnel, which understand nothing.
struct Open {
    proxy: Proxy,
    client: TcpStream,
    upstream: TcpStream,
    ended: CancellationToken,
}

impl Open {
    /// Nobody is cut off in this one.
    async fn patient() -> Self {
        Self::new(PATIENCE, CancellationToken::new()).await
    }

    async fn new(close_for: Duration, ended: CancellationToken) -> Self {
        let (opened, mut open) = mpsc::unbounded_channel();
        let address = upstream(move |mut stream| {
            let opened = opened.clone();
            async move {
                read_head(&mut stream).await.unwrap();
                stream.write_all(SWITCHING).await.unwrap();
                opened.send(stream).unwrap();
            }
        })
        .await;
        let gate = TestGate { ended: Some(ended.clone()), ..TestGate::default() };
        let limits = Limits { tunnel_close_for: close_for, ..Limits::default() };
        let proxy = Proxy::with(vec![site(address)], gate, limits).await;
        let mut client = proxy.connect().await;
        client.write_all(HANDSHAKE).await.unwrap();
        assert!(within(read_head(&mut client)).await.unwrap().starts_with(b"HTTP/1.1 101 "));
        let upstream = within(open.recv()).await.unwrap();
        Self { proxy, client, upstream, ended }
    }

    /// Both sides do their part, and hear nothing more.
    async fn end_in_order(mut self) {
        self.client.write_all(BYE).await.unwrap();
        assert_eq!(rest(&mut self.client).await, b"");
        self.upstream.shutdown().await.unwrap();
        assert_eq!(rest(&mut self.upstream).await, b"");
        self.is_gone().await;
    }

    async fn is_gone(&self) {
        within(self.proxy.gateway.drain(Duration::ZERO)).await;
        assert_eq!(self.proxy.gateway.open_tunnels(), 0);
    }
}

/// A frame as §5.2 draws it.
fn frame(first: u8, payload: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let bit = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(bit | u8::try_from(length).unwrap()),
        length @ 126..=65535 => {
            bytes.push(bit | 0x7e);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(bit | 0x7f);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(mask.iter().flatten());
    let mask = mask.unwrap_or_default();
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

#[track_caller]
fn expect(stream: &mut TcpStream, bytes: &[u8]) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let mut read = vec![0; bytes.len()];
        let whole = within(stream.read_exact(&mut read)).await;
        assert!(whole.is_ok() && read == bytes, "{caller}: {whole:?}, other bytes came");
    }
}

/// A Close as a client says it, unmasked.
async fn read_masked_close(stream: &mut TcpStream) -> Vec<u8> {
    let mut head = [0; 6];
    within(stream.read_exact(&mut head)).await.unwrap();
    assert_eq!(head[0], 0x88);
    assert!(head[1] & 0x80 != 0, "RFC 6455 §5.3: a client masks");
    let mut payload = vec![0; usize::from(head[1] & 0x7f)];
    within(stream.read_exact(&mut payload)).await.unwrap();
    let payload = payload.iter().zip(head[2..].iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [head[0], head[1] & 0x7f].into_iter().chain(payload).collect()
}

/// What comes until the end. A reset is an end.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = within(stream.read_to_end(&mut bytes)).await;
    bytes
}

#[tokio::test]
async fn rfc_6455_5_5_1_a_frame_under_way_is_ended_before_the_close_and_no_other_is_begun() {
    let short = frame(TEXT, b"hello", None);
    let middle = frame(TEXT, &[7; 300], None);
    let long = frame(0x82, &vec![0x88; 70_000], None);
    // Within the head, within a length of 16 and of 64 bits, within the payload, before its last byte.
    for (whole, cut) in [(&short, 1), (&short, 4), (&middle, 3), (&long, 5), (&long, 40_000), (&long, 70_009)] {
        let mut open = Open::patient().await;
        let (before, after) = whole.split_at(cut);
        open.upstream.write_all(&[&short, before].concat()).await.unwrap();
        expect(&mut open.client, &[&short, before].concat()).await;
        open.ended.cancel();
        // The upstream hears at once that it is over, whatever the other direction still has to do.
        assert_eq!(read_masked_close(&mut open.upstream).await, SESSION_ENDED);
        open.upstream.write_all(&[after, &short, &long].concat()).await.unwrap();
        expect(&mut open.client, &[after, SESSION_ENDED].concat()).await;
        open.end_in_order().await;
    }
}

#[tokio::test]
async fn rfc_6455_5_4_the_close_comes_between_fragments_and_between_messages() {
    let text = frame(TEXT, b"whole", None);
    for first in [frame(FRAGMENT, b"a part of", None), [&*text, &text].concat(), frame(0x89, b"", None), Vec::new()] {
        let mut open = Open::patient().await;
        open.upstream.write_all(&first).await.unwrap();
        expect(&mut open.client, &first).await;
        open.ended.cancel();
        expect(&mut open.client, SESSION_ENDED).await;
        assert_eq!(read_masked_close(&mut open.upstream).await, SESSION_ENDED);
        open.end_in_order().await;
    }
}

#[tokio::test]
async fn nothing_that_the_client_says_after_the_end_is_handed_on() {
    let mut open = Open::patient().await;
    let said = frame(TEXT, b"in time", Some(MASK));
    open.client.write_all(&said).await.unwrap();
    expect(&mut open.upstream, &said).await;
    open.ended.cancel();
    open.client.write_all(&frame(TEXT, b"too late", Some(MASK))).await.unwrap();
    expect(&mut open.client, SESSION_ENDED).await;
    open.client.write_all(&frame(TEXT, b"still there?", Some(MASK))).await.unwrap();
    assert_eq!(read_masked_close(&mut open.upstream).await, SESSION_ENDED);
    open.end_in_order().await;
}

#[tokio::test]
async fn an_upstream_that_heard_half_a_frame_hears_the_end_of_the_connection_instead_of_a_close() {
    let mut open = Open::patient().await;
    let half = &frame(TEXT, &[1; 200], Some(MASK))[..100];
    open.client.write_all(half).await.unwrap();
    expect(&mut open.upstream, half).await;
    open.ended.cancel();
    expect(&mut open.client, SESSION_ENDED).await;
    assert_eq!(rest(&mut open.upstream).await, b"");
    // The client ends its own frame first, as it must.
    open.client.write_all(&frame(TEXT, &[1; 200], Some(MASK))[100..]).await.unwrap();
    open.client.write_all(BYE).await.unwrap();
    assert_eq!(rest(&mut open.client).await, b"");
    open.is_gone().await;
}

#[tokio::test]
async fn a_client_that_heard_the_upstreams_close_hears_no_second_one() {
    let close = frame(0x88, &[3, 0xe8], None);
    for split in [1, close.len()] {
        let mut open = Open::patient().await;
        open.upstream.write_all(&close[..split]).await.unwrap();
        expect(&mut open.client, &close[..split]).await;
        open.ended.cancel();
        assert_eq!(read_masked_close(&mut open.upstream).await, SESSION_ENDED);
        open.upstream.write_all(&close[split..]).await.unwrap();
        expect(&mut open.client, &close[split..]).await;
        open.end_in_order().await;
    }
}

#[tokio::test]
async fn an_upstream_that_heard_the_clients_close_hears_no_second_one() {
    let mut open = Open::patient().await;
    open.client.write_all(BYE).await.unwrap();
    expect(&mut open.upstream, BYE).await;
    open.ended.cancel();
    expect(&mut open.client, SESSION_ENDED).await;
    assert_eq!(rest(&mut open.client).await, b"", "the client has closed already");
    open.upstream.shutdown().await.unwrap();
    assert_eq!(rest(&mut open.upstream).await, b"");
    open.is_gone().await;
}

#[tokio::test]
async fn closes_that_cross_end_the_tunnel() {
    let mut open = Open::patient().await;
    open.ended.cancel();
    open.client.write_all(BYE).await.unwrap();
    open.upstream.write_all(&frame(0x88, &[3, 0xe8], None)).await.unwrap();
    open.upstream.shutdown().await.unwrap();
    assert_eq!(rest(&mut open.client).await, SESSION_ENDED);
    assert_eq!(read_masked_close(&mut open.upstream).await, SESSION_ENDED);
    assert_eq!(rest(&mut open.upstream).await, b"");
    open.is_gone().await;
}

#[tokio::test]
async fn a_session_that_ended_before_the_tunnel_was_open_says_so_too() {
    let ended = CancellationToken::new();
    ended.cancel();
    let mut open = Open::new(PATIENCE, ended).await;
    expect(&mut open.client, SESSION_ENDED).await;
    assert_eq!(read_masked_close(&mut open.upstream).await, SESSION_ENDED);
    open.end_in_order().await;
}

#[tokio::test]
async fn who_does_not_answer_the_close_is_cut_off() {
    let mut open = Open::new(Duration::from_millis(50), CancellationToken::new()).await;
    open.ended.cancel();
    assert_eq!(rest(&mut open.client).await, SESSION_ENDED);
    assert_eq!(read_masked_close(&mut open.upstream).await, SESSION_ENDED);
    assert_eq!(rest(&mut open.upstream).await, b"");
    open.is_gone().await;
}

#[tokio::test]
async fn a_frame_that_the_upstream_does_not_end_is_cut_off_without_a_close_in_it() {
    let mut open = Open::new(Duration::from_millis(50), CancellationToken::new()).await;
    let half = &frame(TEXT, &[1; 200], None)[..100];
    open.upstream.write_all(half).await.unwrap();
    expect(&mut open.client, half).await;
    open.ended.cancel();
    assert_eq!(rest(&mut open.client).await, b"");
    open.is_gone().await;
}

#[tokio::test]
async fn a_frame_that_breaks_off_with_its_upstream_is_not_followed_by_a_close() {
    let mut open = Open::patient().await;
    let half = &frame(TEXT, &[1; 200], None)[..100];
    open.upstream.write_all(half).await.unwrap();
    expect(&mut open.client, half).await;
    open.ended.cancel();
    open.upstream.shutdown().await.unwrap();
    assert_eq!(rest(&mut open.client).await, b"");
    open.is_gone().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let Open { proxy, mut client, mut upstream, ended } =
        Open::new(Duration::from_millis(50), CancellationToken::new()).await;
    let head = [&[0x82, 127][..], &(1_u64 << 40).to_be_bytes()].concat();
    upstream.write_all(&head).await.unwrap();
    expect(&mut client, &head).await;
    let flood = tokio::spawn(async move { while upstream.write_all(&[0; 8 * 1024]).await.is_ok() {} });
    ended.cancel();
    within(flood).await.unwrap();
    within(proxy.gateway.drain(Duration::ZERO)).await;
    assert!(rest(&mut client).await.iter().all(|byte| *byte == 0), "a Close within a frame");
}

/// More than every buffer on the way holds.
const MUCH: usize = 30_000_000;

#[tokio::test]
async fn a_client_that_writes_much_before_it_reads_hears_the_end_of_its_frame_and_the_close() {
    let Open { proxy, mut client, mut upstream, ended } = Open::patient().await;
    let long = frame(0x82, &vec![7; MUCH], None);
    upstream.write_all(&long[..100]).await.unwrap();
    expect(&mut client, &long[..100]).await;
    ended.cancel();
    let telling = tokio::spawn(async move {
        assert_eq!(read_masked_close(&mut upstream).await, SESSION_ENDED);
        within(upstream.write_all(&long[100..])).await.unwrap();
        upstream.shutdown().await.unwrap();
        assert_eq!(rest(&mut upstream).await, b"");
    });
    within(client.write_all(&frame(TEXT, &vec![1; MUCH], Some(MASK)))).await.unwrap();
    client.write_all(BYE).await.unwrap();
    let heard = rest(&mut client).await;
    assert_eq!(heard.len(), 10 + MUCH - 100 + SESSION_ENDED.len());
    assert!(heard.ends_with(SESSION_ENDED));
    within(telling).await.unwrap();
    within(proxy.gateway.drain(Duration::ZERO)).await;
}

#[tokio::test]
async fn an_upstream_that_writes_much_before_it_reads_hears_the_close_and_no_reset() {
    let mut open = Open::patient().await;
    open.ended.cancel();
    expect(&mut open.client, SESSION_ENDED).await;
    within(open.upstream.write_all(&frame(0x82, &vec![7; MUCH], None))).await.unwrap();
    assert_eq!(read_masked_close(&mut open.upstream).await, SESSION_ENDED);
    open.upstream.shutdown().await.unwrap();
    let mut more = Vec::new();
    within(open.upstream.read_to_end(&mut more)).await.unwrap();
    assert_eq!(more, b"");
    open.end_in_order().await;
}

#[tokio::test]
async fn rfc_6455_7_4_1_a_server_that_stops_goes_away() {
    let mut open = Open::patient().await;
    let gateway = std::sync::Arc::clone(&open.proxy.gateway);
    let draining = tokio::spawn(async move { gateway.drain(Duration::ZERO).await });
    expect(&mut open.client, b"\x88\x0c\x03\xe9going away").await;
    assert_eq!(read_masked_close(&mut open.upstream).await, b"\x88\x0c\x03\xe9going away");
    open.end_in_order().await;
    within(draining).await.unwrap();
}
