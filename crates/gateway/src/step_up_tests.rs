//! Rules and requests, tried spelling by spelling.

use http::Request;
use proptest::prelude::*;
use url::Url;

use super::*;
use crate::routes::{RouteError, RouteMistake, Routes};
use crate::upstream::{Access, Upstream};

fn rule(method: &str, path: &str) -> StepUpRule {
    StepUpRule::new((method != "any").then(|| method.parse().unwrap()), path)
}

fn upstream(path: &str, rules: Vec<StepUpRule>) -> Upstream {
    let to = Url::parse("http://127.0.0.1:1").unwrap();
    Upstream { step_up: rules, ..Upstream::new("api", path, to, Access::SignedIn) }
}

fn api() -> Upstream {
    upstream(
        "/api",
        vec![
            rule("POST", "/api/transfer"),
            rule("DELETE", "/api/items/*"),
            rule("GET", "/api/export"),
            rule("PUT", "/api/run.php"),
            rule("any", "/api/admin/**"),
        ],
    )
}

fn found(upstream: &Upstream, method: &str, target: &str) -> Option<String> {
    let request = Request::builder().method(method).uri(target).body(()).unwrap();
    rule_for(&upstream.step_up, &request.into_parts().0).map(|rule| rule.path.clone())
}

#[test]
fn a_rule_applies_to_its_method_and_path_and_to_nothing_else() {
    let api = api();
    for (method, path, rule) in [
        ("POST", "/api/transfer", Some("/api/transfer")),
        ("POST", "/api/transfer?x=1", Some("/api/transfer")),
        ("GET", "/api/transfer", None),
        ("PUT", "/api/transfer", None),
        ("DELETE", "/api/transfer", None),
        ("POST", "/api/transfers", None),
        ("POST", "/api/transfer/7", None),
        ("POST", "/api/x/transfer", None),
        ("POST", "/api/transfer/../x", None),
        ("PUT", "/api/run.php/x", Some("/api/run.php")),
        ("PUT", "/api/run.phpx", None),
        ("POST", "/transfer", None),
        ("POST", "/api", None),
        ("DELETE", "/api/items/7", Some("/api/items/*")),
        ("DELETE", "/api/items/", None),
        ("DELETE", "/api/items", None),
        ("DELETE", "/api/items/7/notes", None),
        ("PATCH", "/api/items/7", None),
        ("GET", "/api/items/7", None),
        ("GET", "/api/export", Some("/api/export")),
        ("HEAD", "/api/export", Some("/api/export")),
        ("PUT", "/api/admin", Some("/api/admin/**")),
        ("OPTIONS", "/api/admin/", Some("/api/admin/**")),
        ("PURGE", "/api/admin/a/b/c", Some("/api/admin/**")),
        ("GET", "/api/administration", None),
    ] {
        assert_eq!(found(&api, method, path).as_deref(), rule, "{method} {path}");
    }
}

#[test]
fn no_spelling_of_a_path_gets_around_its_rule() {
    let api = api();
    for path in [
        "/api/transfer/",
        "/api//transfer",
        "/api/transfer//",
        "//api/transfer",
        "/api/TRANSFER",
        "/api/tRansfer",
        "/api/tran\u{17f}fer",
        "/api/tran%C5%BFfer",
        "/api/%74ransfer",
        "/api/%54ransfer",
        "/api/%2574ransfer",
        "/api/transfer;x=1",
        "/api/transfer;x=1/",
        "/api/transfer%3bx",
        "/api;v=1/transfer",
        "/api/transfer.json",
        "/api/transfer.json;x",
        "/api/transfer.json/",
        "/api/transfer.",
        "/api/transfer%20",
        "/api/transfer%09",
        "/api/transfer%00",
        "/api/transfer%00.png",
        "/api/transfer%3fx",
        "/api/transfer%23x",
        "/api/./transfer",
        "/api/x/../transfer",
        "/api/x/..;/transfer",
        "/api/x/%2e%2e/transfer",
        "/api/x/%252e%252e/transfer",
        "/api/x/..%2ftransfer",
        "/api/x/..%5ctransfer",
        "/api/x%2f..%2ftransfer",
        "/api%2ftransfer",
        "/api%5ctransfer",
        "/api/\u{ff54}ransfer",
        "/api/transfer/.",
        "/api/transfer/x/..",
    ] {
        assert_eq!(found(&api, "POST", path).as_deref(), Some("/api/transfer"), "{path}");
    }
    for path in
        ["/api/items/7/", "/api/items/7;x", "/api/ITEMS/7", "/api/items/a%2fb", "/api/items//7", "/api/items/7.json"]
    {
        assert_eq!(found(&api, "DELETE", path).as_deref(), Some("/api/items/*"), "{path}");
    }
    for path in ["/api/admin.json", "/api/Admin/x", "/api/x/../admin/y", "/api/admin%2fy", "/api/admin/x/../../y"] {
        assert_eq!(found(&api, "GET", path).as_deref(), Some("/api/admin/**"), "{path}");
    }
    assert_eq!(found(&api, "POST", "/api/../../x").as_deref(), Some("/api/transfer"), "no reading: any rule");
}

