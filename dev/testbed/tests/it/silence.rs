//! What a node does that cannot read the revocation feed, and streams that nobody announced.

use crate::asking::{OTHER, forgot, reset};
use cloakroom_testbed::{Guest, House};
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

async fn events_upstream() -> String {
    format!("[[upstream]]\npath = \"/events\"\nto = \"http://{}\"\naccess = \"signed-in\"", eventful().await)
}

/// A stream of somebody's that has begun.
async fn listen(house: &House, ann: &Guest, accept: &str) -> BufReader<TcpStream> {
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
    socket
}

/// Whether it ends within half a minute.
async fn ends(mut stream: BufReader<TcpStream>) -> bool {
    tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut Vec::new())).await.is_ok()
}

#[tokio::test]
async fn asvs_7_4_3_a_reset_ends_the_streams_of_whoever_was_in() {
    let house = House::with_mail(&events_upstream().await).await;
    house.watch.secret(OTHER);
    let thief = house.confirmed("ann@example.com").await;
    let phone = house.guest();
    phone.log_in("ann@example.com").await;
    let bob = house.confirmed("bob@example.com").await;
    let (one, other, bobs) = (
        listen(&house, &thief, "*/*").await,
        listen(&house, &phone, "text/event-stream").await,
        listen(&house, &bob, "*/*").await,
    );
    forgot(&house.guest(), "ann@example.com").await;
    let token = house.mails_to("ann@example.com").await.pop().unwrap().token();
    assert_eq!(reset(&house.guest(), &token, OTHER).await.status, StatusCode::NO_CONTENT);
    assert!(ends(one).await && ends(other).await, "a stream outlived the reset");
    assert_eq!(bob.fetch("GET", "/auth/me", None).await.status, StatusCode::OK);
    assert_eq!(bob.fetch("POST", "/auth/logout", None).await.status, StatusCode::NO_CONTENT);
    assert!(ends(bobs).await);
    house.close().await;
}

#[tokio::test]
async fn an_event_stream_ends_with_its_session_whatever_its_request_accepts() {
    let house = House::with(&events_upstream().await).await;
    for accept in ["*/*", "text/event-stream, */*", "text/event-stream"] {
        let ann = house.signed_in("ann@example.com").await;
        let stream = listen(&house, &ann, accept).await;
        assert_eq!(ann.fetch("POST", "/auth/logout", None).await.status, StatusCode::NO_CONTENT);
        assert!(ends(stream).await, "with Accept: {accept}, the stream outlived its session");
    }
    house.close().await;
}
