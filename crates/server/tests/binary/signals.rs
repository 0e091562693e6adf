//! Signals: a stop lets open requests end, a reload takes over what is right and nothing of what is wrong.

use crate::deadline::{soon, until};
use crate::house::House;
use crate::line::Line;
use crate::tls::{Certificate, encrypted_house};
use crate::upstream::Upstream;
use crate::visitor::full;
use rustix::process::Signal;
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

const READ_AGAIN: &str = "were read again";
const NOTHING: &str = "nothing was reloaded";

#[tokio::test]
async fn a_stop_lets_open_requests_end_and_takes_no_new_ones() {
    for signal in [Signal::TERM, Signal::INT] {
        let upstream = Upstream::start("first").await;
        let house = House::before(upstream.address);
        let mut server = house.serve().await;
        let mut ann = house.visitor();
        ann.sign_in("ann@example.com").await;
        let slow = tokio::spawn(async move { ann.ask("GET", "/app/slow", &[], full("")).await });
        soon("the request is at the upstream", upstream.waiting.acquire()).await.unwrap().forget();

        server.signal(signal);
        until("new connections are refused", async || TcpStream::connect(("127.0.0.1", house.port())).await.err())
            .await;
        assert!(!server.has_ended() && !slow.is_finished(), "it waits for the open request");
        upstream.released.add_permits(1);
        let answer = soon("the answer comes", slow).await.unwrap().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "at last"));
        assert_eq!(server.ended().await.code(), Some(0), "{}", server.errors());
        assert!(server.errors().trim_end().ends_with("stopped"), "{}", server.errors());
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let upstream = Upstream::start("first").await;
    let mut house = House::before(upstream.address);
    house.config["server"]["drain_for"] = json!("1s");
    let mut server = house.serve().await;
    let visitor = house.visitor();
    let slow = tokio::spawn(async move { visitor.ask("GET", "/slow", &[], full("")).await });
    soon("the request is at the upstream", upstream.waiting.acquire()).await.unwrap().forget();
    let silent = TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
    server.signal(Signal::TERM);
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.errors());
    soon("the request is cut", slow).await.unwrap().unwrap_err();
    drop(silent);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_handshake_that_never_comes() {
    let upstream = Upstream::start("first").await;
    let (mut house, certificate) = encrypted_house(upstream.address);
    house.config["server"]["drain_for"] = json!("1s");
    let mut server = house.serve().await;
    let silent = TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
    // Connections are accepted in order: when this one is answered, the silent one is inside.
    drop(certificate.connect(house.port(), "h2").await.unwrap());
    let asked_at = Instant::now();
    server.signal(Signal::TERM);
    assert_eq!(server.ended().await.code(), Some(0), "{}", server.errors());
    // The server gives a handshake ten seconds.
    assert!(asked_at.elapsed() < Duration::from_secs(8), "{:?}", asked_at.elapsed());
    drop(silent);
}

#[tokio::test]
async fn a_reload_takes_over_upstreams_without_dropping_a_connection_or_a_request() {
    let (first, second) = (Upstream::start("first").await, Upstream::start("second").await);
    let mut house = House::before(first.address);
    let server = house.serve().await;
    let url = format!("http://localhost:{}/x", house.port());
    let mut line = Line::plain(house.port()).await;
    assert_eq!(line.get(&url, &[]).await.unwrap().header("upstream"), Some("first"));
    let visitor = house.visitor();
    let slow = tokio::spawn(async move { visitor.ask("GET", "/slow", &[], full("")).await });
    soon("the request is at the upstream", first.waiting.acquire()).await.unwrap().forget();

    house.config["upstream"][0]["to"] = json!(format!("http://{}", second.address));
    house.write();
    server.signal(Signal::HUP);
    server.says(READ_AGAIN, 1).await;
    assert_eq!(line.get(&url, &[]).await.unwrap().header("upstream"), Some("second"), "the same connection");
    first.released.add_permits(1);
    let answer = soon("the old upstream answers", slow).await.unwrap().unwrap();
    assert_eq!((answer.status, answer.header("upstream")), (200, Some("first")), "the open request");
    server.stop().await;
}

#[tokio::test]
async fn a_reload_takes_over_a_certificate_without_dropping_a_connection() {
    let upstream = Upstream::start("first").await;
    let (house, old) = encrypted_house(upstream.address);
    let server = house.serve().await;
    let url = format!("https://localhost:{}/x", house.port());
    let mut line = Line::one(old.connect(house.port(), "http/1.1").await.unwrap()).await;
    assert_eq!(line.get(&url, &[]).await.unwrap().status, 200);

    let new = Certificate::for_localhost();
    new.write(house.folder());
    server.signal(Signal::HUP);
    server.says(READ_AGAIN, 1).await;
    assert_eq!(line.get(&url, &[]).await.unwrap().status, 200, "the same connection");
    old.connect(house.port(), "http/1.1").await.expect_err("the old certificate is gone");
    let mut line = Line::one(new.connect(house.port(), "http/1.1").await.unwrap()).await;
    assert_eq!(line.get(&url, &[]).await.unwrap().status, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_reload_of_what_is_wrong_changes_nothing() {
    let (first, second) = (Upstream::start("first").await, Upstream::start("second").await);
    let (mut house, old) = encrypted_house(first.address);
    let server = house.serve().await;
    let url = format!("https://localhost:{}/x", house.port());
    let mut line = Line::one(old.connect(house.port(), "http/1.1").await.unwrap()).await;
    let good = house.config.clone();
    let to_second = json!(format!("http://{}", second.address));

    // A new certificate that is right, beside a mistake elsewhere.
    Certificate::for_localhost().write(house.folder());
    house.config["upstream"][0]["to"] = to_second.clone();
    house.config["session"] = json!({ "profile": "odd" });
    house.write();
    server.signal(Signal::HUP);
    server.says(NOTHING, 1).await;
    assert!(server.errors().contains("session.profile: \"odd\""), "{}", server.errors());
    assert_eq!(line.get(&url, &[]).await.unwrap().header("upstream"), Some("first"));
    old.connect(house.port(), "http/1.1").await.expect("the old certificate is still there");

    // Right upstreams, beside a key that belongs to another certificate.
    house.config = good.clone();
    house.config["upstream"][0]["to"] = to_second.clone();
    house.write();
    Certificate::for_localhost().write_only("key.pem", house.folder());
    server.signal(Signal::HUP);
    server.says(NOTHING, 2).await;
    assert_eq!(line.get(&url, &[]).await.unwrap().header("upstream"), Some("first"));
    old.connect(house.port(), "http/1.1").await.expect("the old certificate is still there");

    // Right upstreams, one of which requires a second factor from now on: that is not half taken over.
    old.write(house.folder());
    house.config = good;
    house.config["upstream"][0]["to"] = to_second;
    house.config["upstream"][1]["second_factor"] = json!("required");
    house.write();
    server.signal(Signal::HUP);
    server.says(NOTHING, 3).await;
    assert!(server.errors().contains("changes with a restart only"), "{}", server.errors());
    assert_eq!(line.get(&url, &[]).await.unwrap().header("upstream"), Some("first"));

    // No configuration at all.
    std::fs::remove_file(house.folder().join("cloakroom.toml")).unwrap();
    server.signal(Signal::HUP);
    server.says(NOTHING, 4).await;
    assert_eq!(line.get(&url, &[]).await.unwrap().header("upstream"), Some("first"));
    server.stop().await;
}
