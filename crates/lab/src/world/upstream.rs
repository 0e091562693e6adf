//! The bank behind Cloakroom: a plain listener on loopback that only Cloakroom knows. It believes a token whose signature
//! fits the published keys (RFC 9068 4), and nothing else.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use tokio::net::TcpListener;

use super::World;

/// Cloakroom bounds bodies as well; this is the bank's own bound.
const LARGEST_BODY: usize = 1 << 20;

/// Who it is, for the bank; whatever a client sent under this name has been removed.
const ACCOUNT: &str = "x-lab-account";
/// Which strategy its page should use.
const STRATEGY: &str = "x-lab-cloakroom";

#[derive(Deserialize)]
struct Claims {
    sub: String,
}

/// Who has which number in one Cloakroom: its tokens name people by a number that means nothing elsewhere.
#[derive(Default)]
pub(crate) struct Register {
    keys: Mutex<Option<JwkSet>>,
    people: Mutex<std::collections::HashMap<String, String>>,
}

impl Register {
    /// Remembers somebody's number.
    pub(crate) fn enter(&self, id: &str, email: &str) {
        self.people.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), email.to_owned());
    }

    fn email(&self, token: &str) -> Option<String> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let key = DecodingKey::from_jwk(keys.as_ref()?.find(&kid)?).ok()?;
        drop(keys);
        let mut expected = Validation::new(Algorithm::EdDSA);
        expected.set_audience(&["https://bank.test/api"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &expected).ok()?.claims;
        self.people.lock().unwrap_or_else(PoisonError::into_inner).get(&claims.sub).cloned()
    }

    /// Learns the keys, once.
    pub(crate) fn learn(&self, keys: serde_json::Value) -> Result<()> {
        let keys = serde_json::from_value(keys).context("the JWKS of cloakroom")?;
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys);
        Ok(())
    }
}

/// Opens a free port on loopback.
pub(crate) async fn open() -> Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", 0)).await.context("no free port on 127.0.0.1")
}

/// Serves the bank there until the world is dropped.
pub(crate) async fn serve(listener: TcpListener, strategy: &'static str, register: Arc<Register>, world: Weak<World>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (register, world) = (Arc::clone(&register), world.clone());
        let service = service_fn(move |request| {
            let (register, world) = (Arc::clone(&register), world.upgrade());
            async move { Ok::<_, Infallible>(answer(world, &register, strategy, request).await) }
        });
        tokio::spawn(async move {
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(
    world: Option<Arc<World>>,
    register: &Register,
    strategy: &'static str,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (mut parts, body) = request.into_parts();
    let body = Limited::new(body, LARGEST_BODY).collect().await;
    let (Some(world), Ok(body)) = (world, body) else {
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::BAD_REQUEST;
        return answer;
    };
    parts.headers.remove(ACCOUNT);
    let token = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    if let Some(email) = token.and_then(|token| register.email(token)) {
        set(&mut parts.headers, ACCOUNT, &email);
    }
    set(&mut parts.headers, STRATEGY, strategy);
    world.bank.answer("behind", Request::from_parts(parts, body.to_bytes())).await.map(Full::new)
}

fn set(headers: &mut http::HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
