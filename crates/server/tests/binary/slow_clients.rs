//! Clients that take their time, or never end: each has its limit, and nobody else notices them.

use crate::deadline::soon;
use crate::house::House;
use crate::upstream::Upstream;
use crate::visitor::get;
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Says something, then one byte of `more` now and then, until the server has had enough. What the server said.
async fn dawdle(port: u16, first: &str, more: &str) -> String {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    write.write_all(first.as_bytes()).await.unwrap();
    let mut more = more.bytes();
    let mut turns = tokio::time::interval(Duration::from_millis(200));
    let mut said = Vec::new();
    loop {
        tokio::select! {
            ended = read.read_buf(&mut said) => {
                // A reset is an end as well: something was still on its way to the server.
                if ended.is_err() || ended.is_ok_and(|bytes| bytes == 0) {
                    return String::from_utf8_lossy(&said).into_owned();
                }
            }
            _ = turns.tick() => if let Some(byte) = more.next() {
                drop(write.write_all(&[byte]).await);
            },
        }
    }
}

async fn are_closed(first: &str, more: &str) {
    let upstream = Upstream::start("first").await;
    let mut house = House::before(upstream.address);
    house.config["limits"] = json!({ "header_for": "2s" });
    let server = house.serve().await;
    let started = std::time::Instant::now();
    let dawdlers: Vec<_> = (0..50)
        .map(|_| {
            let (port, first, more) = (house.port(), first.to_owned(), more.to_owned());
            tokio::spawn(async move { dawdle(port, &first, &more).await })
        })
        .collect();
    let others = get(house.port(), "/x").await.unwrap();
    assert_eq!(others.status, 200);
    assert!(started.elapsed() < Duration::from_secs(2), "somebody else is answered while they dawdle");
    for said in soon("all of them are closed", join_all(dawdlers)).await {
        let said = said.unwrap();
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_cut_off() {
    are_closed("GET /x HTTP/1.1\r\nhost: localhost\r\nx: ", &"y".repeat(1000)).await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    are_closed("", "").await;
}

#[tokio::test]
async fn the_first_bytes_of_http_2_do_not_keep_a_connection_open() {
    are_closed("PRI * HT", "TP/2.0").await;
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let stream = TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    let writing = tokio::spawn(async move {
        write.write_all(b"GET /x HTTP/1.1\r\nhost: localhost\r\nx: ").await.unwrap();
        while write.write_all(&[b'y'; 4096]).await.is_ok() {}
    });
    let mut said = Vec::new();
    soon("the server has had enough", async { while let Ok(1..) = read.read_buf(&mut said).await {} }).await;
    let said = String::from_utf8_lossy(&said);
    assert!(said.starts_with("HTTP/1.1 431 "), "{said:?}");
    soon("the client notices", writing).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn many_headers_and_large_cookies_are_refused() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let visitor = house.visitor();
    let large = "a=".to_owned() + &"b".repeat(20_000);
    let answer = visitor.ask("GET", "/auth/me", &[("cookie", &large)], crate::visitor::full("")).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (431, "cookies-too-large"));
    let many = vec![("x", "y"); 500];
    let answer = visitor.ask("GET", "/x", &many, crate::visitor::full("")).await.unwrap();
    assert_eq!(answer.status, 431);
    assert_eq!(get(house.port(), "/x").await.unwrap().status, 200);
    server.stop().await;
}