#[test]
fn no_way_of_naming_a_method_gets_around_a_rule() {
    let api = api();
    for method in ["POST", "post", "Post"] {
        assert_eq!(found(&api, method, "/api/transfer").as_deref(), Some("/api/transfer"), "{method}");
    }
    for path in ["/api/items/7", "/api/export", "/api/admin"] {
        assert!(found(&api, "POST", path).is_some(), "a POST may carry another method in its body: {path}");
    }
    assert!(found(&api, "head", "/api/export").is_some());
    for query in [
        "_method=POST",
        "x=1&_method=post",
        "x=1;_method=post",
        "%5fmethod=POST",
        "%255Fmethod=POST",
        "_METHOD=POST",
        ".method=POST",
        "+_method=POST",
        "_method",
        "x%26_method=POST",
        "X-HTTP-Method-Override=POST",
        "$httpMethod=POST",
        "?_method=POST",
    ] {
        let target = format!("/api/transfer?{query}");
        assert_eq!(found(&api, "GET", &target).as_deref(), Some("/api/transfer"), "{query}");
    }
    for query in ["payment_method=card", "x=_method", "methods=1", "x=%26", "100%"] {
        assert_eq!(found(&api, "GET", &format!("/api/transfer?{query}")), None, "{query}");
    }
}

#[test]
fn the_first_rule_that_applies_is_the_one() {
    let two = upstream("/", vec![rule("POST", "/a/b"), rule("any", "/**")]);
    assert_eq!(found(&two, "POST", "/a/b").as_deref(), Some("/a/b"));
    assert_eq!(found(&two, "GET", "/a/b").as_deref(), Some("/**"));
    assert_eq!(found(&two, "GET", "/").as_deref(), Some("/**"));
    assert_eq!(found(&upstream("/", vec![rule("any", "/")]), "GET", "/").as_deref(), Some("/"));
    assert_eq!(found(&upstream("/", vec![rule("any", "/*")]), "GET", "/a").as_deref(), Some("/*"));
    assert_eq!(found(&upstream("/", vec![rule("any", "/*")]), "GET", "/"), None);
}

