//! An API over real sockets, behind the layer and with the extractor: what a client is answered.

use axum::extract::FromRef;
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use cloakroom_verify::{AccessToken, Refusal, Verifier, VerifyLayer};
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::issuer::{FEED_TOKEN, Issuer, Mood, session};
use crate::secs;

#[derive(Clone)]
struct State {
    verifier: Verifier,
}

impl FromRef<State> for Verifier {
    fn from_ref(state: &State) -> Self {
        state.verifier.clone()
    }
}

async fn extracted(token: AccessToken) -> String {
    token.subject().to_owned()
}

async fn optional(token: Option<AccessToken>) -> String {
    token.map_or("nobody".into(), |token| token.subject().to_owned())
}

async fn scoped(token: AccessToken) -> Result<String, Refusal> {
    token.require_scope("notes:admin")?;
    Ok("admin".into())
}

async fn layered(Extension(token): Extension<AccessToken>) -> String {
    token.subject().to_owned()
}

struct Api {
    url: String,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn header(&self, name: http::HeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn problem(&self) -> Value {
        assert_eq!(self.header(CONTENT_TYPE), Some("application/problem+json"));
        assert_eq!(self.header(CACHE_CONTROL), Some("no-store"));
        let problem: Value = serde_json::from_str(&self.text).unwrap();
        assert_eq!(problem["status"], self.status.as_u16());
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        problem
    }
}

impl Api {
    async fn start(verifier: &Verifier) -> Self {
        let behind = Router::new().route("/layered", get(layered)).layer(VerifyLayer::new(verifier.clone())).merge(
            Router::new()
                .route("/admin", get(layered))
                .layer(VerifyLayer::new(verifier.clone()).require_scope("notes:admin")),
        );
        let router = Router::new()
            .route("/extracted", get(extracted))
            .route("/optional", get(optional))
            .route("/scoped", get(scoped))
            .with_state(State { verifier: verifier.clone() })
            .merge(behind);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url }
    }

    async fn get(&self, path: &str, authorizations: &[&str]) -> Answer {
        let mut request = Request::get(format!("{}{path}", self.url));
        for line in authorizations {
            request = request.header(AUTHORIZATION, *line);
        }
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
        let response = client.request(request.body(Empty::new()).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, text }
    }

    async fn with(&self, path: &str, token: &str) -> Answer {
        self.get(path, &[&format!("Bearer {token}")]).await
    }
}

#[tokio::test]
async fn a_good_token_is_let_in_by_layer_and_extractor_again_and_again() {
    let issuer = Issuer::start().await;
    let api = Api::start(&issuer.builder().build().unwrap()).await;
    let token = issuer.token();
    for path in ["/extracted", "/layered", "/optional", "/layered", "/extracted"] {
        let answer = api.with(path, &token).await;
        assert_eq!(
            (answer.status, answer.text.as_str()),
            (StatusCode::OK, crate::issuer::account(1).as_str()),
            "{path}"
        );
    }
    assert_eq!(issuer.key_hits(), 1);
}

#[tokio::test]
async fn rfc_6750_3_refusals_are_challenges_with_a_problem_document() {
    let issuer = Issuer::start().await;
    let api = Api::start(&issuer.builder().build().unwrap()).await;
    let good = format!("Bearer {}", issuer.token());
    let expired = format!("Bearer {}", issuer.token_with(&json!({"iat": 1, "exp": 2})));
    let invalid = "Bearer error=\"invalid_token\"";
    for path in ["/extracted", "/layered", "/scoped", "/admin"] {
        for (lines, status, challenge, code) in [
            (&[][..], 401, "Bearer", "token-missing"),
            (&["Basic YTpi"], 401, "Bearer", "token-missing"),
            (&["Bearer a.b.c"], 401, invalid, "token-invalid"),
            (&["Bearer"], 401, invalid, "token-invalid"),
            (
                &[&expired],
                401,
                "Bearer error=\"invalid_token\", error_description=\"The token has expired\"",
                "access-expired",
            ),
            (&[&good, &good], 400, "Bearer error=\"invalid_request\"", "authorization-twice"),
        ] {
            let answer = api.get(path, lines).await;
            assert_eq!(answer.status.as_u16(), status, "{path} {lines:?}");
            assert_eq!(answer.header(WWW_AUTHENTICATE), Some(challenge), "{path}");
            assert_eq!(answer.problem()["code"], code, "{path}");
        }
    }
}

