//! The network, as a trait: one question, one bounded answer. Who fulfils it knows HTTP; this crate does not.

use async_trait::async_trait;

/// Asks one question.
///
/// The implementer bounds the time, refuses an answer whose body is longer than [`FetchRequest::limit`], follows **no**
/// redirect (its 3xx is the answer), keeps no cookie, and writes neither body nor headers of a request into a log.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Sends the request and takes the answer in, whatever its status.
    async fn fetch(&self, request: FetchRequest) -> Result<FetchResponse, FetchError>;
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Documents.
    Get,
    /// Tokens and revocations.
    Post,
}

/// What is asked. No `Debug`: headers and body hold secrets.
pub struct FetchRequest {
    /// `GET` or `POST`.
    pub method: Method,
    /// An absolute URL: https, or http on this machine. Holds no secret.
    pub url: String,
    /// Names in lower case, with their values.
    pub headers: Vec<(&'static str, String)>,
    /// Empty for `GET`.
    pub body: Vec<u8>,
    /// An answer whose body is longer, in bytes, is [`FetchError::TooLarge`].
    pub limit: usize,
}

/// What was answered. No `Debug`: a body holds tokens.
pub struct FetchResponse {
    /// The status, redirects included.
    pub status: u16,
    /// The header `content-type`, if there is one.
    pub content_type: Option<String>,
    /// The whole body.
    pub body: Vec<u8>,
}

/// Why there was no answer. Holds neither headers nor bodies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// No connection, or it broke off; why, for the log.
    #[error("no connection or no answer: {0}")]
    Exchange(String),
    /// The implementer's time was up.
    #[error("no answer in time")]
    Late,
    /// The body is longer than the request's limit.
    #[error("the answer is too large")]
    TooLarge,
}
