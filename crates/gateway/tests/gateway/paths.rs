//! Paths arrive as they were sent, or not at all.

use cloakroom_gateway::{Access, Lost, Outcome, Problem, Routes, Upstream};
use proptest::prelude::*;

use crate::harness::{Proxy, RESERVED, Recorder, field, problem, route, site, status};

#[tokio::test]
async fn a_path_and_its_query_reach_the_upstream_byte_for_byte() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let targets = ["/", "/?", "/a%2Fb//c/../d;x=1?q=%2e%2e/&&=", "/%E2%82%AC?x=[1]", "/a?//evil/../..", "/a%20b/?a?b"];
    for target in targets {
        assert_eq!(status(&proxy.get(target, "").await), 200, "{target}");
    }
    let seen: Vec<String> =
        recorder.all().iter().map(|request| request.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(seen, targets);
}

#[tokio::test]
async fn bba_12_no_reading_of_a_path_reaches_another_routes_rule() {
    let (address, recorder) = Recorder::ok().await;
    let open = route("open", "/", address, Access::Public);
    let closed = route("closed", "/admin", address, Access::SignedIn);
    let proxy = Proxy::start(vec![open, closed]).await;
    for path in [
        "/x/../admin",
        "/x/%2e%2e/admin",
        "/x/%252e%252e/admin",
        "/x/..%2fadmin",
        "/x/..%5cadmin",
        "/x\\..\\admin",
        "//admin",
        "/./admin",
        "/%61dmin",
        "/%2561dmin",
        "/ADMIN",
        "/admin;x",
        "/x/..;/admin",
        "/admin%2f",
        "/admin%00",
        "/admin%3f",
        "/admin.",
        "/admin%20",
        "/auth%2fme",
        "/x/../auth/me",
        "/AUTH/me",
        "/..",
        "/%2e%2e",
    ] {
        assert_eq!(problem(&proxy.get(path, "").await), (400, "ambiguous-path".into()), "{path}");
    }
    assert_eq!(problem(&proxy.get("/auth/me", "").await), (404, "no-route".into()));
    assert_eq!(recorder.all().len(), 0);
    assert_eq!(proxy.gate.asked.lock().unwrap().len(), 0, "the gate is not asked about what has no route");
    let seen = proxy.gate.seen.lock().unwrap().clone();
    assert_eq!(seen[0], (None, 400, Outcome::Refused(Problem::AmbiguousPath)));
}

#[tokio::test]
async fn a_prefix_is_cut_and_a_base_path_put_before_the_rest() {
    let (address, recorder) = Recorder::ok().await;
    let mut cut = route("cut", "/api", address, Access::SignedIn);
    cut.strip_prefix = true;
    let mut based = route("based", "/files", address, Access::SignedIn);
    based.to = format!("http://{address}/base/").parse().ok();
    let mut both = route("both", "/both", address, Access::SignedIn);
    (both.strip_prefix, both.to) = (true, format!("http://{address}/base").parse().ok());
    let proxy = Proxy::start(vec![cut, based, both]).await;
    for (sent, arrives) in [
        ("/api", "/"),
        ("/api?x", "/?x"),
        ("/api/", "/"),
        ("/api/a%2Fb?x=1", "/a%2Fb?x=1"),
        ("/files/a", "/base/files/a"),
        ("/both", "/base"),
        ("/both/a?x", "/base/a?x"),
    ] {
        assert_eq!(status(&proxy.get(sent, "X-Forwarded-Prefix: /evil\r\n").await), 200);
        let request = recorder.all().pop().unwrap();
        assert_eq!(request.split(' ').nth(1), Some(arrives), "{sent}");
        let prefix = field(&request, "x-forwarded-prefix");
        let told =
            if sent.starts_with("/api") { Some("/api") } else { sent.get(..5).filter(|&start| start == "/both") };
        assert_eq!(prefix.as_deref(), told, "{sent}");
    }
    assert_eq!(problem(&proxy.get("/both/../both/x", "").await), (400, "ambiguous-path".into()));
    assert_eq!(problem(&proxy.get("/elsewhere", "").await), (404, "no-route".into()));
}

