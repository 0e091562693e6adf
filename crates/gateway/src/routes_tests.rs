//! The routes and their readings, tried path by path.

use super::*;
use crate::upstream::Access;

fn upstream(name: &str, host: Option<&str>, path: &str) -> Upstream {
    let to = Url::parse("http://127.0.0.1:1").unwrap();
    Upstream { host: host.map(str::to_owned), ..Upstream::new(name, path, to, Access::SignedIn) }
}

const RESERVED: &[&str] = &["/auth", "/.well-known/jwks.json"];

fn routes() -> Routes {
    let mut stripped = upstream("stripped", None, "/strip");
    stripped.strip_prefix = true;
    Routes::new(
        vec![
            upstream("site", None, "/"),
            upstream("api", None, "/api"),
            upstream("open", None, "/api/open"),
            upstream("other", Some("other.example"), "/"),
            stripped,
        ],
        RESERVED,
    )
    .unwrap()
}

fn found<'a>(routes: &'a Routes, host: &str, path: &str) -> Result<&'a str, Lost> {
    routes.find(host, path).map(|upstream| upstream.name.as_str())
}

#[test]
fn the_most_specific_route_wins() {
    let routes = routes();
    for (host, path, name) in [
        ("a.example", "/", "site"),
        ("a.example", "/apix", "site"),
        ("a.example", "/api", "api"),
        ("a.example", "/api/", "api"),
        ("a.example", "/api/x", "api"),
        ("a.example", "/api/open", "open"),
        ("a.example", "/api/open/x", "open"),
        ("a.example", "/api/opener", "api"),
        ("other.example", "/api", "other"),
        ("OTHER.example.", "/x", "other"),
        ("", "/x", "site"),
        ("a.example", "/strip/x", "stripped"),
    ] {
        assert_eq!(found(&routes, host, path), Ok(name), "{host} {path}");
    }
}

#[test]
fn odd_paths_pass_when_every_reading_leads_to_the_same_route() {
    let routes = routes();
    for (path, name) in [
        ("/a%20b", "site"),
        ("/caf%C3%A9", "site"),
        ("/café", "site"),
        ("/a%2Fb", "site"),
        ("/a//b", "site"),
        ("/x/../y", "site"),
        ("/a;v=1/b", "site"),
        ("/@user:x/(1)", "site"),
        ("/100%25", "site"),
        ("/100%", "site"),
        ("/api/a%2Fb/../c", "api"),
        ("/api/x;jsessionid=1", "api"),
        ("/.well-known/security.txt", "site"),
        ("/.env", "site"),
        ("/strip/a/../b", "stripped"),
        ("/strip/%2525", "stripped"),
    ] {
        assert_eq!(found(&routes, "a.example", path), Ok(name), "{path}");
    }
}

