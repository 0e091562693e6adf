//! `GET /auth/probe`: what the doctor reads, and how little of it there is.

use cloakroom_testbed::{Answer, House};
use http::StatusCode;
use serde_json::{Value, json};

/// The data of the first event.
fn seen(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("text/event-stream", "no-store"));
    let text = answer.text();
    let (first, second) = text.strip_prefix("event: seen\ndata: ").unwrap().split_once("\n\n").unwrap();
    let held = second.strip_prefix("event: end\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
    let held: Value = serde_json::from_str(held).unwrap();
    assert!(held["held_ms"].as_u64().unwrap() >= 1000, "{held}");
    serde_json::from_str(first).unwrap()
}

#[tokio::test]
async fn it_tells_how_a_request_was_judged_and_not_what_was_in_it() {
    let house = House::start().await;
    let direct = seen(&house.guest().send("GET", "/auth/probe", &[], "").await);
    assert_eq!(direct["time"], 1_800_000_000_000_u64);
    let kept = |seen: &Value| ["scheme", "host", "peer", "forwarded", "client"].map(|name| seen[name].clone());
    assert_eq!(kept(&direct), ["http", "expected", "untrusted", "none", "loopback"].map(Value::from));
    let lie = [("x-forwarded-for", "192.0.2.77"), ("x-forwarded-proto", "https")];
    let unheard = seen(&house.guest().send("GET", "/auth/probe", &lie, "").await);
    assert_eq!(kept(&unheard), ["http", "expected", "untrusted", "ignored", "loopback"].map(Value::from));
    house.close().await;

    let trusting = House::with("[server]\ntrusted_proxies = [\"127.0.0.1\"]").await;
    let answer = trusting.guest().send("GET", "/auth/probe", &[("x-forwarded-for", "192.0.2.77")], "").await;
    let believed = seen(&answer);
    assert_eq!(kept(&believed), ["http", "expected", "trusted", "believed", "documentation"].map(Value::from));
    assert!(!answer.text().contains("192.0.2.77") && answer.cookies().is_empty(), "{}", answer.text());
    trusting.close().await;
}

#[tokio::test]
async fn sixteen_at_once_are_enough_and_there_is_room_again_afterwards() {
    let house = House::start().await;
    let guests: Vec<_> = (0..40).map(|_| house.guest()).collect();
    let asked = guests.iter().map(|guest| guest.send("GET", "/auth/probe", &[], ""));
    let answers = futures_util::future::join_all(asked).await;
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert!(statuses.contains(&StatusCode::OK) && statuses.contains(&StatusCode::SERVICE_UNAVAILABLE), "{statuses:?}");
    assert!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count() >= 16, "{statuses:?}");
    assert_eq!(seen(&house.guest().send("GET", "/auth/probe", &[], "").await)["v"], json!(1));
    house.close().await;
}
