//! Grants under attack: each of these calls is refused, none of them uses the grant up, and the call that was approved passes with
//! it afterwards.

use crate::approving::{Approval, BANK, Call, Judged, apart};
use cloakroom_testbed::{Guest, House, PASSWORD};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A house, somebody in it, a call and its grant.
async fn scene(call: Call) -> (House, Guest, Call, String) {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let grant = call.granted(&house, &ann).await;
    (house, ann, call, grant)
}

/// The grant is still good for what it was given for, once.
async fn honest_after_all(house: House, ann: &Guest, call: &Call, grant: &str) {
    assert!(house.echo.take().is_empty(), "nothing of the attacks arrived");
    assert_eq!(call.with_grant(ann, grant).await.status, 200);
    assert_eq!(house.echo.one().body, call.body);
    call.with_grant(ann, grant).await.refused(403, "step-up-refused");
    house.close().await;
}

#[tokio::test]
async fn a_grant_is_for_these_bytes_and_no_others() {
    let (house, ann, call, grant) = scene(Call::transfer()).await;
    let text = String::from_utf8(call.body.clone()).unwrap();
    for other in [
        text.replace("bob", "eve"),
        text.replace("5.10", "5.11"),
        text.replace("5.10", "5.1"),
        text.replace("\"hidden\":true", "\"hidden\":false"),
        format!("{text}\n"),
        text.replace(':', ": "),
        "{}".to_owned(),
    ] {
        let other = Call { body: other.into_bytes(), ..call.clone() };
        other.with_grant(&ann, &grant).await.refused(403, "step-up-refused");
    }
    let nothing = Call { body: vec![], ..call.clone() };
    nothing.with_grant(&ann, &grant).await.refused(403, "step-up-refused");
    honest_after_all(house, &ann, &call, &grant).await;
}

#[tokio::test]
async fn a_grant_is_for_this_path_and_query_as_they_were_approved() {
    let (house, ann, call, grant) = scene(Call::transfer()).await;
    for path in [
        "/bank/transfer",
        "/bank/transfer?",
        "/bank/transfer?from=1",
        "/bank/transfer?lang=en&from=1",
        "/bank/transfer?from=1&lang=en&",
        "/bank/transfer?from=2&lang=en",
        "/bank/transfer?from=%31&lang=en",
        "/bank/transfer/?from=1&lang=en",
        "/bank//transfer?from=1&lang=en",
        "/bank/Transfer?from=1&lang=en",
        "/bank/%74ransfer?from=1&lang=en",
        "/bank/transfer.json?from=1&lang=en",
        "/bank/./transfer?from=1&lang=en",
        "/bank/x/../transfer?from=1&lang=en",
        "/bank/vault/7?from=1&lang=en",
        "/bank/transfer;a=b?from=1&lang=en",
        "/bank/transfer%00?from=1&lang=en",
        // What JavaScript and Python take off the end of a text.
        "/bank/transfer%c2%a0?from=1&lang=en",
        "/bank/transfer%e2%80%8b?from=1&lang=en",
        "/bank/transfer%e3%80%80%20?from=1&lang=en",
        "/bank/transfer%ef%bb%bf?from=1&lang=en",
        "/bank%2ftransfer?from=1&lang=en",
    ] {
        let other = Call { path: path.into(), ..call.clone() };
        let answer = other.with_grant(&ann, &grant).await;
        assert!(answer.status == 403 || answer.status == 400, "{path}: {} {}", answer.status, answer.text());
        // And without any grant none of them is a way around the rule.
        let bare = other.send(&ann, &[]).await;
        assert!(bare.status == 401 || bare.status == 400, "{path}: {} {}", bare.status, bare.text());
    }
    honest_after_all(house, &ann, &call, &grant).await;
}

