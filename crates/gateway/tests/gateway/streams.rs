//! Bodies flow as they come, wait when nobody reads, and break visibly.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::harness::{Proxy, field, read_head, read_until, site, status, upstream, within};

const MIB: u64 = 1024 * 1024;
const TOTAL: u64 = 64 * MIB;

fn pattern() -> Vec<u8> {
    (0..64 * 1024_u32).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

#[tokio::test]
async fn sixty_four_mebibytes_pass_both_ways_at_once_unchanged() {
    let address = upstream(|mut stream| async move {
        read_head(&mut stream).await.unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {TOTAL}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let (read, mut write) = stream.split();
        tokio::io::copy(&mut read.take(TOTAL), &mut write).await.unwrap();
    })
    .await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let mut client = proxy.connect().await;
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {TOTAL}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut write) = client.into_split();
    let writing = tokio::spawn(async move {
        let block = pattern();
        for _ in 0..TOTAL / block.len() as u64 {
            write.write_all(&block).await.unwrap();
        }
        write
    });
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(read.read_u8()).await.unwrap());
    }
    let block = pattern();
    let mut got = vec![0; block.len()];
    for _ in 0..TOTAL / block.len() as u64 {
        within(read.read_exact(&mut got)).await.unwrap();
        assert!(got == block);
    }
    writing.await.unwrap();
}

/// Writes until nothing was taken for a while, and says how much was taken.
async fn fill(stream: &mut (impl AsyncWriteExt + Unpin), most: u64) -> u64 {
    let block = pattern();
    let mut taken = 0;
    while taken < most {
        match tokio::time::timeout(std::time::Duration::from_millis(300), stream.write(&block)).await {
            Ok(written) => taken += written.unwrap() as u64,
            Err(_) => return taken,
        }
    }
    taken
}

#[tokio::test]
async fn a_client_that_stops_reading_stops_the_upstream() {
    let (report, mut reports) = mpsc::unbounded_channel();
    let address = upstream(move |mut stream| {
        let report = report.clone();
        async move {
            read_head(&mut stream).await.unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {TOTAL}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let taken = fill(&mut stream, TOTAL).await;
            report.send(taken).unwrap();
            let rest = tokio::io::repeat(b'x').take(TOTAL - taken);
            tokio::io::copy(&mut { rest }, &mut stream).await.unwrap();
        }
    })
    .await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let mut client = proxy.connect().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let taken = within(reports.recv()).await.unwrap();
    // What two pairs of socket buffers hold on Linux, and no more than that.
    assert!(taken < TOTAL / 2, "{taken} bytes were taken for a client that reads none");
    read_until(&mut client, "\r\n\r\n").await;
    let rest = within(tokio::io::copy(&mut client.take(TOTAL), &mut tokio::io::sink())).await;
    assert_eq!(rest.unwrap(), TOTAL, "and all came when it did");
}

#[tokio::test]
async fn an_upstream_that_stops_reading_stops_the_client() {
    let address = upstream(|mut stream| async move {
        read_head(&mut stream).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let mut client = proxy.connect().await;
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {TOTAL}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let taken = within(fill(&mut client, TOTAL)).await;
    assert!(taken < TOTAL / 2, "{taken} bytes were taken for an upstream that reads none");
}

#[tokio::test]
async fn server_sent_events_arrive_one_by_one() {
    let (next, wait) = mpsc::unbounded_channel::<&'static str>();
    let wait = Arc::new(tokio::sync::Mutex::new(wait));
    let address = upstream(move |mut stream| {
        let wait = Arc::clone(&wait);
        async move {
            read_head(&mut stream).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            while let Some(event) = wait.lock().await.recv().await {
                stream.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).await.unwrap();
            }
            stream.write_all(b"0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let mut client = proxy.connect().await;
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let head = read_until(&mut client, "\r\n\r\n").await;
    assert_eq!(field(&head, "content-type").as_deref(), Some("text/event-stream"));
    for event in ["data: one\n\n", "data: two\n\n", "data: three\n\n"] {
        // The next event is sent only after this one was read: nothing waits for more to come.
        next.send(event).unwrap();
        read_until(&mut client, &format!("{event}\r\n")).await;
    }
    drop(next);
    read_until(&mut client, "0\r\n\r\n").await;
}

#[tokio::test]
async fn an_upstream_that_dies_in_a_body_is_a_broken_transfer() {
    for (framing, part) in [("Content-Length: 10", "abc"), ("Transfer-Encoding: chunked", "3\r\nabc\r\n")] {
        let address = upstream(move |mut stream| async move {
            read_head(&mut stream).await.unwrap();
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{part}").as_bytes()).await;
        })
        .await;
        let proxy = Proxy::start(vec![site(address)]).await;
        // No `Connection: close`: the end of the connection is the gateway's doing.
        let answer = proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(status(&answer), 200);
        assert!(answer.ends_with(part), "{answer:?}");
        assert!(!answer.ends_with("0\r\n\r\n"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_request_to_the_upstream() {
    let (told, mut tell) = mpsc::unbounded_channel();
    for answer in
        ["", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]
    {
        let told = told.clone();
        let address = upstream(move |mut stream| {
            let told = told.clone();
            async move {
                read_head(&mut stream).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                told.send("asked").unwrap();
                let end = stream.read_u8().await;
                assert!(end.is_err(), "the end of the connection, not bytes");
                told.send("left").unwrap();
            }
        })
        .await;
        let proxy = Proxy::start(vec![site(address)]).await;
        let mut client = proxy.connect().await;
        client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert_eq!(within(tell.recv()).await, Some("asked"));
        if !answer.is_empty() {
            read_until(&mut client, "abc\r\n").await;
        }
        drop(client);
        assert_eq!(within(tell.recv()).await, Some("left"));
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_its_upload_never_completes_it() {
    let got = Arc::new(AtomicU64::new(0));
    let counting = Arc::clone(&got);
    let (told, mut tell) = mpsc::unbounded_channel();
    let address = upstream(move |mut stream| {
        let (got, told) = (Arc::clone(&counting), told.clone());
        async move {
            read_head(&mut stream).await.unwrap();
            told.send(Vec::new()).unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            got.fetch_add(1, Ordering::Relaxed);
            told.send(rest).unwrap();
        }
    })
    .await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let mut client = proxy.connect().await;
    let part = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    client.write_all(part.as_bytes()).await.unwrap();
    within(tell.recv()).await.unwrap();
    drop(client);
    let rest = within(tell.recv()).await.unwrap();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{:?}", String::from_utf8_lossy(&rest));
    assert_eq!(got.load(Ordering::Relaxed), 1);
}
