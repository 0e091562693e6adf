//! The revocation feed as services see it, and what they tell back.

use cloakroom_core::id::AccountId;
use cloakroom_testbed::{Answer, Guest, House};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

const TOKEN: &str = "feed-token-feed-token-feed-token-01";
const OFFERED: &str = "[revocation]\nfeed_token = \"feed-token-feed-token-feed-token-01\"";

async fn feed(house: &House, after: u64) -> Value {
    let answer = ask(house, &format!("/auth/revocations?after={after}"), TOKEN).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"), "{}", answer.text());
    answer.json()
}

async fn ask(house: &House, path: &str, token: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    house.guest().send("GET", path, &[("authorization", &authorization)], "").await
}

async fn session_of(guest: &Guest) -> String {
    guest.fetch("GET", "/auth/me", None).await.json()["session"]["id"].as_str().unwrap().to_owned()
}

async fn account_of(guest: &Guest) -> AccountId {
    guest.fetch("GET", "/auth/me", None).await.json()["account"]["id"].as_str().unwrap().parse().unwrap()
}

fn kinds(document: &Value) -> Vec<&str> {
    document["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_feed_is_for_who_knows_its_token_and_only_where_one_is_configured() {
    let mut house = House::start().await;
    assert_eq!(ask(&house, "/auth/revocations", TOKEN).await.code(), "feed-not-offered");
    house.restart_with(OFFERED).await;
    house.watch.secret(TOKEN);
    let ann = house.signed_in("ann@example.com").await;
    assert_eq!(ann.fetch("GET", "/auth/revocations", None).await.code(), "not-a-service", "a session does not open it");
    for wrong in ["", "x", &TOKEN[1..], &format!("{TOKEN}x")] {
        let refused = ask(&house, "/auth/revocations", wrong).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNAUTHORIZED, "not-a-service"));
    }
    for wrong in ["-1", "x", "1.5", "99999999999999999999999"] {
        assert_eq!(
            ask(&house, &format!("/auth/revocations?after={wrong}"), TOKEN).await.code(),
            "bad-request",
            "{wrong}"
        );
    }
    let nobody = json!({ "seen": [] }).to_string();
    let post = house.guest().send("POST", "/auth/sightings", &[("content-type", "application/json")], nobody).await;
    assert_eq!(post.code(), "not-a-service");
    house.close().await;
}

#[tokio::test]
async fn every_way_to_revoke_is_in_the_feed_before_its_answer_leaves() {
    let house = House::with(OFFERED).await;
    house.watch.secret(TOKEN);
    let (ann, bob) = (house.signed_in("ann@example.com").await, house.signed_in("bob@example.com").await);
    let start = feed(&house, 0).await["next"].as_u64().unwrap();
    assert_eq!(feed(&house, start).await["entries"], json!([]));

    let sid = session_of(&ann).await;
    ann.fetch("POST", "/auth/logout", None).await;
    let told = feed(&house, start).await;
    let entry = &told["entries"][0];
    assert_eq!((entry["kind"].as_str(), entry["sid"].as_str()), (Some("session"), Some(sid.as_str())));
    assert_eq!((told["after"].as_u64(), told["next"].as_u64()), (Some(start), Some(start + 1)));
    assert!(entry["until"].as_i64().unwrap() > told["now"].as_i64().unwrap() + 300_000, "as long as a token can live");

    // Everything of an account: its sessions by name, and a floor for what has no name.
    let next = told["next"].as_u64().unwrap();
    let account = account_of(&bob).await;
    house.advance(2);
    house.running().app().revoke_account(account).await.unwrap();
    let told = feed(&house, next).await;
    assert_eq!(kinds(&told), ["session", "account"]);
    assert_eq!(told["entries"][1]["sub"], account.to_string());
    assert_eq!(bob.fetch("GET", "/app/x", None).await.code(), "signed-out");
    assert_eq!(bob.refresh().await.code(), "session-ended");
    assert_eq!(bob.log_in("bob@example.com").await.status, StatusCode::OK, "who knows the password comes back");

    // Disabled: nobody comes back.
    let next = told["next"].as_u64().unwrap();
    house.running().app().disable_account(account, true).await.unwrap();
    assert_eq!(kinds(&feed(&house, next).await), ["session", "account"]);
    let login = json!({ "email": "bob@example.com", "password": cloakroom_testbed::PASSWORD });
    assert_eq!(house.guest().fetch("POST", "/auth/login", Some(login.clone())).await.code(), "account-disabled");
    let wrong = json!({ "email": "bob@example.com", "password": "not the password of bob" });
    assert_eq!(
        house.guest().fetch("POST", "/auth/login", Some(wrong)).await.code(),
        "wrong-credentials",
        "only its owner is told"
    );
    house.running().app().disable_account(account, false).await.unwrap();
    house.advance(1);
    assert_eq!(house.guest().fetch("POST", "/auth/login", Some(login)).await.status, StatusCode::OK);

    // A key, and everything.
    let next = feed(&house, 0).await["next"].as_u64().unwrap();
    let carol = house.signed_in("carol@example.com").await;
    let key = house.running().app().ring().records().iter().find(|key| key.algorithm == "EdDSA").unwrap().id;
    house.running().app().withdraw_key(key).await.unwrap();
    assert_eq!(carol.status_of_app().await, StatusCode::UNAUTHORIZED);
    let dave = house.signed_in("dave@example.com").await;
    house.advance(2);
    house.running().app().revoke_everything().await.unwrap();
    assert_eq!(kinds(&feed(&house, next).await), ["key", "everything", "everything"]);
    assert_eq!(
        (dave.status_of_app().await, dave.refresh().await.code()),
        (StatusCode::UNAUTHORIZED, "session-ended".into())
    );
    house.advance(1);
    let erin = house.signed_in("erin@example.com").await;
    assert_eq!(erin.status_of_app().await, StatusCode::OK, "who logs in afterwards is in");
    house.close().await;
}