#[tokio::test]
async fn routes_are_chosen_by_host_and_replaced_while_running() {
    let (one, first) = Recorder::ok().await;
    let (two, second) = Recorder::ok().await;
    let mut named = site(two);
    (named.name, named.host) = ("named".into(), Some("named.example".into()));
    let proxy = Proxy::start(vec![site(one), named]).await;
    let get = |host: &'static str| proxy.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    get("app.example").await;
    get("NAMED.example:8080").await;
    assert_eq!((first.all().len(), second.all().len()), (1, 1));
    proxy.gateway.replace_routes(Routes::new(vec![site(two)], RESERVED).unwrap()).unwrap();
    get("app.example").await;
    assert_eq!((first.all().len(), second.all().len()), (1, 2));
}

fn table() -> Routes {
    let to = |name: &str, path: &str, strip| {
        let mut upstream = Upstream::new(name, path, "http://127.0.0.1:1".parse().unwrap(), Access::SignedIn);
        upstream.strip_prefix = strip;
        upstream
    };
    let upstreams = vec![to("site", "/", false), to("a", "/a", false), to("ab", "/a/b", false), to("c", "/c", true)];
    Routes::new(upstreams, &["/auth"]).unwrap()
}

/// Where a path leads for a server that goes by its letters, written without the gateway's own code.
fn naive(path: &str) -> Option<&'static str> {
    let under = |prefix: &str| path == prefix || path.starts_with(&format!("{prefix}/"));
    let places = [("/auth", "auth"), ("/a/b", "ab"), ("/a", "a"), ("/c", "c")];
    places
        .into_iter()
        .find(|(prefix, _)| under(prefix))
        .map(|(_, name)| name)
        .or(path.starts_with('/').then_some("site"))
}

fn percent_decoded(path: &str) -> Option<String> {
    let mut out = Vec::new();
    let bytes = path.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let hex = path.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let escape = hex.filter(|_| bytes[at] == b'%');
        out.push(escape.unwrap_or(bytes[at]));
        at += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).ok()
}

fn resolved(path: &str) -> Option<String> {
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    for (index, segment) in segments.iter().enumerate() {
        match *segment {
            ".." => {
                kept.pop()?;
            }
            "." => {}
            other => {
                kept.push(other);
                continue;
            }
        }
        if index + 1 == segments.len() {
            kept.push("");
        }
    }
    Some(format!("/{}", kept.join("/")))
}

/// One server's way: how often it decodes, and what else it does, in the order of most of them.
fn read(path: &str, decodings: u8, habits: u8) -> Option<String> {
    let [slashes, parameters, merge, early] = [1, 2, 4, 8].map(|habit| habits & habit != 0);
    let mut path = path.to_owned();
    if early {
        path = resolved(&path)?;
    }
    for _ in 0..decodings {
        path = percent_decoded(&path)?;
    }
    if slashes {
        path = path.replace('\\', "/");
    }
    if parameters {
        path = path.split('/').map(|segment| segment.split(';').next().unwrap()).collect::<Vec<_>>().join("/");
    }
    if merge {
        while path.contains("//") {
            path = path.replace("//", "/");
        }
    }
    resolved(&path)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn an_accepted_path_belongs_to_the_same_route_for_every_server(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "/", "/", "/", "a", "b", "c", "A", "auth", "x", "..", ".", "%2e", "%2E%2e", "%252e", "%2f", "%252f", "\\",
                "%5c", "%255c", ";", ";y", "%3b", "%61", "%2561", "%", "%25", "%00", "%20", " ", "?", "é",
            ]),
            0..9,
        )
    ) {
        let path = format!("/{}", parts.concat().replace([' ', '?'], ""));
        let routes = table();
        match routes.find("app.example", &path) {
            Ok(upstream) => {
                prop_assert_eq!(naive(&path), Some(upstream.name.as_str()));
                for habits in 0..16 {
                    for decodings in 0..3 {
                        let reading = read(&path, decodings, habits);
                        let place = reading.as_deref().and_then(naive);
                        prop_assert_eq!(place, Some(upstream.name.as_str()), "{} as {:?}", path, reading);
                        let folded = reading.unwrap_or_default().to_lowercase();
                        prop_assert_eq!(naive(&folded), Some(upstream.name.as_str()), "{} as {}", path, folded);
                    }
                }
            }
            Err(Lost::NotFound) => prop_assert_eq!(naive(&path), Some("auth")),
            Err(Lost::Ambiguous) => {}
        }
    }

    #[test]
    fn any_text_is_judged_without_a_panic(path in "\\PC{0,60}", prefix in "[/%.;\\\\a-c0-9]{0,30}") {
        let routes = table();
        let _ = routes.find(&path, &format!("/{prefix}{path}"));
        let _ = routes.find("", &path);
    }
}
