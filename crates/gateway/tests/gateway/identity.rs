//! What the client says about itself goes out; what we say comes in.

use cloakroom_gateway::{Access, CachePolicy, Limits, Outcome};

use crate::harness::{Proxy, Recorder, TestGate, field, read_head, route, site, status, upstream};
use tokio::io::AsyncWriteExt;

#[tokio::test]
async fn asvs_4_1_3_identity_headers_of_the_client_never_arrive() {
    let (address, recorder) = Recorder::ok().await;
    let public = route("public", "/public", address, Access::Public);
    let proxy = Proxy::start(vec![site(address), public]).await;
    let claims = [
        "X-Auth-Request-User",
        "x-AUTH-email",
        "X_Auth_User",
        "X-User",
        "X-User-Id",
        "X-UserInfo",
        "X-Remote-User",
        "Remote-User",
        "Remote_User",
        "REMOTE_EMAIL",
        "Remote-Groups",
        "X-Forwarded-User",
        "X_Forwarded_User",
        "X-Forwarded_Email",
        "X-Forwarded-Groups",
        "X-Forwarded-Preferred-Username",
        "X-Forwarded-Access-Token",
        "X-Cloakroom-Session",
        "Cloakroom-Account",
        "Cloakroom_Account",
        "X-Client-Cert",
        "Client-Cert",
        "SSL-Client-Cert",
        "SSL_CLIENT_VERIFY",
        "X-SSL-Client-DN",
        "X-WebAuth-User",
        "X-Token-Sub",
        "X-Id-Token",
        "X-Access-Token",
        "X-Original-URL",
        "X_Original_Url",
        "X-Rewrite-URL",
        "X-Original-URI",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "Proxy-Authorization",
        "True-Client-IP",
        "X.Remote.User",
        "Transfer_Encoding",
        "Content_Length",
    ];
    let lines = claims.join(": planted\r\n") + ": planted\r\n";
    for path in ["/", "/public"] {
        assert_eq!(status(&proxy.get(path, &format!("{lines}X-Request-Id: stays\r\n")).await), 200);
        let request = recorder.all().pop().unwrap();
        assert!(!request.contains("planted"), "{request}");
        assert_eq!(field(&request, "x-request-id").as_deref(), Some("stays"));
    }
}

#[tokio::test]
async fn bba_16_forwarding_fields_are_ours_alone() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    let planted = "Forwarded: for=6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.7\r\n\
        X-Real-IP: 6.6.6.6\r\nX-Forwarded-Proto: 6.6.6.6\r\nX-Forwarded-Host: 6.6.6.6\r\nX-Forwarded-Port: 6666\r\n\
        X-Forwarded-Prefix: /6.6.6.6\r\nX-Forwarded-Server: 6.6.6.6\r\n";
    let wire = format!("GET / HTTP/1.1\r\nHost: App.example:8080\r\n{planted}Connection: close\r\n\r\n");
    assert_eq!(status(&proxy.send(wire).await), 200);
    let request = recorder.only();
    assert!(!request.contains("6.6.6"), "{request}");
    for (name, value) in [
        ("forwarded", "for=127.0.0.1;proto=http;host=\"App.example:8080\""),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "App.example:8080"),
        ("x-forwarded-port", "8080"),
    ] {
        assert_eq!(field(&request, name).as_deref(), Some(value), "{request}");
    }
    assert_eq!(field(&request, "x-forwarded-prefix"), None);
    assert_eq!(field(&request, "host"), Some(address.to_string()), "the upstream's own authority");
}

#[tokio::test]
async fn the_clients_host_is_kept_where_a_route_says_so() {
    let (address, recorder) = Recorder::ok().await;
    let mut kept = site(address);
    kept.preserve_host = true;
    let proxy = Proxy::start(vec![kept]).await;
    proxy.get("/", "").await;
    assert_eq!(field(&recorder.only(), "host").as_deref(), Some("app.example"));
}

#[tokio::test]
async fn authorization_is_ours_and_no_connection_option_removes_it() {
    let (address, recorder) = Recorder::ok().await;
    let public = route("public", "/public", address, Access::Public);
    let proxy = Proxy::start(vec![site(address), public]).await;
    proxy.get("/", "Authorization: Bearer theirs\r\nAuthorization: Basic x\r\n").await;
    let wire = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer theirs\r\nX-Once: 1\r\nConnection: close, authorization, x-forwarded-for, \
        forwarded, host, x-once, cookie\r\n\r\n";
    proxy.send(wire).await;
    for request in recorder.all() {
        assert_eq!(field(&request, "authorization").as_deref(), Some("Bearer ours"));
        assert_eq!(field(&request, "x-forwarded-for").as_deref(), Some("127.0.0.1"));
        assert_eq!(field(&request, "x-once"), None);
        assert_eq!(field(&request, "connection"), None);
    }
    proxy.get("/public", "Authorization: Basic theirs\r\n").await;
    let request = recorder.all().pop().unwrap();
    assert_eq!(field(&request, "authorization").as_deref(), Some("Basic theirs"), "public routes check for themselves");
}

