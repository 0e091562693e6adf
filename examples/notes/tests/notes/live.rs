//! Live updates over real sockets, by server-sent events and by WebSocket.

use crate::issuer::{Issuer, Server};
use axum::http::StatusCode;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(api: &Server, token: &str) -> Socket {
    let mut request = format!("ws://{}/api/live", api.address).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    connect_async(request).await.unwrap().0
}

async fn heard(socket: &mut Socket) -> Value {
    match socket.next().await.unwrap().unwrap() {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("not a text: {other:?}"),
    }
}

#[tokio::test]
async fn a_change_arrives_by_both_ways_and_only_at_its_owner() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let (ada, bob) = (issuer.token("ada"), issuer.token("bob"));
    let (mut events, mut other) = (api.events(&ada).await, api.events(&bob).await);
    let (mut socket, mut other_socket) = (open(&api, &ada).await, open(&api, &bob).await);
    for stream in [&mut events, &mut other] {
        assert_eq!(stream.next().await.unwrap(), ": open");
    }

    api.add(&ada, "milk\nbread").await;
    api.delete(&ada, 1).await;
    api.add(&bob, "bob's").await;

    let added =
        json!({ "type": "note-added", "seq": 1, "note": { "id": 1, "text": "milk\nbread", "at": 1_800_000_000 } });
    let deleted = json!({ "type": "note-deleted", "seq": 2, "id": 1 });
    for (name, seq, change) in [("note-added", 1, &added), ("note-deleted", 2, &deleted)] {
        let event = events.next().await.unwrap();
        let lines: Vec<&str> = event.lines().collect();
        let data = lines.iter().find_map(|line| line.strip_prefix("data: ")).unwrap();
        assert!(
            lines.contains(&format!("event: {name}").as_str()) && lines.contains(&format!("id: {seq}").as_str()),
            "{event}"
        );
        assert_eq!(&serde_json::from_str::<Value>(data).unwrap(), change);
        assert_eq!(&heard(&mut socket).await, change);
    }
    // The first thing that the other one hears is its own.
    assert!(other.next().await.unwrap().contains("bob's"));
    assert_eq!(heard(&mut other_socket).await["note"]["text"], "bob's");
}

#[tokio::test]
async fn a_page_adds_by_websocket_and_is_told_what_does_not_work() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let token = issuer.token("ada");
    let mut socket = open(&api, &token).await;
    let mut say = async |message: Value| {
        socket.send(Message::text(message.to_string())).await.unwrap();
        heard(&mut socket).await
    };
    let added = say(json!({ "type": "add", "text": " by socket " })).await;
    assert_eq!((&added["type"], &added["note"]["text"]), (&json!("note-added"), &json!("by socket")));
    for bad in [json!({ "type": "add" }), json!({ "type": "add", "text": "" }), json!({ "type": "drop" }), json!(7)] {
        assert_eq!(say(bad).await, json!({ "type": "error", "code": "bad-note" }));
    }
    assert_eq!(api.texts(&token).await, ["by socket"]);

    // Over the limit: the connection ends, nothing is added.
    socket.send(Message::text(json!({ "type": "add", "text": "x".repeat(9_000) }).to_string())).await.unwrap();
    while let Some(Ok(message)) = socket.next().await {
        assert!(!message.is_text(), "{message}");
    }
    assert_eq!(api.texts(&token).await, ["by socket"]);
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let token = issuer.token("ada");
    let (mut events, mut socket) = (api.events(&token).await, open(&api, &token).await);
    let mut speaker = open(&api, &token).await;
    assert_eq!(events.next().await.unwrap(), ": open");
    issuer.wait(305);
    speaker.send(Message::text(r#"{"type":"add","text":"too late"}"#)).await.unwrap();
    assert_eq!(heard(&mut speaker).await, json!({ "type": "error", "code": "token-invalid" }));
    assert_eq!(api.add(&issuer.token("ada"), "not for them").await.status, StatusCode::CREATED);
    assert_eq!(events.next().await, None);
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_))) | None));
    assert_eq!(api.texts(&issuer.token("ada")).await, ["not for them"]);
}

#[tokio::test]
async fn open_streams_do_not_keep_the_server_from_stopping() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let token = issuer.token("ada");
    let (mut events, mut socket) = (api.events(&token).await, open(&api, &token).await);
    assert_eq!(events.next().await.unwrap(), ": open");
    api.stop().await;
    assert_eq!(events.next().await, None);
    assert!(!matches!(socket.next().await, Some(Ok(Message::Text(_)))));
}

#[tokio::test]
async fn one_person_has_16_streams_and_a_plain_get_is_no_websocket() {
    let issuer = Issuer::start().await;
    let api = issuer.api(None).await;
    let token = issuer.token("ada");
    let mut open = Vec::new();
    for _ in 0..cloakroom_notes::MAX_STREAMS {
        open.push(api.events(&token).await);
    }
    assert_eq!(api.get("/api/events", &token).await.code(), "too-many-streams");
    assert_eq!(api.get("/api/live", &token).await.code(), "not-a-websocket");
    assert_eq!(api.events(&issuer.token("bob")).await.next().await.unwrap(), ": open");
}
