//! The gateway's own refusals as problem documents (RFC 9457). Their texts are constants, so nothing that a client or an
//! upstream sent can appear in them.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::body::Body;

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $status:ident $number:literal $code:literal $title:literal $detail:literal;)*) => {
        /// Why the gateway refused or failed. Its type is `urn:cloakroom:problem:<code>`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Problem {
            $($(#[$doc])* $name,)*
        }

        impl Problem {
            /// Every one, for documentation and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The status that it is answered with.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// The last part of its type, such as `no-route`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The whole document, JSON.
            pub fn document(self) -> &'static str {
                match self { $(Self::$name => concat!(
                    r#"{"type":"urn:cloakroom:problem:"#, $code, r#"","title":""#, $title, r#"","status":"#,
                    $number, r#","code":""#, $code, r#"","detail":""#, $detail, r#""}"#
                ),)* }
            }
        }
    };
}

problems! {
    /// No route serves this host and path.
    NoRoute = NOT_FOUND 404 "no-route" "Nothing here" "No upstream serves this address.";
    /// Some servers would read the path as another one that belongs elsewhere.
    AmbiguousPath = BAD_REQUEST 400 "ambiguous-path" "Ambiguous path"
        "This path can be read in more than one way, and the readings do not belong to the same place.";
    /// Host missing, doubled, malformed, or another one than the request target's.
    BadHost = BAD_REQUEST 400 "bad-host" "Bad host" "The request must name exactly one host.";
    /// The request target is in no form that this method takes.
    BadTarget = BAD_REQUEST 400 "bad-target" "Bad request target" "The request target is not a path on this server.";
    /// CONNECT, TRACE or TRACK.
    MethodRefused = METHOD_NOT_ALLOWED 405 "method-refused" "Method not allowed" "This method is refused everywhere.";
    /// Transfer codings other than chunked.
    TransferCoding = NOT_IMPLEMENTED 501 "transfer-coding" "Transfer coding not supported"
        "Bodies may be sent with Content-Length or chunked, in no other coding.";
    /// More than one `Content-Length`.
    BadFraming = BAD_REQUEST 400 "bad-framing" "Bad framing" "The length of the body is stated more than once.";
    /// An `Upgrade` with a body or with another method than GET.
    BadUpgrade = BAD_REQUEST 400 "bad-upgrade" "Bad upgrade" "An upgrade is a GET request without a body.";
    /// An `Expect` other than `100-continue`.
    Expectation = EXPECTATION_FAILED 417 "expectation" "Expectation failed" "Only 100-continue can be expected.";
    /// A call that needs an approval of its own, carried by another proxy: its body is not seen here.
    UnseenCall = FORBIDDEN 403 "unseen-call" "This call cannot be approved here"
        "Calls that need an approval of their own must be carried by Cloakroom itself, which sees their bodies.";
    /// A field that another proxy would carry on to the application although it says who somebody is, or another address.
    UnreplaceableHeader = BAD_REQUEST 400 "unreplaceable-header" "Header refused"
        "A header field is another spelling of one that only the proxy may set, or names another address or method.";
    /// The listener of proxies was asked for something else.
    VerifyOnly = NOT_FOUND 404 "verify-only" "There is nothing else here"
        "This listener answers proxies, at /auth/verify, /auth/verify-subrequest and /auth/verify-refusal. Everything else is at server.listen.";
    /// Somebody who is no listed proxy asked about a request.
    NotAProxy = FORBIDDEN 403 "not-a-proxy" "Only proxies may ask" "Add the address of this proxy to server.trusted_proxies.";
    /// A proxy did not say about which request it asks, or said it in two ways.
    BadQuestion = BAD_REQUEST 400 "bad-question" "It is not said about what"
        "The proxy must send X-Forwarded-Method, X-Forwarded-Uri and X-Forwarded-Host, once each.";
    /// A preflight that another proxy carries: a yes to it would be taken for one to the request.
    UnseenPreflight = FORBIDDEN 403 "unseen-preflight" "Preflights are the proxy's"
        "Pages of other origins reach the application through Cloakroom itself, or by what the proxy answers to preflights.";
    /// The client was silent in the middle of its body.
    SlowBody = REQUEST_TIMEOUT 408 "slow-body" "Request timeout" "The rest of the body did not arrive in time.";
    /// The client's body ended before its end.
    BrokenBody = BAD_REQUEST 400 "broken-body" "Broken body" "The body ended before its announced end.";
    /// The body is above [`crate::Limits::max_body_bytes`].
    BodyTooLarge = PAYLOAD_TOO_LARGE 413 "body-too-large" "Body too large" "The body is larger than this server takes.";
    /// The header is above [`crate::Limits::max_header_bytes`] or [`crate::Limits::max_headers`].
    HeaderTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE 431 "header-too-large" "Header too large"
        "The header fields are larger or more than this server takes.";
    /// Too many requests wait for this upstream.
    Overloaded = SERVICE_UNAVAILABLE 503 "overloaded" "Overloaded" "Too many requests are waiting; try again shortly.";
    /// The gateway is stopping and opens no more tunnels.
    Draining = SERVICE_UNAVAILABLE 503 "draining" "Restarting" "The server is stopping; try again shortly.";
    /// No connection to the upstream.
    UpstreamUnreachable = BAD_GATEWAY 502 "upstream-unreachable" "Upstream unreachable"
        "The server behind this one cannot be reached.";
    /// The upstream closed the connection before an answer, or answered with something that is not HTTP.
    UpstreamFailed = BAD_GATEWAY 502 "upstream-failed" "Upstream failed"
        "The server behind this one gave no valid answer.";
    /// The upstream did not connect, read or answer in time.
    UpstreamTimeout = GATEWAY_TIMEOUT 504 "upstream-timeout" "Upstream timeout"
        "The server behind this one did not answer in time.";
}

impl Problem {
    /// The answer: the document, never stored, and after a request whose framing or address is in doubt the end of
    /// the connection, so that its rest is not read as another request.
    pub fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(Bytes::from_static(self.document().as_bytes())));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::MethodRefused => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Overloaded | Self::Draining => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::BadHost
            | Self::BadTarget
            | Self::TransferCoding
            | Self::BadFraming
            | Self::BadUpgrade
            | Self::BrokenBody => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
