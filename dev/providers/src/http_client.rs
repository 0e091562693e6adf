//! One request over one connection. Nothing is kept open: a connection would belong to the runtime of the test that made it,
//! and a provider is shared by tests that each have their own.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpStream;

/// How long an answer is waited for: a provider on a busy machine takes seconds.
const DEADLINE: Duration = Duration::from_mins(1);

/// What came back.
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Sends a request whose target is a whole `http` URL, and reads the answer to its end, both within a minute.
pub async fn send(request: Request<Full<Bytes>>) -> Result<Answer> {
    let place = format!("{} {}", request.method(), without_query(request.uri()));
    match tokio::time::timeout(DEADLINE, exchange(request)).await {
        Ok(answer) => answer.with_context(|| format!("no answer to {place}")),
        Err(_) => bail!("no answer to {place} within {DEADLINE:?}"),
    }
}

async fn exchange(mut request: Request<Full<Bytes>>) -> Result<Answer> {
    let authority = request.uri().authority().context("a target without a host")?.clone();
    let stream = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await?;
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).parse()?;
    *request.uri_mut() = target;
    request.headers_mut().insert(HOST, HeaderValue::from_str(authority.as_str())?);
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends when `sender` goes.
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request).await?.into_parts();
    Ok(Answer { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
}

/// What may stand in an error: codes and tokens stand behind the question mark.
fn without_query(uri: &http::Uri) -> String {
    format!("{}{}", uri.authority().map_or("", |authority| authority.as_str()), uri.path())
}
