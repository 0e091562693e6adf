//! Answers and failures of upstreams, as the client sees them.

use std::time::Duration;

use bytes::Bytes;
use cloakroom_gateway::{Limits, Outcome, Problem};
use http::{Request, Version};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::harness::{
    Proxy, Recorder, TestGate, field, problem, read_head, read_message, read_until, site, status, upstream, within,
};

#[tokio::test]
async fn every_problem_is_a_json_document_that_says_its_status() {
    for &one in Problem::ALL {
        let text = one.document();
        assert!(text.contains(&format!("\"type\":\"urn:cloakroom:problem:{}\"", one.code())), "{text}");
        assert!(text.contains(&format!("\"status\":{},", one.status().as_u16())), "{text}");
        assert_eq!(text.matches('"').count(), 18, "{text}");
        assert!(text.contains(&format!("\"code\":\"{}\"", one.code())), "{text}");
        let response = one.response();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn an_upstream_that_cannot_be_reached_is_502() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = Proxy::start(vec![site(address)]).await;
    let answer = proxy.get("/", "").await;
    assert_eq!(problem(&answer), (502, "upstream-unreachable".into()));
    assert_eq!(field(&answer, "content-type").as_deref(), Some("application/problem+json"));
    let seen = proxy.gate.seen.lock().unwrap().clone();
    assert_eq!(seen, [(Some("site".to_owned()), 502, Outcome::Refused(Problem::UpstreamUnreachable))]);
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_504() {
    let address = upstream(|mut stream| async move {
        let _ = read_head(&mut stream).await;
        let _ = read_head(&mut stream).await;
    })
    .await;
    let limits = Limits { answer_for: Duration::from_millis(50), ..Limits::default() };
    let proxy = Proxy::with(vec![site(address)], TestGate::default(), limits).await;
    assert_eq!(problem(&proxy.get("/", "").await), (504, "upstream-timeout".into()));
    let post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
    assert_eq!(problem(&proxy.send(post).await), (504, "upstream-timeout".into()));
}

#[tokio::test]
async fn an_upstream_that_answers_nonsense_is_502() {
    for nonsense in [
        "",
        "SSH-2.0-OpenSSH\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent Length: 1\r\n\r\na",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ] {
        let address = upstream(move |mut stream| async move {
            let _ = read_head(&mut stream).await;
            let _ = stream.write_all(nonsense.as_bytes()).await;
        })
        .await;
        let proxy = Proxy::start(vec![site(address)]).await;
        assert_eq!(problem(&proxy.get("/", "").await), (502, "upstream-failed".into()), "{nonsense:?}");
    }
}

#[tokio::test]
async fn too_many_waiting_requests_are_503() {
    let address = upstream(|mut stream| async move {
        let _ = read_head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let limits = Limits { max_pending: 0, ..Limits::default() };
    let proxy = Proxy::with(vec![site(address)], TestGate::default(), limits).await;
    let answer = proxy.get("/", "").await;
    assert_eq!(problem(&answer), (503, "overloaded".into()));
    assert_eq!(field(&answer, "retry-after").as_deref(), Some("1"));
}

#[tokio::test]
async fn redirects_errors_and_bodies_of_the_upstream_pass_as_they_are() {
    for (sent, code) in [
        ("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n", 302),
        ("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops", 500),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"x\"\r\n\r\n", 304),
        ("HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200),
    ] {
        let (address, _) = Recorder::start(sent).await;
        let answer = Proxy::start(vec![site(address)]).await.get("/", "").await;
        assert_eq!(status(&answer), code, "{answer}");
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
        assert_eq!(
            answer.split_once("\r\n\r\n").unwrap().1,
            if code == 304 { "" } else { sent.split_once("\r\n\r\n").unwrap().1 }
        );
        assert_eq!(field(&answer, "location").is_some(), code == 302);
    }
}

#[tokio::test]
async fn asvs_4_2_2_head_keeps_the_length_that_it_speaks_of() {
    let (address, _) = Recorder::start("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n").await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let answer = proxy.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(field(&answer, "content-length").as_deref(), Some("1234"));
    assert!(answer.ends_with("\r\n\r\n"));
}

#[tokio::test]
async fn connections_to_upstreams_are_kept_and_a_closed_one_is_not_the_clients_problem() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(vec![site(listener.local_addr().unwrap())]).await;
    let serve_two = async {
        let (mut first, _) = listener.accept().await.unwrap();
        for _ in 0..2 {
            read_message(&mut first).await.unwrap();
            first.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        }
        drop(first);
        let (mut second, _) = listener.accept().await.unwrap();
        read_message(&mut second).await.unwrap();
        second.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew").await.unwrap();
        second
    };
    let ask = async {
        let mut client = proxy.connect().await;
        for end in ["ok", "ok", "new"] {
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            assert_eq!(status(&read_until(&mut client, &format!("\r\n\r\n{end}")).await), 200);
        }
    };
    within(async { tokio::join!(serve_two, ask) }).await;
}

#[tokio::test]
async fn expect_100_continue_is_answered_when_the_upstream_takes_the_body() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let mut client = proxy.connect().await;
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    client.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(read_until(&mut client, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(b"body").await.unwrap();
    assert_eq!(status(&read_until(&mut client, "ok").await), 200);
    let request = recorder.only();
    assert_eq!(field(&request, "expect"), None);
    assert!(request.ends_with("body"));
}

#[tokio::test]
async fn expect_100_continue_is_not_answered_when_the_gate_refuses() {
    let (address, _) = Recorder::ok().await;
    let gate = TestGate { refuse: true, ..TestGate::default() };
    let proxy = Proxy::with(vec![site(address)], gate, Limits::default()).await;
    let head = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    assert!(proxy.send(head).await.starts_with("HTTP/1.1 401"));
}

#[tokio::test]
async fn trailers_pass_both_ways_except_what_may_not_be_one() {
    let (address, recorder) = Recorder::start(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Set-Cookie\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 9\r\nSet-Cookie: a=evil\r\n\r\n",
    )
    .await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let answer = proxy
        .send(
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: close, te\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\
             Trailer: X-Check, Authorization, X-User\r\n\r\n\
             2\r\nhi\r\n0\r\nX-Check: 7\r\nAuthorization: Bearer evil\r\nX-User: evil\r\n\r\n",
        )
        .await;
    assert!(answer.contains("0\r\nx-sum: 9\r\n\r\n"), "{answer}");
    let request = recorder.only();
    assert!(request.contains("0\r\nx-check: 7\r\n\r\n"), "{request}");
    assert!(!format!("{answer}{request}").contains("evil"), "{answer}{request}");
}

#[tokio::test]
async fn http_2_clients_get_the_same() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let stream = proxy.connect().await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = |uri: &str| Request::builder().version(Version::HTTP_2).uri(uri.to_owned());
    let body = |text: &'static str| Full::new(Bytes::from(text)).boxed();
    let get = request("http://app.example:99/a%2Fb?x")
        .header("cookie", "a=1")
        .header("cookie", "__Host-Http-cloakroom=secret")
        .header("cookie", "b=2")
        .header("authorization", "Bearer theirs")
        .body(body(""))
        .unwrap();
    let answer = sender.send_request(get).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
    let seen = recorder.only();
    assert!(seen.starts_with("GET /a%2Fb?x HTTP/1.1\r\n"), "{seen}");
    assert_eq!(field(&seen, "cookie").as_deref(), Some("a=1; b=2"));
    assert_eq!(field(&seen, "authorization").as_deref(), Some("Bearer ours"));
    assert_eq!(field(&seen, "x-forwarded-host").as_deref(), Some("app.example:99"));
    assert_eq!(field(&seen, "host"), Some(address.to_string()));

    let mismatch = request("http://app.example/").header("host", "other.example").body(body("")).unwrap();
    assert_eq!(sender.send_request(mismatch).await.unwrap().status(), 400);

    let frames = [Ok::<_, hyper::Error>(hyper::body::Frame::data(Bytes::from("streamed")))];
    let unknown =
        BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames)).map_err(|never| panic!("{never}")));
    let post = request("http://app.example/").method("POST").body(unknown).unwrap();
    assert_eq!(sender.send_request(post).await.unwrap().status(), 200);
    let seen = recorder.all().pop().unwrap();
    assert_eq!(field(&seen, "transfer-encoding").as_deref(), Some("chunked"));
    assert!(seen.ends_with("8\r\nstreamed\r\n0\r\n\r\n"), "{seen}");
}