#[test]
fn every_mistake_in_a_rule_is_reported() {
    let kinds = |upstreams: Vec<Upstream>| match Routes::new(upstreams, &["/auth"]) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.into_iter().map(|RouteError { index, kind, .. }| (index, kind)).collect(),
    };
    for path in ["/api", "/api/", "/api/x", "/api/x/", "/api/*", "/api/**", "/api/x.y/**", "/api/.well-known/x"] {
        assert_eq!(kinds(vec![upstream("/api", vec![rule("any", path)])]), [], "{path}");
    }
    for path in ["/", "/*", "/**", "/auth.x", "/x/**"] {
        assert_eq!(kinds(vec![upstream("/", vec![rule("any", path)])]), [], "{path}");
    }
    for path in [
        "",
        "api",
        "*",
        "**",
        "/api//x",
        "/api/../x",
        "/api/a b",
        "/api/%61",
        "/api/*/x",
        "/api/x*",
        "/api/***",
        "/api/é",
    ] {
        let found = kinds(vec![upstream("/api", vec![rule("any", "/api/x"), rule("any", path)])]);
        assert_eq!(found, [(0, RouteMistake::StepUpPath(1))], "{path}");
    }
    for path in ["/x", "/apix", "/API/x", "/", "/**"] {
        let found = kinds(vec![upstream("/api", vec![rule("any", path)])]);
        assert_eq!(found, [(0, RouteMistake::StepUpElsewhere(0))], "{path}");
    }
    let site = Upstream { name: "site".into(), ..upstream("/", vec![rule("any", "/api/x"), rule("any", "/auth/x")]) };
    let elsewhere = [(0, RouteMistake::StepUpElsewhere(0)), (0, RouteMistake::StepUpElsewhere(1))];
    assert_eq!(kinds(vec![site, upstream("/api", Vec::new())]), elsewhere, "another upstream, and a reserved path");
    let showing = |show: Vec<String>| kinds(vec![upstream("/", vec![StepUpRule { show, ..rule("any", "/x") }])]);
    assert_eq!(showing(vec!["to".into(), "a.b.c".into(), "é".repeat(64)]), []);
    for name in [String::new(), ".a".into(), "a.".into(), "a..b".into(), "a\nb".into(), "a".repeat(65)] {
        assert_eq!(showing(vec![name.clone()]), [(0, RouteMistake::StepUpShow(0))], "{name}");
    }
    assert_eq!(showing(vec!["a".into(); 17]), [(0, RouteMistake::StepUpShow(0))]);
    let many = kinds(vec![upstream("/", vec![rule("any", "/x"); 129])]);
    assert_eq!(many, [(0, RouteMistake::StepUpRules)]);
}

/// One server's way to read a path, written without the gateway's own code.
fn served_as(path: &str, decodings: u8, habits: u8) -> Option<String> {
    let mut path = path.to_owned();
    for _ in 0..decodings {
        path = url::form_urlencoded::parse(format!("{}=", path.replace('+', "%2B").replace(['&', '='], "")).as_bytes())
            .next()?
            .0
            .into_owned();
    }
    if habits & 1 != 0 {
        path = path.replace('\\', "/");
    }
    if habits & 2 != 0 {
        path = path.split('/').map(|segment| segment.split(';').next().unwrap()).collect::<Vec<_>>().join("/");
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            ".." => {
                kept.pop()?;
            }
            "." | "" => {}
            other => kept.push(other),
        }
    }
    let path = format!("/{}", kept.join("/"));
    Some(if habits & 4 != 0 { path.to_lowercase() } else { path })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_some_server_takes_for_the_path_of_a_rule_is_one(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "/", "/", "/", "a", "b", "A", "B", "x", "..", ".", "%2e", "%2E%2e", "%252e", "%2f", "%252f", "\\", "%5c", ";",
                ";y", "%3b", "%61", "%2561", "%42", "%25", "%20",
            ]),
            0..9,
        )
    ) {
        let path = format!("/{}", parts.concat());
        let site = upstream("/", vec![rule("PUT", "/a/b"), rule("PUT", "/b/*")]);
        let ruled = |path: &str| path == "/a/b" || path.strip_prefix("/b/").is_some_and(|rest| !rest.contains('/'));
        let passes = Routes::new(vec![site.clone()], &[]).unwrap().find("", &path).is_ok();
        let request = Request::builder().method("PUT").uri(path.as_str()).body(());
        if let (true, Ok(request)) = (passes, request) {
            let is_found = rule_for(&site.step_up, &request.into_parts().0).is_some();
            for (decodings, habits) in (0..3).flat_map(|decodings| (0..8).map(move |habits| (decodings, habits))) {
                let served = served_as(&path, decodings, habits);
                prop_assert!(is_found || !served.as_deref().is_some_and(ruled), "{} as {:?}", path, served);
            }
        }
    }
}
