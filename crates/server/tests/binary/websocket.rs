//! A WebSocket of a signed-in page, through the gateway.

use crate::deadline::soon;
use crate::house::House;
use crate::upstream::Upstream;
use crate::visitor::Visitor;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};

fn handshake(port: u16, visitor: &Visitor, origin: &str) -> Request {
    let mut request = format!("ws://localhost:{port}/app/socket").into_client_request().unwrap();
    request.headers_mut().insert("origin", origin.parse().unwrap());
    let cookies = visitor.cookies("/app/socket");
    if !cookies.is_empty() {
        request.headers_mut().insert("cookie", cookies.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn messages_go_both_ways_for_somebody_who_is_signed_in_and_for_nobody_else() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let mut ann = house.visitor();
    let refused = async |request: Request| {
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
        match tokio_tungstenite::client_async(request, stream).await {
            Err(Error::Http(answer)) => answer.status().as_u16(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(handshake(house.port(), &ann, &ann.origin())).await, 401, "a stranger");
    ann.sign_in("ann@example.com").await;
    assert_eq!(refused(handshake(house.port(), &ann, "https://evil.example")).await, 403, "another site");

    let stream = tokio::net::TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
    let request = handshake(house.port(), &ann, &ann.origin());
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    let messages = [Message::text("hello"), Message::binary(vec![7; 100_000]), Message::text("")];
    for message in messages {
        socket.send(message.clone()).await.unwrap();
        let echo = soon("the echo comes", socket.next()).await.unwrap().unwrap();
        assert!(echo == message);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_log_out_in_another_tab_closes_an_open_websocket() {
    let upstream = Upstream::start("first").await;
    let house = House::before(upstream.address);
    let server = house.serve().await;
    let mut ann = house.visitor();
    ann.sign_in("ann@example.com").await;
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
    let request = handshake(house.port(), &ann, &ann.origin());
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    assert_eq!(ann.fetch("POST", "/auth/logout", None).await.unwrap().status, 204);
    let said = soon("the socket is closed", async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    })
    .await;
    assert_eq!(said, Some(4401));
    server.stop().await;
}
