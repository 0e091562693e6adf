//! What is open on one node when its session ends on another.

use crate::deadline::soon;
use crate::place::Place;
use cloakroom_testbed::Roamer;
use futures_util::{SinkExt as _, StreamExt as _};
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// An upstream that answers every WebSocket message with itself.
async fn talkative() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
                while let Some(Ok(message)) = socket.next().await {
                    if message.is_text() && socket.send(message).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// An upstream that answers every request with one event, and then holds its breath.
async fn eventful() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut line = String::new();
                while !line.ends_with("\r\n\r\n") && stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {}
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
                stream.write_all(format!("{head}f\r\ndata: welcome\n\n\r\n").as_bytes()).await.unwrap();
                // Until nobody listens any longer.
                drop(stream.read_to_end(&mut Vec::new()).await);
            });
        }
    });
    address
}

async fn websocket(ann: &Roamer) -> tokio_tungstenite::WebSocketStream<TcpStream> {
    let address = format!("{}/ws/socket", ann.origin().replacen("http", "ws", 1));
    let mut request = address.into_client_request().unwrap();
    request.headers_mut().insert("origin", ann.origin().parse().unwrap());
    request.headers_mut().insert("cookie", ann.cookies_for("/ws/socket").parse().unwrap());
    let stream = TcpStream::connect(("127.0.0.1", ann.port())).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(soon("the echo comes", socket.next()).await.unwrap().unwrap(), Message::text("hello"));
    socket
}

async fn events(ann: &Roamer) -> BufReader<TcpStream> {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", ann.port())).await.unwrap());
    let request = format!(
        "GET /events/all HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\nAccept: text/event-stream\r\nSec-Fetch-Site: same-origin\r\n\r\n",
        ann.origin().trim_start_matches("http://"),
        ann.cookies_for("/events/all"),
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = String::new();
    while !said.contains("welcome") {
        assert!(soon("the event comes", stream.read_line(&mut said)).await.unwrap() > 0, "{said}");
    }
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_ends_on_one_node_ends_its_streams_on_every_other() {
    let more = format!(
        "[[upstream]]\npath = \"/ws\"\nto = \"http://{}\"\naccess = \"signed-in\"\n\
         [[upstream]]\npath = \"/events\"\nto = \"http://{}\"\naccess = \"signed-in\"\n",
        talkative().await,
        eventful().await
    );
    let place = Place::on_postgres(&more).await;
    let nodes = &place.nodes;
    let (ann, bob) = (nodes.signed_in("ann@example.com").await, nodes.signed_in("bob@example.com").await);
    let (mut sockets, mut streams) = (Vec::new(), Vec::new());
    for node in [0, 1] {
        sockets.push(websocket(&ann.on(node)).await);
        streams.push(events(&ann.on(node)).await);
    }
    let mut of_bob = websocket(&bob.on(0)).await;
    assert_eq!(ann.on(2).fetch("POST", "/auth/logout", None).await.status, 204);
    for mut socket in sockets {
        let last = soon("the socket is closed", socket.next()).await.unwrap().unwrap();
        let Message::Close(Some(frame)) = last else { panic!("{last:?}") };
        assert_eq!(u16::from(frame.code), 4401);
    }
    for mut stream in streams {
        // Ended or broken off: either way there is no more.
        drop(soon("the stream ends", stream.read_to_end(&mut Vec::new())).await);
    }
    of_bob.send(Message::text("still here")).await.unwrap();
    assert_eq!(soon("the echo comes", of_bob.next()).await.unwrap().unwrap(), Message::text("still here"));
    place.close().await;
}