#[tokio::test]
async fn bba_17_a_route_that_knows_sessions_gets_no_authorization_of_the_clients_making() {
    let (address, recorder) = Recorder::ok().await;
    let gate = TestGate { nobody: true, ..TestGate::default() };
    let proxy = Proxy::with(vec![route("site", "/", address, Access::Optional)], gate, Limits::default()).await;
    proxy.get("/", "Authorization: Bearer theirs\r\n").await;
    assert_eq!(field(&recorder.only(), "authorization"), None);
}

#[tokio::test]
async fn bba_17_our_cookies_stay_here_and_others_pass_unchanged() {
    let (address, recorder) = Recorder::ok().await;
    let proxy = Proxy::start(vec![site(address)]).await;
    proxy.get("/", "Cookie: a=\"1\";b=2; __Host-Http-cloakroom=secret;  c\r\n").await;
    proxy.get("/", "Cookie: __Host-Http-cloakroom=secret\r\n").await;
    proxy.get("/", "Cookie: a=1\r\nCookie: __Secure-cloakroom-refresh=secret; b=2\r\n").await;
    let cookies: Vec<_> = recorder.all().iter().map(|request| field(request, "cookie")).collect();
    assert_eq!(cookies, [Some("a=\"1\";b=2;  c".to_owned()), None, Some("a=1; b=2".to_owned())]);
    assert!(!recorder.all().concat().contains("secret"));
}

#[tokio::test]
async fn an_upstreams_header_is_cleaned_and_not_stored() {
    let (address, _) = Recorder::start(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n\
         Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nServer: theirs\r\nClear-Site-Data: \"cache\"\r\nService-Worker-Allowed: /\r\n\
         Cache-Control: public, max-age=600\r\nCDN-Cache-Control: max-age=600\r\nSet-Cookie: a=1\r\n\
         Set-Cookie: __Host-Http-cloakroom=evil\r\nSet-Cookie: CLOAKROOM=evil\r\nSet-Cookie: =__Host-Http-cloakroom=evil\r\n\r\nok",
    )
    .await;
    let mut cached = route("cached", "/cached", address, Access::SignedIn);
    cached.cache = CachePolicy::Upstream;
    let public = route("public", "/public", address, Access::Public);
    let proxy = Proxy::start(vec![site(address), cached, public]).await;
    for (path, cache, vary) in [
        ("/", "no-store", None),
        ("/cached", "public, max-age=600", Some("cookie")),
        ("/public", "public, max-age=600", None),
    ] {
        let answer = proxy.get(path, "").await;
        for gone in ["evil", "x-hop", "keep-alive", "proxy-auth", "h2c", "service-worker-allowed"] {
            assert!(!answer.to_lowercase().contains(gone), "{gone}: {answer}");
        }
        assert_eq!(field(&answer, "set-cookie").as_deref(), Some("a=1"));
        assert_eq!(field(&answer, "server").as_deref(), Some("theirs"));
        assert_eq!(field(&answer, "clear-site-data").as_deref(), Some("\"cache\""));
        assert_eq!(field(&answer, "cache-control").as_deref(), Some(cache));
        assert_eq!(field(&answer, "vary").as_deref(), vary);
        assert_eq!(field(&answer, "cdn-cache-control").is_some(), cache != "no-store");
    }
}

#[tokio::test]
async fn the_gates_own_answer_is_given_and_the_upstream_not_asked() {
    let (address, recorder) = Recorder::ok().await;
    let gate = TestGate { refuse: true, ..TestGate::default() };
    let proxy = Proxy::with(vec![site(address)], gate, Limits::default()).await;
    let answer = proxy.get("/x", "").await;
    assert_eq!(status(&answer), 401);
    assert!(answer.ends_with("who are you?"));
    assert_eq!(recorder.all().len(), 0);
    assert_eq!(*proxy.gate.seen.lock().unwrap(), [(Some("site".to_owned()), 401, Outcome::Gate)]);
}

#[tokio::test]
async fn interim_answers_carry_nothing_to_the_client() {
    let address = upstream(|mut stream| async move {
        let _ = read_head(&mut stream).await;
        let hints = "HTTP/1.1 103 Early Hints\r\nSet-Cookie: __Host-Http-cloakroom=evil\r\n\r\n";
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let _ = stream.write_all(format!("{hints}{answer}").as_bytes()).await;
    })
    .await;
    let answer = Proxy::start(vec![site(address)]).await.get("/", "").await;
    assert_eq!(status(&answer), 200);
    assert!(!answer.contains("evil"), "{answer}");
}
