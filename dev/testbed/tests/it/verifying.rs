//! An API of somebody else that verifies by itself and follows the feed of the running server: `cloakroom-verify` in front of
//! axum, over real sockets, with tokens that a program was given and never shows to Cloakroom.

use axum::Router;
use axum::routing::get;
use cloakroom_testbed::{Answer, Guest, House, PASSWORD};
use cloakroom_verify::clock::ManualClock;
use cloakroom_verify::{AccessToken, Verifier};
use http::StatusCode;
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpListener;

const TOKEN: &str = "feed-token-feed-token-feed-token-02";
const CONFIG: &str = "[revocation]\nfeed_token = \"feed-token-feed-token-feed-token-02\"\n\
                      [session]\noffered = [\"native\"]\n[tokens]\naudience = \"https://api.elsewhere.example\"";

/// Long enough for a loaded machine; nothing waits so long when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

struct Api {
    base: String,
    clock: ManualClock,
}

impl Api {
    async fn start(house: &House) -> Self {
        let clock = ManualClock::at(1_800_000_000_000);
        let verifier = Verifier::builder(house.origin(), "https://api.elsewhere.example")
            .jwks_uri(format!("{}/.well-known/jwks.json", house.origin()))
            .feed(format!("{}/auth/revocations", house.origin()), TOKEN)
            .report_sightings(format!("{}/auth/sightings", house.origin()))
            .clock(clock.clone())
            .build()
            .unwrap();
        let who = async |token: AccessToken| token.subject().to_owned();
        let routes = Router::new().route("/who", get(who)).with_state(verifier);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { base, clock }
    }

    async fn ask(&self, token: &str) -> (u16, String) {
        let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new()).build_http();
        let request =
            http::Request::get(format!("{}/who", self.base)).header("authorization", format!("Bearer {token}"));
        let request = request.body(http_body_util::Full::<bytes::Bytes>::default()).unwrap();
        let response = client.request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn refuses(&self, token: &str, code: &str) {
        let refused = async {
            loop {
                let (status, said) = self.ask(token).await;
                if status != 200 {
                    assert!(said.contains(code), "{said}");
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, refused).await.unwrap();
    }

    fn advance(&self, house: &House, seconds: u64) {
        house.advance(seconds);
        self.clock.advance(Duration::from_secs(seconds));
    }
}

async fn post(house: &House, path: &str, body: serde_json::Value) -> Answer {
    let answer = house.guest().send("POST", path, &[("content-type", "application/json")], body.to_string()).await;
    for name in ["access_token", "refresh_token"] {
        if let Some(secret) = answer.json()[name].as_str() {
            house.watch.secret(secret);
        }
    }
    answer
}

async fn program(house: &House) -> (String, String, String) {
    let login = json!({ "email": "ann@example.com", "password": PASSWORD, "strategy": "native" });
    let opened = post(house, "/auth/login", login).await.json();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&opened["access_token"]), text(&opened["refresh_token"]), text(&opened["session"]["id"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_elsewhere_refuses_what_was_revoked_here() {
    let house = House::with(CONFIG).await;
    house.watch.secret(TOKEN);
    let ann: Guest = house.signed_in("ann@example.com").await;
    let api = Api::start(&house).await;
    let (access, _, session) = program(&house).await;
    assert_eq!(api.ask(&access).await.0, 200, "{:?}", api.ask(&access).await);
    // A cookie's token is for another door.
    assert_eq!(api.ask(&ann.cookie("__Host-Http-cloakroom").unwrap()).await.0, 401);

    // Ended by name from another session of the same person; then all at once, by account, by key, by everything.
    assert_eq!(ann.fetch("DELETE", &format!("/auth/sessions/{session}"), None).await.status, StatusCode::NO_CONTENT);
    api.refuses(&access, "token-revoked").await;
    let (access, ..) = program(&house).await;
    assert_eq!(api.ask(&access).await.0, 200);
    ann.fetch("POST", "/auth/logout/others", None).await;
    api.refuses(&access, "token-revoked").await;

    let (access, ..) = program(&house).await;
    assert_eq!(api.ask(&access).await.0, 200);
    api.advance(&house, 2);
    house.running().app().revoke_everything().await.unwrap();
    api.refuses(&access, "token-revoked").await;
    api.advance(&house, 2);
    let (access, ..) = program(&house).await;
    assert_eq!(api.ask(&access).await.0, 200, "{:?}", api.ask(&access).await);

    let key = house.running().app().ring().records().iter().find(|key| key.algorithm == "EdDSA").unwrap().id;
    house.running().app().withdraw_key(key).await.unwrap();
    api.refuses(&access, "token").await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_that_hears_nothing_lets_nobody_in_and_comes_back_by_itself() {
    let mut house = House::with(CONFIG).await;
    house.watch.secret(TOKEN);
    house.guest().sign_up("ann@example.com").await;
    let api = Api::start(&house).await;
    let (access, ..) = program(&house).await;
    assert_eq!(api.ask(&access).await.0, 200);
    // Nobody tells it anything for longer than the feed allows: its clock goes on, the server's stands still.
    house.stop().await;
    api.clock.advance(Duration::from_secs(11));
    api.refuses(&access, "revocations-stale").await;
    house.open_again().await;
    let back = async {
        // Its waits between two attempts end by its own clock.
        while api.ask(&access).await.0 != 200 {
            api.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, back).await.unwrap();
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_only_an_api_elsewhere_has_seen_acknowledges_its_generation() {
    let house = House::with(CONFIG).await;
    house.watch.secret(TOKEN);
    house.guest().sign_up("ann@example.com").await;
    let api = Api::start(&house).await;
    let (_, refresh, _) = program(&house).await;
    let next = post(&house, "/auth/refresh", json!({ "refresh_token": refresh })).await.json();
    let access = next["access_token"].as_str().unwrap().to_owned();
    assert_eq!(api.ask(&access).await.0, 200);
    // The report is on its way once the API's clock has moved; the old token then is no lost answer but a thief's.
    let caught = async {
        loop {
            api.advance(&house, 2);
            let again = post(&house, "/auth/refresh", json!({ "refresh_token": refresh })).await;
            match again.code().as_str() {
                "session-ended" => return,
                "refresh-raced" => {}
                other => assert_eq!((again.status, other), (StatusCode::OK, ""), "{}", again.text()),
            }
        }
    };
    tokio::time::timeout(PATIENCE, caught).await.unwrap();
    house.close().await;
}
