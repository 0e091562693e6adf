//! One request in, one request out: nothing that two servers could cut into requests differently.

use std::time::Duration;

use cloakroom_gateway::Limits;

use crate::harness::{Proxy, Recorder, TestGate, field, problem, site, status};

/// What must not get through as a second request.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn asvs_4_2_1_ambiguous_framing_is_refused_or_forwarded_unambiguously() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let post = "POST /first HTTP/1.1\r\nHost: a\r\n";
    let corpus = [
        format!("{post}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX{SMUGGLED}"),
        format!("{post}Transfer-Encoding: chunked\r\nContent-Length: 44\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post} Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}Content-Length: 0\r\nContent-Length: 43\r\n\r\n{SMUGGLED}"),
        format!("{post}Content-Length: 0, 43\r\n\r\n{SMUGGLED}"),
        format!("{post}Content-Length: +43\r\n\r\n{SMUGGLED}"),
        format!("{post}Content-Length: -1\r\n\r\n{SMUGGLED}"),
        format!("{post}Content-Length: 0x2b\r\n\r\n{SMUGGLED}"),
        format!("{post}Content-Length: 43 43\r\n\r\n{SMUGGLED}"),
        format!("{post}Content-Length: 99999999999999999999999\r\n\r\n{SMUGGLED}"),
        format!("{post}Content-Length\r\n : 43\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n{SMUGGLED}"),
        format!("{post}Transfer-Encoding: chunked\r\n\r\n1\r\nABC\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("{post}X: a\0b\r\n\r\n{SMUGGLED}"),
        format!("{post}: empty name\r\n\r\n{SMUGGLED}"),
        format!("POST /first HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SMUGGLED}"),
        format!("POST /first\tHTTP/1.1\r\nHost: a\r\n\r\n{SMUGGLED}"),
        format!("POST /first HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n{SMUGGLED}"),
        format!("POST /first HTTP/1.1\r\nHost: a\r\nExpect: 100-continue-x\r\nContent-Length: 43\r\n\r\n{SMUGGLED}"),
    ];
    for wire in corpus {
        let before = recorder.all().len();
        let answer = proxy.send(&wire).await;
        let arrived = recorder.all().split_off(before);
        let shown = format!("{wire:?}\n-> {arrived:?}\n<- {answer:?}");
        assert!(arrived.len() <= 1, "{shown}");
        assert!(!arrived.concat().contains("smuggled"), "{shown}");
        for request in &arrived {
            let framings = [field(request, "content-length"), field(request, "transfer-encoding")];
            assert!(framings.iter().flatten().count() <= 1, "{shown}");
        }
        let answers = answer.matches("HTTP/1.1 ").count() + answer.matches("HTTP/1.0 ").count();
        assert!(answers <= 1, "{shown}");
    }
}

#[tokio::test]
async fn bytes_after_a_whole_request_are_the_next_request_and_pass_the_gate_themselves() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let first = "POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    let second = "GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(proxy.send(format!("{first}{second}")).await.matches("200 OK").count(), 2);
    let asked: Vec<String> = proxy.gate.asked.lock().unwrap().iter().map(|(_, path)| path.clone()).collect();
    assert_eq!(asked, ["/first", "/second"]);
    assert!(recorder.all()[0].ends_with("\r\n\r\nhi"));
}

#[tokio::test]
async fn bare_line_feeds_do_not_reach_the_upstream() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    proxy.send("GET / HTTP/1.1\nHost: a\nX-A: 1\nConnection: close\n\n").await;
    for request in recorder.all() {
        assert!(!request.replace("\r\n", "").contains(['\r', '\n']), "{request:?}");
    }
}

