//! How much, how long. The gateway applies them to every upstream that names no other [`crate::Timeouts`].

use std::time::Duration;

/// The bounds of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Names and values of a request's fields together, in bytes; above it 431. The server's parser has a buffer of its
    /// own, so this also bounds HTTP/2 requests.
    pub max_header_bytes: usize,
    /// Number of field lines in a request; above it 431.
    pub max_headers: usize,
    /// Body of a request in bytes; above it 413. `None` is unbounded.
    pub max_body_bytes: Option<u64>,
    /// Requests per upstream that wait for the head of an answer; above it 503.
    pub max_pending: usize,
    /// Idle connections that are kept per upstream.
    pub max_idle_connections: usize,
    /// How long an idle connection to an upstream is kept. Shorter than what the upstream keeps (Node.js: 5 s), so that
    /// a request is not sent into a connection that is just being closed.
    pub keep_for: Duration,
    /// Time to a TCP connection; above it 504.
    pub connect_for: Duration,
    /// Time from the end of the request to the head of the answer; above it 504.
    pub answer_for: Duration,
    /// A transfer in which no byte moves either way for so long is broken off. Not for event streams and tunnels.
    pub idle_for: Duration,
    /// The same for event streams; `None` lets them be silent.
    pub event_stream_idle_for: Option<Duration>,
    /// The same for tunnels; `None` lets them be silent.
    pub tunnel_idle_for: Option<Duration>,
    /// A tunnel that we end is closed in two steps that may take so long each: the frame under way and a Close go out,
    /// and the other side closes too. Who takes longer is cut off.
    pub tunnel_close_for: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_header_bytes: 32 * 1024,
            max_headers: 100,
            max_body_bytes: None,
            max_pending: 4096,
            max_idle_connections: 256,
            keep_for: Duration::from_secs(4),
            connect_for: Duration::from_secs(5),
            answer_for: Duration::from_mins(1),
            idle_for: Duration::from_mins(1),
            event_stream_idle_for: None,
            tunnel_idle_for: None,
            tunnel_close_for: Duration::from_secs(2),
        }
    }
}
