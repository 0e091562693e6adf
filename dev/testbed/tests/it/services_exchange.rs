//! A server that was called by a person calls the next one on their behalf (RFC 8693), over real sockets: what it gets, what it does
//! not get, and that all of it ends with the session. And refresh by the token endpoint, for programs.

use crate::serving::{ACCESS_TOKEN, Api, EXCHANGE, SECRET, Stage, ask, basic, claims, refusal, token};
use cloakroom_testbed::{Guest, House};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::json;

const STOCK: [(&str, &str); 2] = [("audience", "stock"), ("scope", "stock.read")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc8693_2_a_server_calls_the_next_one_on_behalf_of_a_person_and_the_chain_is_kept() {
    let stage = Stage::set().await;
    let ann = stage.house.signed_in("ann@example.com").await;
    let account = ann.fetch("GET", "/auth/me", None).await.json()["account"]["id"].as_str().unwrap().to_owned();
    let (stock, audit) = (Api::open(&stage.house, "stock").await, Api::open(&stage.house, "audit").await);
    let (access, _, session) = stage.program().await;

    let answer = stage.exchange(&access, &STOCK).await;
    assert_eq!(answer.json()["issued_token_type"], ACCESS_TOKEN, "RFC 8693 §2.2.1");
    assert_eq!((answer.json()["token_type"].as_str(), answer.header("cache-control")), (Some("Bearer"), "no-store"));
    assert_eq!(answer.json()["scope"], "stock.read");
    let first = token(&answer);
    let said = claims(&first);
    assert_eq!((said["sub"].as_str(), said["sid"].as_str()), (Some(account.as_str()), Some(session.as_str())));
    assert_eq!((said["aud"].as_str(), said["client_id"].as_str()), (Some("stock"), Some("orders")));
    assert_eq!(said["act"], json!({ "sub": "orders" }), "RFC 8693 §4.1");
    assert_eq!((&said["auth_time"], &said["amr"]), (&claims(&access)["auth_time"], &claims(&access)["amr"]));
    let (status, who) = stock.call(&first).await;
    assert_eq!(status, 200, "{who}");
    let expected =
        json!({ "subject": account, "person": account, "service": false, "actors": ["orders"], "reads": true });
    assert_eq!(who, expected);
    // `aud` is always checked, in both directions.
    assert_eq!(audit.call(&first).await.0, 401, "R97-12");
    assert_eq!(stock.call(&access).await.0, 401, "R97-12: what was made for the first server is none for the second");

    // On to the third one: who acted before stays in it.
    let secret = format!("{SECRET}2");
    let second = token(&stage.exchange_as("stock", &secret, &first, &[("audience", "audit")]).await);
    assert_eq!(claims(&second)["act"], json!({ "sub": "stock", "act": { "sub": "orders" } }));
    assert_eq!(audit.call(&second).await.1["actors"], json!(["stock", "orders"]));
    assert_eq!(claims(&second)["scope"], "stock.read", "what is not asked for is no more than what was there");

    // It ends with the session, everywhere, at once.
    ann.fetch("DELETE", &format!("/auth/sessions/{session}"), None).await;
    stock.refuses(&first, "token-revoked").await;
    audit.refuses(&second, "token-revoked").await;
    assert_eq!(refusal(&stage.exchange(&access, &STOCK).await), (400, "invalid_request".into()));
    assert_eq!(refusal(&stage.exchange_as("stock", &secret, &first, &[("audience", "audit")]).await).0, 400);
    stage.house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_behind_the_gateway_calls_on_for_whoever_is_logged_in_until_they_log_out() {
    let stage = Stage::set().await;
    let stock = Api::open(&stage.house, "stock").await;
    let ann = stage.house.signed_in("ann@example.com").await;
    assert_eq!(ann.status_of_app().await, StatusCode::OK);
    // What the gateway has added to Ann's request, whose own token is in a cookie.
    let shown = stage.house.echo.take().pop().unwrap().header("authorization").unwrap().to_owned();
    let shown = shown.strip_prefix("Bearer ").unwrap();
    stage.house.watch.secret(shown);
    let secret = format!("{SECRET}4");
    let exchanged = token(&stage.exchange_as("shop", &secret, shown, &[]).await);
    let (status, who) = stock.call(&exchanged).await;
    assert_eq!((status, &who["actors"], &who["reads"]), (200, &json!(["shop"]), &json!(true)), "{who}");
    assert_eq!(ann.fetch("POST", "/auth/logout", None).await.status, StatusCode::NO_CONTENT);
    stock.refuses(&exchanged, "token-revoked").await;
    assert_eq!(refusal(&stage.exchange_as("shop", &secret, shown, &[]).await), (400, "invalid_request".into()));
    stage.house.close().await;
}

#[tokio::test]
async fn rfc8693_1_1_what_is_exchanged_is_never_more_than_what_was_presented() {
    let stage = Stage::set().await;
    stage.house.guest().sign_up("ann@example.com").await;
    let (access, ..) = stage.program().await;
    let first = token(&stage.exchange(&access, &STOCK).await);
    // `stock` may write, but was called with a token that may only read.
    let secret = format!("{SECRET}2");
    for scope in ["stock.write", "audit.write", "stock.read audit.write"] {
        let wish = [("audience", "audit"), ("scope", scope)];
        let refused = refusal(&stage.exchange_as("stock", &secret, &first, &wish).await);
        assert_eq!(refused, (400, "invalid_scope".into()), "{scope}");
    }
    for wish in [[("audience", "audit")], [("resource", "https://audit.example")], [("audience", "orders")]] {
        assert_eq!(refusal(&stage.exchange(&access, &wish).await), (400, "invalid_target".into()), "{wish:?}");
    }
    let both = [("audience", "stock"), ("audience", "mail")];
    assert_eq!(refusal(&stage.exchange(&access, &both).await), (400, "invalid_target".into()));
    assert_eq!(refusal(&stage.exchange(&access, &[]).await), (400, "invalid_target".into()), "which of the two?");
    // Nor longer: a minute before its end, a minute is left.
    stage.house.advance(240);
    let late = stage.exchange(&access, &STOCK).await;
    assert_eq!(late.json()["expires_in"], 60);
    assert_eq!(claims(&token(&late))["exp"], claims(&access)["exp"]);
    stage.house.advance(60);
    assert_eq!(refusal(&stage.exchange(&access, &STOCK).await), (400, "invalid_request".into()), "RFC 8693 §2.2.2");
    stage.house.close().await;
}

#[tokio::test]
async fn rfc8693_2_1_only_a_token_of_a_person_for_this_very_server_is_exchanged() {
    let stage = Stage::set().await;
    let ann = stage.house.signed_in("ann@example.com").await;
    let (access, refresh, _) = stage.program().await;
    let first = token(&stage.exchange(&access, &STOCK).await);
    let cookie = ann.cookie("__Host-Http-cloakroom").unwrap();
    let own = [("grant_type", "client_credentials"), ("audience", "stock")];
    let of_service = token(&stage.ask_as("stock", &format!("{SECRET}2"), &own).await);
    let (head, tail) = access.rsplit_once('.').unwrap();
    let twisted = format!("{head}.{}", tail.chars().rev().collect::<String>());
    for (subject, why) in [
        (first.as_str(), "made for another server"),
        (cookie.as_str(), "a cookie's token"),
        (of_service.as_str(), "a service's own, for another server"),
        (refresh.as_str(), "a refresh token"),
        (twisted.as_str(), "a forged one"),
        ("x", "no token"),
    ] {
        assert_eq!(refusal(&stage.exchange(subject, &STOCK).await), (400, "invalid_request".into()), "{why}");
    }
    let secret = format!("{SECRET}2");
    let alone = stage.exchange_as("stock", &secret, &of_service, &[("audience", "audit")]).await;
    assert_eq!(refusal(&alone), (400, "invalid_request".into()), "nobody stands behind it");
    // And a client that is not registered for it exchanges nothing.
    let refused = stage.exchange_as("reports", SECRET, &access, &STOCK).await;
    assert_eq!(refusal(&refused), (400, "unauthorized_client".into()));
    let nobody = stage.exchange_as("orders", "wrong", &access, &STOCK).await;
    assert_eq!(refusal(&nobody), (401, "invalid_client".into()), "RFC 8693 §5: the actor is authenticated");
    stage.house.close().await;
}

#[tokio::test]
async fn rfc8693_2_1_types_are_required_and_an_actor_token_is_refused_clearly() {
    let stage = Stage::set().await;
    stage.house.guest().sign_up("ann@example.com").await;
    let (access, ..) = stage.program().await;
    let id_token = "urn:ietf:params:oauth:token-type:id_token";
    for more in [
        vec![("requested_token_type", id_token)],
        vec![("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")],
        vec![("actor_token", "x"), ("actor_token_type", ACCESS_TOKEN)],
        vec![("actor_token_type", ACCESS_TOKEN)],
    ] {
        let wish: Vec<_> = STOCK.into_iter().chain(more).collect();
        let answer = stage.exchange(&access, &wish).await;
        assert_eq!(refusal(&answer), (400, "invalid_request".into()), "{wish:?}");
    }
    let (subject, secret) = (("subject_token", access.as_str()), format!("{SECRET}1"));
    for wish in [
        vec![("grant_type", EXCHANGE), subject],
        vec![("grant_type", EXCHANGE), ("subject_token_type", ACCESS_TOKEN)],
        vec![("grant_type", EXCHANGE), subject, ("subject_token_type", id_token)],
        vec![("grant_type", EXCHANGE), subject, subject, ("subject_token_type", ACCESS_TOKEN)],
    ] {
        let answer = stage.ask_as("orders", &secret, &wish).await;
        assert_eq!(refusal(&answer), (400, "invalid_request".into()), "{wish:?}");
    }
    let said = stage.exchange(&access, &[("actor_token", "x")]).await.text();
    assert!(said.contains("actor_token is not taken"), "{said}");
    token(&stage.exchange(&access, &[("audience", "stock"), ("requested_token_type", ACCESS_TOKEN)]).await);
    stage.house.close().await;
}

#[tokio::test]
async fn rfc8693_4_1_a_chain_does_not_grow_for_ever() {
    let stage = Stage::set().await;
    stage.house.guest().sign_up("ann@example.com").await;
    let (access, ..) = stage.program().await;
    let secret = format!("{SECRET}2");
    let mut subject = token(&stage.exchange(&access, &STOCK).await);
    for _ in 0..3 {
        subject = token(&stage.exchange_as("stock", &secret, &subject, &[("audience", "stock")]).await);
    }
    let answer = stage.exchange_as("stock", &secret, &subject, &[("audience", "stock")]).await;
    assert_eq!(refusal(&answer), (400, "invalid_request".into()));
    stage.house.close().await;
}

#[tokio::test]
async fn an_exchanged_token_opens_nothing_here() {
    let stage = Stage::set().await;
    stage.house.guest().sign_up("ann@example.com").await;
    let (access, ..) = stage.program().await;
    let exchanged = token(&stage.exchange(&access, &STOCK).await);
    let authorization = format!("Bearer {exchanged}");
    for path in ["/app/x", "/auth/me", "/auth/sessions"] {
        let answer = stage.house.guest().send("GET", path, &[("authorization", &authorization)], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let by = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let logout = stage.house.guest().send("POST", "/auth/logout/all", &by, "{}").await;
    assert_eq!(logout.status, StatusCode::UNAUTHORIZED);
    stage.house.close().await;
}

#[tokio::test]
async fn a_disabled_account_has_nobody_who_acts_for_it() {
    let stage = Stage::set().await;
    stage.house.guest().sign_up("ann@example.com").await;
    let (access, ..) = stage.program().await;
    let app = stage.house.running().app();
    let account = app.account_by_email("ann@example.com").await.unwrap().unwrap();
    app.disable_account(account.id, true).await.unwrap();
    assert_eq!(refusal(&stage.exchange(&access, &STOCK).await), (400, "invalid_request".into()));
    stage.house.close().await;
}

#[tokio::test]
async fn rfc6749_6_a_program_refreshes_by_the_token_endpoint_as_by_our_own_route() {
    let stage = Stage::set().await;
    stage.house.guest().sign_up("ann@example.com").await;
    let (access, refresh, _) = stage.program().await;
    let wish = |refresh: &str| [("grant_type", "refresh_token".to_owned()), ("refresh_token", refresh.to_owned())];
    let by = async |headers: &[(&str, &str)], wish: &[(&str, String)]| {
        let wish: Vec<_> = wish.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ask(&stage.house, "/auth/token", headers, &wish).await
    };
    // R97-11: no scope is gained by it. A page of a browser gets nothing, and nor does a client that was never given one.
    let mut more = wish(&refresh).to_vec();
    more.push(("scope", "admin".into()));
    assert_eq!(refusal(&by(&[], &more).await), (400, "invalid_scope".into()));
    assert_eq!(refusal(&by(&[("origin", "https://evil.example")], &wish(&refresh)).await).0, 400);
    assert_eq!(refusal(&by(&[("sec-fetch-site", "same-origin")], &wish(&refresh)).await).0, 400);
    let client = basic("reports", SECRET);
    let of_client = by(&[("authorization", &client)], &wish(&refresh)).await;
    assert_eq!(refusal(&of_client), (400, "unauthorized_client".into()), "RFC 6749 §10.4");

    let next = by(&[], &wish(&refresh)).await;
    let opened = next.json();
    assert_eq!((opened["token_type"].as_str(), opened["expires_in"].as_u64()), (Some("Bearer"), Some(300)));
    let renewed = token(&next);
    assert_ne!(renewed, access);
    let authorization = format!("Bearer {renewed}");
    let me = stage.house.guest().send("GET", "/auth/me", &[("authorization", &authorization)], "").await;
    assert_eq!(me.status, StatusCode::OK);
    // R97-10: the old one comes back when the new one is in use, and all is over.
    stage.house.advance(60);
    assert_eq!(refusal(&by(&[], &wish(&refresh)).await), (400, "invalid_grant".into()));
    let newest = opened["refresh_token"].as_str().unwrap();
    assert_eq!(refusal(&by(&[], &wish(newest)).await), (400, "invalid_grant".into()));
    for none in ["x", &access] {
        assert_eq!(refusal(&by(&[], &wish(none)).await), (400, "invalid_grant".into()));
    }
    stage.house.close().await;
}

#[tokio::test]
async fn tokens_of_other_strategies_are_refreshed_by_their_cookies_only() {
    let stage = Stage::set().await;
    let ann: Guest = stage.house.signed_in("ann@example.com").await;
    let refresh = ann.cookie("__Secure-cloakroom-refresh").unwrap();
    let wish = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
    assert_eq!(refusal(&stage.ask("/auth/token", &[], &wish).await), (400, "invalid_grant".into()));
    // It was not used up by that either.
    assert_eq!(ann.refresh().await.status, StatusCode::OK);
    stage.house.close().await;
}

/// Lines of the trail about exchanges.
fn recorded(house: &House) -> u32 {
    let ask = "SELECT count(*) FROM event WHERE kind = 'token.exchanged'";
    house.look(|database| database.query_one(ask, [], |row| row.get(0)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_exchanges_leave_one_line_for_each_client_and_session() {
    let stage = Stage::set().await;
    stage.house.guest().sign_up("ann@example.com").await;
    let (access, ..) = stage.program().await;
    let mut last = None;
    for _ in 0..50 {
        let many = join_all((0..20).map(|_| stage.exchange(&access, &STOCK))).await;
        assert!(many.iter().all(|answer| answer.status == StatusCode::OK));
        last = many.last().map(token);
    }
    assert_eq!(recorded(&stage.house), 1);
    // Another client, and another session, are news.
    let secret = format!("{SECRET}2");
    for _ in 0..3 {
        let onward = stage.exchange_as("stock", &secret, &last.clone().unwrap(), &[("audience", "audit")]).await;
        assert_eq!(onward.status, StatusCode::OK, "{}", onward.text());
    }
    assert_eq!(recorded(&stage.house), 2);
    let (another, ..) = stage.program().await;
    for _ in 0..3 {
        assert_eq!(stage.exchange(&another, &STOCK).await.status, StatusCode::OK);
    }
    assert_eq!(recorded(&stage.house), 3);
    // What is refused is no exchange.
    assert_eq!(stage.exchange(&another, &[("audience", "audit")]).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(recorded(&stage.house), 3);
    stage.house.close().await;
}
