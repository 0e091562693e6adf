//! What stands around the API in its tests: an issuer that publishes keys and signs tokens, a clock that only the
//! test moves, and a client over real sockets. No gateway.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::routing::get;
use cloakroom_jose::{AccessClaims, Algorithm, JwkSet, SigningKey};
use cloakroom_notes::{ApiConfig, serve_api};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const ISSUER: &str = "https://app.example";
pub(crate) const AUDIENCE: &str = "notes";

pub(crate) struct Issuer {
    pub(crate) now: Arc<AtomicI64>,
    pub(crate) fetches: Arc<AtomicUsize>,
    document: Arc<Mutex<String>>,
    key: Mutex<SigningKey>,
    url: String,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let key = SigningKey::generate(Algorithm::EdDsa, "first").unwrap();
        let document = Arc::new(Mutex::new(published(&key)));
        let fetches = Arc::new(AtomicUsize::new(0));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let (shown, counted) = (Arc::clone(&document), Arc::clone(&fetches));
        let router = Router::new().route(
            "/keys",
            get(async move || {
                counted.fetch_add(1, Ordering::SeqCst);
                shown.lock().unwrap().clone()
            }),
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { now: Arc::new(AtomicI64::new(1_800_000_000)), fetches, document, key: Mutex::new(key), url }
    }

    pub(crate) fn wait(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    /// From now on, tokens are signed with a new key; it is published, the old one is not any more.
    pub(crate) fn rotate(&self, kid: &str) {
        let key = SigningKey::generate(Algorithm::EdDsa, kid).unwrap();
        self.publish(&published(&key));
        *self.key.lock().unwrap() = key;
    }

    pub(crate) fn publish(&self, document: &str) {
        document.clone_into(&mut self.document.lock().unwrap());
    }

    pub(crate) fn claims(&self, sub: &str) -> AccessClaims {
        let now = self.now.load(Ordering::SeqCst);
        AccessClaims {
            iss: ISSUER.into(),
            sub: sub.into(),
            aud: AUDIENCE.into(),
            client_id: "app".into(),
            exp: now + 300,
            iat: now,
            jti: "token".into(),
            sid: "session".into(),
            r#gen: 0,
            iss_no: 0,
            auth_time: now,
            amr: vec!["pwd".into()],
            roles: vec![],
            groups: vec![],
        }
    }

    pub(crate) fn sign(&self, claims: &AccessClaims) -> String {
        self.key.lock().unwrap().sign("at+jwt", claims).unwrap()
    }

    pub(crate) fn token(&self, sub: &str) -> String {
        self.sign(&self.claims(sub))
    }

    pub(crate) async fn api(&self, data: Option<PathBuf>) -> Server {
        let now = Arc::clone(&self.now);
        let config = ApiConfig {
            jwks_url: self.url.clone(),
            issuer: ISSUER.into(),
            audience: AUDIENCE.into(),
            data,
            now: Arc::new(move || now.load(Ordering::SeqCst)),
        };
        Server::start(|listener, stop| serve_api(listener, config, stop)).await
    }
}

fn published(key: &SigningKey) -> String {
    serde_json::to_string(&JwkSet::new(vec![key.public_jwk().unwrap()])).unwrap()
}

/// A server on a port of its own and a client for it.
pub(crate) struct Server {
    pub(crate) address: String,
    client: Client<HttpConnector, Body>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of a problem document.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

impl Server {
    pub(crate) async fn start<F: Future<Output = std::io::Result<()>> + Send + 'static>(
        serve: impl FnOnce(TcpListener, Stop) -> F,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(serve(
            listener,
            Box::pin(async move {
                let _dropped = stopped.await;
            }),
        ));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { address, client, stop: Some(stop), task }
    }

    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        drop(self.client);
        self.task.await.unwrap().unwrap();
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn request(&self, method: Method, path: &str, token: &str, body: impl Into<Body>) -> Request<Body> {
        let mut request = Request::new(body.into());
        *request.method_mut() = method;
        *request.uri_mut() = format!("http://{}{path}", self.address).parse().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        if !token.is_empty() {
            headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        request
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(self.request(Method::GET, path, token, Body::empty())).await
    }

    pub(crate) async fn add(&self, token: &str, text: &str) -> Answer {
        let body = serde_json::json!({ "text": text }).to_string();
        self.send(self.request(Method::POST, "/api/notes", token, body)).await
    }

    pub(crate) async fn delete(&self, token: &str, id: u64) -> Answer {
        self.send(self.request(Method::DELETE, &format!("/api/notes/{id}"), token, Body::empty())).await
    }

    /// The texts of this person's notes.
    pub(crate) async fn texts(&self, token: &str) -> Vec<String> {
        let answer = self.get("/api/notes", token).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()["notes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|note| note["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// An open event stream.
    pub(crate) async fn events(&self, token: &str) -> Events {
        let request = self.request(Method::GET, "/api/events", token, Body::empty());
        let response = self.client.request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Events { body: response.into_body(), text: String::new() }
    }
}

pub(crate) type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

pub(crate) struct Events {
    body: hyper::body::Incoming,
    text: String,
}

impl Events {
    /// The next block (an event or a comment), None at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                let rest = rest.to_owned();
                self.text = rest;
                return Some(block);
            }
            let data = self.body.frame().await?.ok()?.into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&data).unwrap());
        }
    }
}