#[test]
fn a_path_that_some_server_reads_as_one_of_another_route_leads_nowhere() {
    let routes = routes();
    for path in [
        "/x/../api",
        "/x/%2e%2e/api",
        "/x/%252e%252e/api",
        "/x/..%2fapi",
        "/x/..%252fapi",
        "/x\\..\\api",
        "/x%5c..%5capi",
        "/x%255c..%255capi",
        "/x/..;/api",
        "/x/..;a=b/api",
        "/x/..%3b/api",
        "/./api",
        "/%2e/api",
        "//api",
        "///api",
        "/%2fapi",
        "/\\api",
        "/%61pi",
        "/%2561pi",
        "/API",
        "/Api/x",
        "/aPi",
        "/api;x",
        "/api;x/y",
        "/api%3b/x",
        "/api%2fx",
        "/api%2Fopen",
        "/api%00",
        "/api%00/x",
        "/api%3fx",
        "/api%23x",
        "/api.",
        "/api./x",
        "/api%20",
        "/api%20/x",
        "/api%09",
        "/api%0a",
        "/api/../x",
        "/api/x/../../y",
        "/api/..%2f",
        "/api/open/../x",
        "/api/x/../open",
        "/api/open;/x",
        "/api/OPEN/x",
        "/x/..//api",
        "/x//../../api",
        "/%ef%bc%8fapi",
        "/x/%ef%bc%8e%ef%bc%8e/api",
        "/\u{ff0e}\u{ff0e}/api",
        "/%c0%ae%c0%ae/api",
        "/%u002e%u002e/api",
        "/x/%2e%2e%5capi",
        "/x/.%2e/api",
        "/x/%2e./api",
        "/x/...%2f../../api",
        "/x/.. /api",
        "/x/..%20/api",
        "/x/..%00/../api",
        "/..",
        "/../api",
        "/../../etc/passwd",
        "/auth%2flogin",
        "/Auth/login",
        "/AUTH",
        "/x/../auth/login",
        "/%61uth/me",
        "//auth/me",
        "/auth;x/me",
        "/auth./me",
        "/.well-known/JWKS.json",
        "/.well-known//jwks.json",
        "/.well-known/jwks.json%00x",
        "/.well-known/x/../jwks.json",
        "/auth/../x",
        "/strip/../strip/x",
        "/strip/%2e%2e/strip/x",
        "/strip/..;/strip/x",
        "/strip\\..\\strip",
    ] {
        assert_eq!(found(&routes, "a.example", path), Err(Lost::Ambiguous), "{path}");
    }
}

#[test]
fn reserved_paths_and_paths_without_a_route_are_not_found() {
    let routes = routes();
    for path in ["/auth", "/auth/", "/auth/login", "/.well-known/jwks.json", "/auth/a%20b"] {
        assert_eq!(found(&routes, "a.example", path), Err(Lost::NotFound), "{path}");
    }
    assert_eq!(found(&routes, "a.example", "/authors"), Ok("site"));
    let only_api = Routes::new(vec![upstream("api", None, "/api")], &[]).unwrap();
    assert_eq!(found(&only_api, "", "/x"), Err(Lost::NotFound));
    assert_eq!(found(&only_api, "", "/x/../api"), Err(Lost::Ambiguous));
}

#[test]
fn every_mistake_is_reported_at_once() {
    let mut everything = upstream("bad name", Some("A.example:80"), "/a/../b");
    everything.to = Url::parse("ftp://user@h/?x").ok();
    let upstreams = vec![
        everything,
        upstream("one", None, "/api/"),
        upstream("one", None, "/API"),
        upstream("taken", None, "/auth/x"),
        upstream("fine", None, "/.well-known"),
    ];
    let errors = Routes::new(upstreams, RESERVED).unwrap_err();
    let kinds: Vec<_> = errors.into_iter().map(|error| (error.index, error.kind)).collect();
    assert_eq!(
        kinds,
        [
            (0, RouteMistake::Name),
            (0, RouteMistake::Path),
            (0, RouteMistake::Host),
            (0, RouteMistake::To),
            (2, RouteMistake::NameTaken),
            (2, RouteMistake::RouteTaken),
            (3, RouteMistake::Reserved("/auth".into())),
        ]
    );
    for path in ["", "a", "//", "/a//b", "/a b", "/a%20", "/a;b", "/a\\", "/.", "/..", "/a/.", "/a.", "/..x", "/é"] {
        let errors = Routes::new(vec![upstream("x", None, path)], &[]).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.kind.clone()).collect::<Vec<_>>(), [RouteMistake::Path], "{path}");
    }
    for to in
        ["http://u@h", "http://u:p@h", "http://h/?q", "http://h/#f", "http://h/a%20b", "file:///x", "http://h/a//b"]
    {
        let bad = Upstream { to: Url::parse(to).ok(), ..upstream("x", None, "/") };
        let errors = Routes::new(vec![bad], &[]).unwrap_err();
        assert_eq!(errors.iter().map(|error| error.kind.clone()).collect::<Vec<_>>(), [RouteMistake::To], "{to}");
    }
}
