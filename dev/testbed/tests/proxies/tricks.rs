//! Paths that one server reads in one way and another in another.

use crate::proxy::Kind;
use crate::raw::exchange;
use crate::site::Site;

/// Each leads, for some server, to `/api/who`.
const TRICKS: &[&str] = &[
    "/api/who",
    "//api/who",
    "/./api/who",
    "/x/../api/who",
    "/x/..//api/who",
    "/x/%2e%2e/api/who",
    "/x/..%2fapi/who",
    "/x%2f..%2fapi%2fwho",
    "/%61pi/who",
    "/%2561pi/who",
    "/api%2fwho",
    "/api%252fwho",
    "/api;x=1/who",
    "/;/api/who",
    "/x/..;/api/who",
    "/API/who",
    "/\\api\\who",
    "/x\\..\\api\\who",
    "/x%5c..%5capi%5cwho",
    "/api/who%00",
    "/x%00/../api/who",
    "/open/../api/who",
    "/open/..%2fapi/who",
    "/open/%2e%2e%2fapi%2fwho",
    "/auth/../api/who",
    "/auth/..%2fapi/who",
    "/auth/%2e%2e/api/who",
    "/auth/login/../../api/who",
    "/auth;/../api/who",
    "/auth/x?/../../api/who",
    "/.well-known/jwks.json/../../api/who",
    "/.cloakroom-verify/../api/who",
    "/.cloakroom-verify",
    "/api/who#x",
    "/x#/../api/who",
    "?/../api/who",
    "/api/who?x#/open",
    "/api%20/who",
    "/api./who",
    "/api%c0%afwho",
    "/%ef%bd%81pi/who",
    "/u/1/api/who",
    "http://localhost/api/who",
    "http://other.example/api/who",
];

/// The same list against a configuration as many have it: there some of them do reach what is behind the rule, and a client is
/// whoever it says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_tricks_lead_past_a_naive_proxy() {
    let site = Site::start(Kind::Naive).await;
    let mut past = Vec::new();
    for path in TRICKS {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nCloakroom-Account: spoofed\r\nConnection: close\r\n\r\n",
            site.port()
        );
        exchange(site.port(), request.as_bytes()).await;
        let seen = site.app.take();
        past.extend(
            seen.iter().filter(|seen| is_api(&seen.target)).map(|seen| seen.header("cloakroom-account").to_owned()),
        );
    }
    assert!(past.len() > 5, "{past:?}");
    assert!(past.iter().all(|account| account == "spoofed"));
    site.close().await;
}

pub(crate) async fn paths(site: &Site) {
    // The same reader finds nothing wrong with who is signed in.
    let ann = site.signed_in().await;
    assert_eq!(ann.fetch("GET", "/api/who", None).await.status, 200);
    assert!(
        site.app.take().iter().all(|seen| is_api(&seen.target) && seen.header("authorization").starts_with("Bearer "))
    );

    for path in TRICKS {
        for method in ["GET", "POST"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                site.port()
            );
            let (status, answer) = exchange(site.port(), request.as_bytes()).await;
            assert!(status != 0 && status < 500, "{method} {path}: {answer}");
            for seen in site.app.take() {
                assert!(!is_api(&seen.target), "{method} {path} reached the application as {seen:?}");
                assert_eq!(seen.header("authorization"), "", "{method} {path}");
            }
        }
    }
}

/// Two names, of which one is public: who asks for both at once gets neither.
pub(crate) async fn two_hosts(site: &Site) {
    let port = site.port();
    for request in [
        format!("GET http://localhost:{port}/api/who HTTP/1.1\r\nHost: open.localhost:{port}\r\n"),
        format!("GET /api/who HTTP/1.1\r\nHost: open.localhost:{port}\r\nHost: localhost:{port}\r\n"),
        format!("GET /api/who HTTP/1.1\r\nHost: localhost:{port}\r\nForwarded: host=open.localhost:{port}\r\n"),
        format!("GET /api/who HTTP/1.1\r\nHost: localhost:{port}\r\nX-Forwarded-Host: open.localhost:{port}\r\n"),
    ] {
        let (status, answer) = exchange(port, format!("{request}Connection: close\r\n\r\n").as_bytes()).await;
        assert!((400..500).contains(&status), "{request}: {answer}");
        assert!(site.app.take().is_empty(), "{request}");
    }
    // The public one is there, but behind Caddy, which serves the names that it is told and no other.
    let open = format!("GET /api/who HTTP/1.1\r\nHost: open.localhost:{port}\r\nConnection: close\r\n\r\n");
    exchange(port, open.as_bytes()).await;
    let reached = site.app.take();
    assert_eq!(reached.len(), usize::from(!matches!(site.kind, Kind::Caddy)));
    assert!(reached.iter().all(|seen| seen.header("host").starts_with("open.localhost")), "{reached:?}");
}

/// Whether the most credulous of servers would take this for a path below `/api`.
fn is_api(target: &str) -> bool {
    let mut path = target.split_once("://").map_or(target, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    path = path.split('?').next().unwrap();
    let mut text = path.to_owned();
    for _ in 0..3 {
        text = decoded(&text);
        text = text
            .replace('\\', "/")
            .split('/')
            .map(|segment| segment.split(';').next().unwrap())
            .collect::<Vec<_>>()
            .join("/");
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in text.split('/').map(|segment| segment.trim_end_matches(['.', ' ', '\0'])).zip(text.split('/')) {
        match segment {
            (_, "..") => drop(kept.pop()),
            (_, "" | ".") => {}
            (trimmed, _) => kept.push(trimmed),
        }
    }
    kept.first().is_some_and(|first| first.eq_ignore_ascii_case("api"))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        (bytes, rest) = match digits {
            Some(value) if byte == b'%' => ([bytes, vec![value]].concat(), &after[2..]),
            _ => ([bytes, vec![byte]].concat(), after),
        };
    }
    String::from_utf8_lossy(&bytes).replace("\u{fffd}\u{fffd}", "/")
}