#[tokio::test]
async fn an_optional_token_may_be_missing_but_not_bad() {
    let issuer = Issuer::start().await;
    let api = Api::start(&issuer.builder().build().unwrap()).await;
    assert_eq!(api.get("/optional", &[]).await.text, "nobody");
    assert_eq!(api.with("/optional", "a.b.c").await.status, StatusCode::UNAUTHORIZED);
    let good = format!("Bearer {}", issuer.token());
    assert_eq!(api.get("/optional", &[&good, &good]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_scope_that_was_not_granted_is_a_403_that_names_it() {
    let issuer = Issuer::start().await;
    let api = Api::start(&issuer.builder().build().unwrap()).await;
    let admin = issuer.token_with(&json!({"scope": "notes:admin"}));
    for path in ["/scoped", "/admin"] {
        let answer = api.with(path, &issuer.token()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(answer.header(WWW_AUTHENTICATE), Some("Bearer error=\"insufficient_scope\", scope=\"notes:admin\""));
        assert_eq!(answer.problem()["code"], "insufficient-scope");
        assert_eq!(api.with(path, &admin).await.status, StatusCode::OK, "{path}");
    }
    // What only looks like it is not it.
    for scope in [json!("notes:admins"), json!(["notes:admin"]), json!(null)] {
        assert_eq!(
            api.with("/admin", &issuer.token_with(&json!({"scope": scope}))).await.status,
            StatusCode::FORBIDDEN
        );
    }
}

#[tokio::test]
async fn without_keys_or_with_a_silent_feed_the_answer_is_503_and_when_to_come_back() {
    let issuer = Issuer::start().await;
    issuer.key_mood(Mood::Away);
    let api = Api::start(&issuer.builder().build().unwrap()).await;
    for path in ["/extracted", "/layered", "/optional"] {
        let answer = api.with(path, &issuer.token()).await;
        assert_eq!((answer.status, answer.header(WWW_AUTHENTICATE)), (StatusCode::SERVICE_UNAVAILABLE, None), "{path}");
        assert_eq!(answer.header(RETRY_AFTER), Some("1"));
        assert_eq!(answer.problem()["code"], "keys-unavailable");
        assert_eq!(
            api.get(path, &["Basic x", "Bearer y"]).await.status,
            StatusCode::BAD_REQUEST,
            "no keys are needed for that"
        );
    }

    let issuer = Issuer::start().await;
    let api = Api::start(&issuer.following().build().unwrap()).await;
    assert_eq!(api.with("/layered", &issuer.token()).await.status, StatusCode::OK);
    issuer.feed_mood(Mood::Away);
    issuer.clock.advance(secs(11));
    for path in ["/extracted", "/layered"] {
        let answer = api.with(path, &issuer.token()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header(RETRY_AFTER), Some("1"));
        assert_eq!(answer.problem()["code"], "revocations-stale");
    }
}

#[tokio::test]
async fn a_revoked_session_is_refused_by_the_api() {
    let issuer = Issuer::start().await;
    issuer.write(json!({"kind": "session", "sid": session(2), "until": issuer.until()}));
    let api = Api::start(&issuer.following().build().unwrap()).await;
    let answer = api.with("/layered", &issuer.token_with(&json!({"sid": session(2)}))).await;
    assert_eq!((answer.status, answer.problem()["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("token-revoked")));
    assert_eq!(api.with("/layered", &issuer.token()).await.status, StatusCode::OK);
    assert_eq!(api.with("/layered", FEED_TOKEN).await.status, StatusCode::UNAUTHORIZED);
}