#[tokio::test]
async fn a_grant_is_for_this_method_and_no_header_makes_another_of_it() {
    let (house, ann, call, grant) = scene(Call::vault()).await;
    for method in ["POST", "PATCH", "DELETE", "GET", "HEAD", "put", "PURGE"] {
        let other = Call { method: method.into(), ..call.clone() };
        let answer = other.with_grant(&ann, &grant).await;
        assert!(answer.status.is_client_error(), "{method}: {}", answer.status);
    }
    for query in ["&_method=DELETE", "&X-HTTP-Method-Override=DELETE"] {
        let other = Call { path: format!("{}{query}", call.path), ..call.clone() };
        other.with_grant(&ann, &grant).await.refused(403, "step-up-refused");
    }
    assert!(house.echo.take().is_empty());
    // Where the rule is for one method, none that becomes it passes either.
    for path in ["/bank/transfer?_method=POST", "/bank/transfer?%5Fmethod=post"] {
        Call { method: "GET".into(), path: path.into(), body: vec![] }
            .send(&ann, &[])
            .await
            .refused(401, "step-up-needed");
    }
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let answer = call.send(&ann, &[("cloakroom-grant", "x"), (name, "GET")]).await;
        answer.refused(403, "step-up-refused");
        let looked = Call::new("GET", "/bank/transfer", "");
        assert_eq!(looked.send(&ann, &[(name, "POST")]).await.status, 200);
        assert_eq!(house.echo.one().header(name), None, "an upstream is not told to take it for another method");
    }
    let override_all = [("cloakroom-grant", grant.as_str()), ("x-http-method-override", "DELETE")];
    assert_eq!(call.send(&ann, &override_all).await.status, 200);
    let arrived = house.echo.one();
    assert_eq!((arrived.method.as_str(), arrived.header("x-http-method-override")), ("PUT", None));
    call.with_grant(&ann, &grant).await.refused(403, "step-up-refused");
    house.close().await;
}

#[tokio::test]
async fn a_grant_is_for_the_session_that_asked_as_it_went_on() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let (phone, bob) = (house.guest(), house.signed_in("bob@example.com").await);
    phone.log_in("ann@example.com").await;
    // Theirs are of later generations: it is the session that tells them apart.
    for other in [&phone, &bob] {
        for _ in 0..3 {
            other.refresh().await.done();
        }
    }
    let call = Call::transfer();
    let approval = call.ask(&ann).await;
    approval.prove(&ann, json!({ "password": PASSWORD })).await.done();
    for other in [&phone, &bob] {
        approval.collect(other).await.refused(410, "step-up-over");
    }
    let before = ann.copied();
    let grant = approval.grant(&house, &ann).await;
    for other in [&phone, &bob, &before] {
        call.with_grant(other, &grant).await.refused(403, "step-up-refused");
    }
    call.with_grant(&house.guest(), &grant).await.refused(401, "signed-out");
    // Who refreshes goes on with the same session: the grant stays good.
    ann.refresh().await.done();
    honest_after_all(house, &ann, &call, &grant).await;
}

#[tokio::test]
async fn a_grant_is_one_header_and_nobody_guesses_it() {
    let (house, ann, call, grant) = scene(Call::transfer()).await;
    let mut altered = grant.clone().into_bytes();
    altered[20] = if altered[20] == b'A' { b'B' } else { b'A' };
    let altered = String::from_utf8(altered).unwrap();
    let (padded, doubled, short) = (format!("{grant}="), format!("{grant}{grant}"), grant[..42].to_owned());
    let guesses = [
        altered,
        padded,
        doubled,
        short,
        grant.to_uppercase(),
        "A".repeat(43),
        "true".into(),
        "*".into(),
        format!("Bearer {grant}"),
        format!("{grant}, {grant}"),
        "x".repeat(4000),
    ];
    for guess in guesses {
        call.with_grant(&ann, &guess).await.refused(403, "step-up-refused");
    }
    let twice = [("cloakroom-grant", grant.as_str()), ("cloakroom-grant", grant.as_str())];
    let other_first = [("cloakroom-grant", "x"), ("cloakroom-grant", grant.as_str())];
    for two in [twice, other_first] {
        let answer = call.send(&ann, &two).await;
        assert!([401, 403].contains(&answer.status.as_u16()), "{}", answer.text());
    }
    for name in ["authorization", "x-cloakroom-grant", "cloakroom_grant"] {
        call.send(&ann, &[(name, &grant)]).await.refused(401, "step-up-needed");
    }
    let cookied = ann.copied();
    cookied.plant("cloakroom-grant", "/", &grant);
    call.send(&cookied, &[]).await.refused(401, "step-up-needed");
    let asked = Call { path: format!("{}&cloakroom-grant={grant}", call.path), ..call.clone() };
    asked.send(&ann, &[]).await.refused(401, "step-up-needed");
    // Where no rule asks for one, it goes nowhere either.
    let unruled = Call::new("POST", "/app/x", "{}");
    unruled.with_grant(&ann, &grant).await.done();
    assert_eq!(house.echo.one().header("cloakroom-grant"), None);
    let public = Call::new("POST", "/x", "{}");
    public.with_grant(&ann, &grant).await.done();
    assert_eq!(house.echo.one().header("cloakroom-grant"), None);
    // The two calls that the log tells of carried it in their query, which is never logged.
    honest_after_all(house, &ann, &call, &grant).await;
}