#[tokio::test]
async fn the_request_must_name_one_host_and_a_path() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    for (wire, refusal) in [
        ("GET / HTTP/1.1\r\n\r\n", (400, "bad-host")),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", (400, "bad-host")),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", (400, "bad-host")),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", (400, "bad-host")),
        ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", (400, "bad-host")),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", (400, "bad-host")),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", (400, "bad-host")),
        ("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", (400, "bad-host")),
        ("GET http://x@a/ HTTP/1.1\r\nHost: a\r\n\r\n", (400, "bad-host")),
        ("GET http://a/ HTTP/1.1\r\n\r\n", (400, "bad-host")),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", (400, "bad-target")),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", (400, "bad-target")),
        ("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", (400, "bad-target")),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", (405, "method-refused")),
        ("TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", (405, "method-refused")),
        ("TRACK / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", (405, "method-refused")),
        ("GET / HTTP/1.1\r\nHost: a\r\nExpect: cake\r\nConnection: close\r\n\r\n", (417, "expectation")),
    ] {
        let (status, code) = problem(&proxy.send(wire).await);
        assert_eq!((status, code.as_str()), refusal, "{wire:?}");
    }
    assert_eq!(recorder.all().len(), 0);
    let options = proxy.send("OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert_eq!(status(&options), 204);
    for target in ["http://a/x?y", "HTTP://A:80/x?y"] {
        let absolute = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&proxy.send(absolute).await), 200);
    }
    assert_eq!(status(&proxy.send("GET /x?y HTTP/1.0\r\n\r\n").await), 200);
    let lines: Vec<_> = recorder.all().iter().map(|request| request.lines().next().unwrap().to_owned()).collect();
    assert_eq!(lines, ["GET /x?y HTTP/1.1"; 3]);
}

#[tokio::test]
async fn hop_by_hop_fields_end_here() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let lines = "Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers, deflate\r\nUpgrade: h2c\r\n\
        HTTP2-Settings: AAMAAABkAAQAAP__\r\nX-Mine: 1\r\nX-Other: 2\r\nConnection: Upgrade, HTTP2-Settings, x-mine\r\n";
    assert_eq!(status(&proxy.get("/", lines).await), 200);
    let request = recorder.only();
    for gone in ["keep-alive", "proxy-connection", "upgrade", "http2-settings", "x-mine", "transfer-encoding"] {
        assert_eq!(field(&request, gone), None, "{request}");
    }
    assert_eq!(field(&request, "x-other").as_deref(), Some("2"));
    assert_eq!(field(&request, "te").as_deref(), Some("trailers"));
    assert_eq!(field(&request, "connection").as_deref(), Some("te"));
}

#[tokio::test]
async fn too_much_is_refused_with_its_status() {
    let (address, recorder) = Recorder::ok().await;
    let limits = Limits { max_body_bytes: Some(10), max_headers: 8, max_header_bytes: 500, ..Limits::default() };
    let proxy = Proxy::with(vec![site(address)], TestGate::default(), limits).await;
    let many = "X-A: 1\r\n".repeat(9);
    assert_eq!(problem(&proxy.get("/", &many).await), (431, "header-too-large".into()));
    let long = format!("X-A: {}\r\n", "a".repeat(500));
    assert_eq!(problem(&proxy.get("/", &long).await), (431, "header-too-large".into()));
    let body = |length: usize| format!("Content-Length: {length}\r\n\r\n{}", "a".repeat(length));
    let post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    assert_eq!(status(&proxy.send(format!("{post}{}", body(10))).await), 200);
    assert_eq!(problem(&proxy.send(format!("{post}{}", body(11))).await), (413, "body-too-large".into()));
    let chunked = format!("{post}Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n");
    assert_eq!(problem(&proxy.send(chunked).await), (413, "body-too-large".into()));
    assert!(recorder.all().iter().all(|request| !request.ends_with("0\r\n\r\n")), "never ended as if it were whole");
}

#[tokio::test]
async fn a_silent_body_ends_in_time() {
    let (address, _) = Recorder::ok().await;
    let limits = Limits { idle_for: Duration::from_millis(50), ..Limits::default() };
    let proxy = Proxy::with(vec![site(address)], TestGate::default(), limits).await;
    let answer = proxy.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc").await;
    assert_eq!(problem(&answer), (408, "slow-body".into()));
}
