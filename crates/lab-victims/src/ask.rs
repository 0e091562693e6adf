//! A request as the bank's tutorial frameworks see it: path, query, cookies, and a body in one of several shapes.
//!
//! It does not decide which shapes a strategy accepts (`manner.rs`), nor what the fields mean.

use std::collections::BTreeMap;

use axum::extract::{FromRequest as _, Multipart};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::reply::Refusal;

/// The longest body that is read, in bytes; `express.json()` and `express.urlencoded()` take 100 kB.
const LONGEST_BODY: usize = 100 * 1024;

/// Names and values of a query or a body.
pub(crate) type Fields = BTreeMap<String, String>;

pub(crate) struct Ask {
    pub(crate) method: Method,
    /// As sent, without the query.
    pub(crate) path: String,
    /// Path and query as sent.
    pub(crate) target: String,
    pub(crate) query: Fields,
    pub(crate) headers: HeaderMap,
    /// `https://` and the host that was asked.
    pub(crate) origin: String,
    body: Bytes,
}

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Empty,
    Json,
    UrlEncoded,
    /// `text/plain`, or no `Content-Type` at all: JSON is tried.
    Plain,
    Multipart,
}

impl Ask {
    /// Refuses a body that is too long.
    pub(crate) fn read(request: http::Request<Bytes>) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        if body.len() > LONGEST_BODY {
            return Err(Refusal::TOO_LONG);
        }
        let host = match parts.uri.authority() {
            Some(authority) => authority.as_str(),
            None => parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default(),
        };
        Ok(Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            target: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            query: pairs(parts.uri.query().unwrap_or_default().as_bytes()),
            origin: format!("https://{host}"),
            headers: parts.headers,
            body,
        })
    }

    /// The value of a header, if it is text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The origin of another host of the lab: beside `s17.bank.test:8443` that of `idp` is `https://idp.test:8443`.
    pub(crate) fn beside(&self, host: &str) -> Option<String> {
        let (_, rest) = self.origin.split_once(".bank.")?;
        Some(format!("https://{host}.{rest}"))
    }

    /// The first cookie of this name, as the npm package `cookie` reads them. It is read by bytes: a sibling host can plant
    /// a name that is no ASCII beside it, which node does not mind. A value that is no text is empty.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
            .filter_map(|pair| Some(pair.split_at(pair.iter().position(|byte| *byte == b'=')?)))
            .find(|(found, _)| found.trim_ascii() == name.as_bytes())
            .map(|(_, value)| value.strip_prefix(b"=").unwrap_or_default().trim_ascii())
            .map(|value| std::str::from_utf8(value).unwrap_or_default())
    }

    /// What stands after the scheme in `Authorization`.
    pub(crate) fn authorization(&self, scheme: &str) -> Option<&str> {
        let (found, rest) = self.header(AUTHORIZATION)?.split_once(' ')?;
        found.eq_ignore_ascii_case(scheme).then(|| rest.trim())
    }

    /// Whether a browser wants to show the answer: a visit or a form, rather than a `fetch`.
    pub(crate) fn wants_page(&self) -> bool {
        self.header(ACCEPT).is_some_and(|accept| accept.contains("text/html"))
    }

    pub(crate) fn shape(&self) -> Shape {
        let kind = self.header(CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default();
        match kind.trim().to_ascii_lowercase().as_str() {
            _ if self.body.is_empty() => Shape::Empty,
            "application/json" => Shape::Json,
            "application/x-www-form-urlencoded" => Shape::UrlEncoded,
            "multipart/form-data" => Shape::Multipart,
            _ => Shape::Plain,
        }
    }

    /// The fields of the body. `accepted` are the shapes that this bank's framework parses; any other body is left
    /// unread, as `express` leaves it, and the fields are missing then.
    pub(crate) async fn fields(&self, accepted: &[Shape]) -> Result<Fields, Refusal> {
        let shape = self.shape();
        match shape {
            _ if !accepted.contains(&shape) => Ok(Fields::new()),
            Shape::Empty => Ok(Fields::new()),
            Shape::Json => json(&self.body).ok_or(Refusal::UNREADABLE),
            Shape::UrlEncoded => Ok(pairs(&self.body)),
            Shape::Plain => Ok(json(&self.body).unwrap_or_default()),
            Shape::Multipart => self.multipart().await.ok_or(Refusal::UNREADABLE),
        }
    }

    async fn multipart(&self) -> Option<Fields> {
        let mut request = http::Request::new(axum::body::Body::from(self.body.clone()));
        request.headers_mut().insert(CONTENT_TYPE, self.headers.get(CONTENT_TYPE)?.clone());
        let mut form = Multipart::from_request(request, &()).await.ok()?;
        let mut fields = Fields::new();
        while let Some(field) = form.next_field().await.ok()? {
            let name = field.name().unwrap_or_default().to_owned();
            fields.insert(name, field.text().await.ok()?);
        }
        Some(fields)
    }
}

fn pairs(text: &[u8]) -> Fields {
    url::form_urlencoded::parse(text).into_owned().collect()
}

/// The members of an object that are texts or numbers; `None` if it is no object.
fn json(text: &[u8]) -> Option<Fields> {
    let Ok(Value::Object(members)) = serde_json::from_slice(text) else { return None };
    let plain = members.into_iter().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        Value::Number(number) => Some((name, number.to_string())),
        _ => None,
    });
    Some(plain.collect())
}