#[tokio::test]
async fn a_position_beyond_the_end_is_told_to_start_anew() {
    let house = House::with(OFFERED).await;
    house.watch.secret(TOKEN);
    let ann = house.signed_in("ann@example.com").await;
    ann.fetch("POST", "/auth/logout", None).await;
    let told = feed(&house, 1_000_000).await;
    assert_eq!((told["reset"].as_bool(), told["after"].as_u64(), kinds(&told)), (Some(true), Some(0), vec!["session"]));
    house.close().await;
}

/// A follower of the events, on a socket of its own.
struct Follower {
    lines: Lines<BufReader<OwnedReadHalf>>,
    _write: OwnedWriteHalf,
}

impl Follower {
    async fn start(house: &House, after: u64) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
        let (read, mut write) = socket.into_split();
        let request = format!(
            "GET /auth/revocations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
             Accept: text/event-stream\r\nLast-Event-ID: {after}\r\n\r\n"
        );
        write.write_all(request.as_bytes()).await.unwrap();
        Self { lines: BufReader::new(read).lines(), _write: write }
    }

    /// The next document; `None` when the stream has ended.
    async fn next(&mut self) -> Option<Value> {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
            if line == "0" {
                return None;
            }
        }
        None
    }

    /// The next document that says something.
    async fn news(&mut self) -> Value {
        loop {
            let document = self.next().await.unwrap();
            if document["entries"] != json!([]) {
                return document;
            }
        }
    }
}

#[tokio::test]
async fn events_come_as_soon_as_something_is_revoked_and_join_without_a_gap() {
    let mut house = House::with(OFFERED).await;
    house.watch.secret(TOKEN);
    let ann = house.signed_in("ann@example.com").await;
    let mut follower = Follower::start(&house, 0).await;
    let first = follower.next().await.unwrap();
    let mut position = first["next"].as_u64().unwrap();
    for _ in 0..5 {
        let sid = session_of(&ann).await;
        ann.fetch("POST", "/auth/logout", None).await;
        let told = follower.news().await;
        assert_eq!((told["after"].as_u64(), told["entries"][0]["sid"].as_str()), (Some(position), Some(sid.as_str())));
        position = told["next"].as_u64().unwrap();
        ann.log_in("ann@example.com").await;
    }
    // Nothing happens: the follower still hears that nothing happened.
    let quiet = follower.next().await.unwrap();
    assert_eq!((quiet["entries"].clone(), quiet["after"].as_u64()), (json!([]), Some(position)));
    // The server stops: the stream ends at once, not when the drain gives up on it.
    let (stopped, ended) = tokio::join!(house.restart(), async { while follower.next().await.is_some() {} });
    assert_eq!((stopped, ended), ((), ()));
    house.close().await;
}

#[tokio::test]
async fn what_a_service_saw_acknowledges_a_generation_that_this_node_never_saw() {
    let offered = format!("{OFFERED}\n[session]\nacknowledge_weaker = true\nstrategy = \"memory\"");
    let house = House::with(&offered).await;
    house.watch.secret(TOKEN);
    let ann = house.signed_in("ann@example.com").await;
    house.advance(301);
    let before = ann.copied();
    let refreshed = ann.refresh().await.json();
    house.watch.secret(refreshed["access_token"].as_str().unwrap());
    let sid = refreshed["session"]["id"].as_str().unwrap();
    // The page shows its new token to an API elsewhere, never here.
    let now: i64 = 1000 * (1_800_000_000 + 301);
    let seen = json!({ "seen": [{ "sid": sid, "gen": 1, "first_used_at": now, "last_used_at": now }] }).to_string();
    let authorization = format!("Bearer {TOKEN}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let told = house.guest().send("POST", "/auth/sightings", &headers, seen).await;
    assert_eq!(told.status, StatusCode::NO_CONTENT, "{}", told.text());
    house.advance(11);
    // Without the report this would be a lost answer; with it, it is a thief.
    assert_eq!(before.refresh().await.code(), "session-ended");
    for wrong in
        [json!({}), json!({ "seen": {} }), json!({ "seen": [{ "sid": "x" }] }), json!({ "seen": vec![json!({}); 2] })]
    {
        let refused = house.guest().send("POST", "/auth/sightings", &headers, wrong.to_string()).await;
        assert_eq!(refused.code(), "bad-request", "{wrong}");
    }
    // As many as a service may send at once.
    let report = json!({ "sid": sid, "gen": 1, "first_used_at": now, "last_used_at": now });
    for (count, status) in [(1000, StatusCode::NO_CONTENT), (1001, StatusCode::BAD_REQUEST)] {
        let seen = json!({ "seen": vec![report.clone(); count] }).to_string();
        let told = house.guest().send("POST", "/auth/sightings", &headers, seen).await;
        assert_eq!(told.status, status, "{count}: {}", told.text());
    }
    house.close().await;
}