#[tokio::test]
async fn a_grant_is_good_for_two_minutes_and_an_approval_for_ten() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let call = Call::vault();
    let grant = call.granted(&house, &ann).await;
    house.advance(119);
    call.with_grant(&ann, &grant).await.done();
    let grant = call.granted(&house, &ann).await;
    house.advance(120);
    call.with_grant(&ann, &grant).await.refused(403, "step-up-refused");

    // Approved in the last second, collected in the last second.
    let approval = call.ask(&ann).await;
    house.advance(599);
    ann.refresh().await.done();
    approval.prove(&ann, json!({ "password": PASSWORD })).await.done();
    house.advance(119);
    let grant = approval.grant(&house, &ann).await;
    call.with_grant(&ann, &grant).await.done();

    let late = call.ask(&ann).await;
    house.advance(600);
    ann.refresh().await.done();
    late.prove(&ann, json!({ "password": PASSWORD })).await.refused(410, "step-up-over");
    assert_eq!(late.page(&ann).await.status, 410);

    let forgotten = call.ask(&ann).await;
    forgotten.prove(&ann, json!({ "password": PASSWORD })).await.done();
    house.advance(120);
    forgotten.collect(&ann).await.refused(410, "step-up-over");
    house.echo.take();
    call.send(&ann, &[]).await.refused(401, "step-up-needed");
    house.close().await;
}

#[tokio::test]
async fn of_sixteen_at_once_exactly_one_passes() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let call = Call::transfer();
    for round in 0..10 {
        let approval = call.ask(&ann).await;
        approval.prove(&ann, json!({ "password": PASSWORD })).await.done();
        let tabs: Vec<_> = (0..4).map(|_| ann.copied()).collect();
        let collected = futures_util::future::join_all(tabs.iter().map(|tab| approval.collect(tab))).await;
        let granted: Vec<_> = collected.iter().zip(&tabs).filter(|(answer, _)| answer.status == 200).collect();
        assert_eq!(granted.len(), 1, "round {round}");
        let (answer, winner) = granted[0];
        let grant = answer.json()["grant"].as_str().unwrap().to_owned();
        let calls = futures_util::future::join_all((0..16).map(|_| call.with_grant(winner, &grant))).await;
        let passed = calls.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 1, "round {round}");
        for answer in calls.iter().filter(|answer| answer.status != 200) {
            answer.refused(403, "step-up-refused");
        }
        assert_eq!(house.echo.take().len(), 1, "round {round}");
        // The owner's own tab goes on with the winner's cookies.
        for name in ["__Host-Http-cloakroom", "__Secure-cloakroom-refresh"] {
            let path = if name.ends_with("refresh") { "/auth/refresh" } else { "/" };
            ann.plant(name, path, &winner.cookie(name).unwrap());
        }
    }
    house.close().await;
}

