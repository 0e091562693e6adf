//! An API on another site: it knows the public keys, the issuer and its own audience, answers whoever brings a good token,
//! and says by CORS which page may read that. No cookie means anything to it.

use bytes::Bytes;
use cloakroom_app::{Clock as _, ManualClock};
use cloakroom_jose::{AccessClaims, Expect, JwkSet, KeySet, verify};
use cloakroom_testbed::{Guest, House};
use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::net::TcpListener;

/// The API. It ends with the runtime.
#[derive(Clone)]
pub(crate) struct Api {
    port: u16,
    issuer: String,
    clock: Arc<ManualClock>,
    keys: Guest,
}

impl Api {
    pub(crate) async fn start(house: &House) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let api = Self { port, issuer: house.origin(), clock: Arc::clone(&house.clock), keys: house.guest() };
        let shared = api.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let api = shared.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| api.clone().answer(request));
                    drop(
                        hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await,
                    );
                });
            }
        });
        api
    }

    /// Its address: another site than `localhost`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let mut answer = Response::builder()
            .header(ACCESS_CONTROL_ALLOW_ORIGIN, &self.issuer)
            .header(ACCESS_CONTROL_ALLOW_HEADERS, AUTHORIZATION)
            .header(CONTENT_TYPE, "application/json");
        if request.method() == Method::OPTIONS {
            return Ok(answer.body(Full::default()).unwrap());
        }
        let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let account = match token {
            Some(token) => self.account_of(token).await,
            None => None,
        };
        if account.is_none() {
            answer = answer.status(StatusCode::UNAUTHORIZED);
        }
        let body = json!({ "account": account, "cookies": request.headers().contains_key(COOKIE) });
        Ok(answer.body(Full::from(body.to_string())).unwrap())
    }

    async fn account_of(&self, token: &str) -> Option<String> {
        let published = self.keys.fetch("GET", "/.well-known/jwks.json", None).await;
        let keys = KeySet::from_jwks(&JwkSet::parse(&published.body).ok()?).ok()?;
        let audience = format!("{}/api", self.issuer);
        let expect = Expect { typ: "at+jwt", issuer: &self.issuer, audience: &audience, leeway: 0 };
        let verified = verify::<AccessClaims>(token, &keys, &expect, self.clock.now().unix_seconds()).ok()?;
        Some(verified.into_claims().sub)
    }
}
