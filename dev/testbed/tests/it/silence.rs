//! What a node does that cannot read the revocation feed, and streams that nobody announced.

use cloakroom_testbed::House;
use http::StatusCode;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Longer than `revocation.stale_after`.
const SILENT: u64 = 11;

fn tell(house: &House, sql: &str) {
    let database = rusqlite::Connection::open(house.database()).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    database.execute_batch(sql).unwrap();
}

/// The feed cannot be read any longer; everything else can.
fn lose_the_feed(house: &House) {
    tell(house, "ALTER TABLE revocation RENAME TO elsewhere");
}

#[tokio::test]
async fn a_node_that_cannot_read_the_feed_lets_nobody_in_on_old_news() {
    let house = House::start().await;
    let ann = house.signed_in("ann@example.com").await;
    lose_the_feed(&house);
    assert_eq!(ann.status_of_app().await, StatusCode::OK, "as long as the news is fresh");
    house.advance(SILENT);
    let refused = ann.fetch("GET", "/app/x", None).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "revocations-stale"));
    assert!(!refused.header("retry-after").is_empty() && refused.cookies().is_empty());
    tell(&house, "ALTER TABLE elsewhere RENAME TO revocation");
    assert_eq!(ann.status_of_app().await, StatusCode::OK, "and comes back by itself");
    house.close().await;
}

#[tokio::test]
async fn a_node_that_looks_sessions_up_instead_knows_which_have_ended() {
    let house = House::with("[revocation]\nwhen_stale = \"look_up\"").await;
    let (ann, bob) = (house.signed_in("ann@example.com").await, house.signed_in("bob@example.com").await);
    lose_the_feed(&house);
    house.advance(SILENT);
    assert_eq!((ann.status_of_app().await, bob.status_of_app().await), (StatusCode::OK, StatusCode::OK));
    let account = ann.fetch("GET", "/auth/me", None).await.json()["account"]["email"].as_str().unwrap().to_owned();
    tell(
        &house,
        &format!(
            "UPDATE session SET ended_at = 1, ended_reason = 'withdrawn' \
             WHERE account = (SELECT id FROM account WHERE email = '{account}')"
        ),
    );
    assert_eq!(ann.fetch("GET", "/app/x", None).await.code(), "signed-out");
    assert_eq!(bob.status_of_app().await, StatusCode::OK);
    tell(&house, "ALTER TABLE elsewhere RENAME TO revocation");
    house.close().await;
}

/// An upstream that answers every request with one event, and then holds its breath.
async fn eventful() -> std::net::SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).await.is_ok_and(|read| read > 0) {}
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                stream.write_all(format!("{answer}f\r\ndata: welcome\n\n\r\n").as_bytes()).await.unwrap();
                drop(stream.read_to_end(&mut Vec::new()).await);
            });
        }
    });
    address
}

#[tokio::test]
async fn an_event_stream_ends_with_its_session_whatever_its_request_accepts() {
    let upstream =
        format!("[[upstream]]\npath = \"/events\"\nto = \"http://{}\"\naccess = \"signed-in\"", eventful().await);
    let house = House::with(&upstream).await;
    for accept in ["*/*", "text/event-stream, */*", "text/event-stream"] {
        let ann = house.signed_in("ann@example.com").await;
        let cookie = ann.cookie("__Host-Http-cloakroom").unwrap();
        let mut socket = BufReader::new(TcpStream::connect(("127.0.0.1", house.port())).await.unwrap());
        let request = format!(
            "GET /events/all HTTP/1.1\r\nHost: localhost\r\nCookie: __Host-Http-cloakroom={cookie}\r\nAccept: {accept}\r\n\
             Sec-Fetch-Site: same-origin\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut line = String::new();
        while !line.contains("welcome") {
            line.clear();
            assert!(socket.read_line(&mut line).await.unwrap() > 0, "the stream begins");
        }
        assert_eq!(ann.fetch("POST", "/auth/logout", None).await.status, StatusCode::NO_CONTENT);
        let ended = tokio::time::timeout(Duration::from_secs(30), socket.read_to_end(&mut Vec::new())).await;
        assert!(ended.is_ok(), "with Accept: {accept}, the stream outlived its session");
    }
    house.close().await;
}