#[tokio::test]
async fn what_was_shown_is_what_the_rule_names() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let call = Call::transfer();
    let shows: [&[&str]; 7] = [
        &[],
        &["to"],
        &["to", "amount"],
        &["amount", "to", "more.note"],
        &["to", "amount", "more.note", "hidden"],
        &["to", "amount", "more.other"],
        &["to", "to", "amount", "more.note"],
    ];
    for show in shows {
        let approval = Approval::open(&ann, call.wish(show)).await;
        approval.prove(&ann, json!({ "password": PASSWORD })).await.done();
        let grant = approval.grant(&house, &ann).await;
        call.with_grant(&ann, &grant).await.refused(403, "step-up-refused");
    }
    // Nor does a body pass that could not have been shown, by an approval that showed nothing of it.
    for body in
        ["{\"to\":\"bob\",\"to\":\"eve\"}", "{\"to\":\"bob\",\"TO\":\"eve\"}", "\u{feff}{\"to\":\"bob\"}", "to=bob"]
    {
        let call = Call { body: body.into(), ..call.clone() };
        let approval = Approval::open(&ann, call.wish(&[])).await;
        approval.prove(&ann, json!({ "password": PASSWORD })).await.done();
        let grant = approval.grant(&house, &ann).await;
        call.with_grant(&ann, &grant).await.refused(403, "step-up-refused");
    }
    let grant = call.granted(&house, &ann).await;
    honest_after_all(house, &ann, &call, &grant).await;
}

#[tokio::test]
async fn what_was_shown_as_json_is_sent_as_plain_json() {
    let (house, ann, call, grant) = scene(Call::transfer()).await;
    let token = ann.fetch("GET", "/auth/csrf", None).await.json()["csrf"].as_str().unwrap().to_owned();
    let with = |more: &[(&'static str, &'static str)]| {
        let mut headers = more.to_vec();
        let (grant, token) = (grant.clone(), token.clone());
        let (ann, call) = (ann.clone(), call.clone());
        async move {
            headers.retain(|(name, _)| !name.is_empty());
            let mut all: Vec<(&str, &str)> = headers;
            all.push(("cloakroom-grant", &grant));
            all.push(("cloakroom-csrf", &token));
            call.send(&ann, &all).await
        }
    };
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json-patch+json",
        "application/json, text/plain",
        // Express reads these as other text than we do (RFC 8259 §8.1 knows UTF-8 alone).
        "application/json; charset=utf-7",
        "application/json;charset=UTF-16",
        "application/json; charset=utf-8; charset=utf-7",
        "application/json; charset=\"utf-7\"",
        "application/json; Charset = utf-7",
        "application/json; x=charset=utf-7",
        "application/json; profile=x",
        "",
    ] {
        with(&[("content-type", kind)]).await.refused(422, "step-up-unreadable");
    }
    for coding in ["gzip", "identity", "br", ""] {
        with(&[("content-encoding", coding)]).await.refused(422, "step-up-unreadable");
    }
    with(&[("content-type", "application/json"), ("content-type", "text/plain")])
        .await
        .refused(422, "step-up-unreadable");
    assert!(house.echo.take().is_empty());
    assert_eq!(with(&[("content-type", "Application/JSON; charset=utf-8")]).await.status, 200);
    assert_eq!(house.echo.one().body, call.body);
    house.close().await;
}

#[tokio::test]
async fn a_handshake_is_a_call_as_any_other() {
    let (house, ann, call, grant) = scene(Call::vault()).await;
    let shake = [
        ("origin", ann.origin()),
        ("sec-fetch-site", "same-origin"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    ann.send("GET", &call.path, &shake, "").await.refused(401, "step-up-needed");
    let mut with_grant = shake.to_vec();
    with_grant.push(("cloakroom-grant", &grant));
    ann.send("GET", &call.path, &with_grant, "").await.refused(403, "step-up-refused");
    honest_after_all(house, &ann, &call, &grant).await;
}

/// Sends bytes as they are on a connection of their own, and reads until the other side closes, or until its end is sent.
async fn raw(house: &House, head: &str, body: &[u8], ends_early: bool) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", house.port())).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    if ends_early {
        stream.shutdown().await.unwrap();
    }
    let mut answer = Vec::new();
    // Who is cut off may learn nothing.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(house: &House, ann: &Guest, call: &Call, grant: &str, framing: &str) -> String {
    let access = ann.cookie("__Host-Http-cloakroom").unwrap();
    let origin = house.origin();
    format!(
        "{} {} HTTP/1.1\r\nhost: localhost:{}\r\norigin: {origin}\r\nsec-fetch-site: same-origin\r\nconnection: close\r\n\
         content-type: application/json\r\ncookie: __Host-Http-cloakroom={access}\r\ncloakroom-grant: {grant}\r\n{framing}\r\n\r\n",
        call.method,
        call.path,
        house.port(),
    )
}

#[tokio::test]
async fn the_body_is_judged_whole_however_it_comes() {
    for set_up in [BANK.to_owned(), apart()] {
        let house = House::with(&set_up).await;
        let ann = house.signed_in("ann@example.com").await;
        let call = Call::transfer();
        let grant = call.granted(&house, &ann).await;
        let length = call.body.len();

        // Broken off in the middle, at once and after a while.
        let promised = head(&house, &ann, &call, &grant, &format!("content-length: {length}"));
        raw(&house, &promised, &call.body[..length / 2], true).await;
        let chunked = head(&house, &ann, &call, &grant, "transfer-encoding: chunked");
        let half = [format!("{length:x}\r\n").as_bytes(), &call.body, b"\r\n"].concat();
        raw(&house, &chunked, &half, true).await;
        // More than was approved, in chunks.
        let more = [format!("{length:x}\r\n").as_bytes(), &call.body, b"\r\n1\r\n \r\n0\r\n\r\n"].concat();
        let answer = raw(&house, &chunked, &more, false).await;
        assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("step-up-refused"), "{answer}");
        // The same body with more behind it: nobody has approved that.
        let trailed = [format!("{length:x}\r\n").as_bytes(), &call.body, b"\r\n0\r\nx-to: mallory\r\n\r\n"].concat();
        let framing = "transfer-encoding: chunked\r\ntrailer: x-to\r\nte: trailers";
        let answer = raw(&house, &head(&house, &ann, &call, &grant, framing), &trailed, false).await;
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("step-up-too-large"), "{answer}");
        assert!(house.echo.take().is_empty(), "nothing arrived");

        // The same bytes in pieces are the same call.
        let (one, two) = call.body.split_at(7);
        let pieces = [
            format!("{:x}\r\n", one.len()).as_bytes(),
            one,
            format!("\r\n{:X};x=y\r\n", two.len()).as_bytes(),
            two,
            b"\r\n0\r\n\r\n",
        ]
        .concat();
        let answer = raw(&house, &chunked, &pieces, false).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(house.echo.one().body, call.body);
        house.close().await;
    }
}

#[tokio::test]
async fn a_body_beyond_one_mebibyte_is_not_approved_and_not_passed_on() {
    let house = House::with(&apart()).await;
    let ann = house.signed_in("ann@example.com").await;
    let most = 1024 * 1024;
    let large = Call { body: vec![b'a'; most + 1], ..Call::vault() };
    large.send(&ann, &[]).await.refused(413, "step-up-too-large");
    let approval = Approval::open(&ann, large.wish(&[])).await;
    approval.prove(&ann, json!({ "password": PASSWORD })).await.done();
    let grant = approval.grant(&house, &ann).await;
    large.with_grant(&ann, &grant).await.refused(413, "step-up-too-large");
    let chunked = head(&house, &ann, &large, &grant, "transfer-encoding: chunked");
    let body = [format!("{:x}\r\n", most + 1).as_bytes(), &large.body, b"\r\n0\r\n\r\n"].concat();
    let answer = raw(&house, &chunked, &body, false).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(house.echo.take().is_empty());

    let just = Call { body: vec![b'a'; most], ..Call::vault() };
    let grant = just.granted(&house, &ann).await;
    just.with_grant(&ann, &grant).await.done();
    assert_eq!(house.echo.one().body.len(), most);
    house.close().await;
}
