//! What a request asks for: its method, the form of its target, and the one host that it names.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method, Version};

use crate::limits::Limits;
use crate::problem::Problem;

/// A host as a client names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// With the port, if there is one.
    pub(crate) full: &'a str,
    /// Without.
    pub(crate) name: &'a str,
    /// Decimal.
    pub(crate) port: Option<&'a str>,
}

/// Refuses what is never forwarded, and says which host the request names; `None` only for HTTP/1.0 without `Host`.
pub(crate) fn check<'a>(parts: &'a Parts, limits: &Limits) -> Result<Option<Named<'a>>, Problem> {
    check_size(&parts.headers, limits)?;
    if ["TRACE", "TRACK", "CONNECT"].iter().any(|refused| refused.eq_ignore_ascii_case(parts.method.as_str())) {
        return Err(Problem::MethodRefused);
    }
    check_framing(&parts.headers)?;
    let path = parts.uri.path();
    let of_the_server = path == "*" && parts.method == Method::OPTIONS;
    if path.starts_with('/') || of_the_server { named(parts) } else { Err(Problem::BadTarget) }
}

impl<'a> Named<'a> {
    /// Reads `name`, `name:port`, `[v6]`, `[v6]:port`.
    pub(crate) fn parse(full: &'a str) -> Option<Self> {
        let end = if full.starts_with('[') { full.find(']')? + 1 } else { full.find(':').unwrap_or(full.len()) };
        let (name, rest) = full.split_at_checked(end)?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port),
            None if rest.is_empty() => None,
            None => return None,
        };
        let inner = name.strip_prefix('[').map_or(Some(name), |inner| inner.strip_suffix(']'))?;
        let fine = |byte: u8| match byte {
            b':' => inner.len() < name.len(),
            _ => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'),
        };
        let named = !inner.is_empty() && inner.len() <= 255 && inner.bytes().all(fine);
        let numbered = port.is_none_or(|port| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit()));
        (named && numbered).then_some(Self { full, name, port: port.filter(|port| !port.is_empty()) })
    }

    fn is_same(self, other: Self, default_port: &str) -> bool {
        let port = |named: Self| named.port.filter(|&port| port != default_port).map(str::to_owned);
        self.name.eq_ignore_ascii_case(other.name) && port(self) == port(other)
    }
}

/// RFC 9112 §3.2: exactly one `Host`, and a target in absolute form (or HTTP/2's `:authority`) must not name another:
/// the next server might go by the one that we did not.
fn named(parts: &Parts) -> Result<Option<Named<'_>>, Problem> {
    let mut lines = parts.headers.get_all(HOST).iter();
    let by_field = match (lines.next(), lines.next()) {
        (Some(line), None) => Some(line.to_str().ok().and_then(Named::parse).ok_or(Problem::BadHost)?),
        (None, _) => None,
        _ => return Err(Problem::BadHost),
    };
    let default_port = match parts.uri.scheme_str() {
        Some("http") => "80",
        Some("https") => "443",
        Some(_) => return Err(Problem::BadTarget),
        None if parts.uri.authority().is_some() && parts.version < Version::HTTP_2 => return Err(Problem::BadTarget),
        None => "443",
    };
    let by_target = match parts.uri.authority() {
        Some(authority) => Some(Named::parse(authority.as_str()).ok_or(Problem::BadHost)?),
        None => None,
    };
    match (by_target, by_field) {
        (Some(target), Some(field)) if !target.is_same(field, default_port) => Err(Problem::BadHost),
        // HTTP/1.1 requires the field even beside an absolute target.
        (_, None) if parts.version == Version::HTTP_11 => Err(Problem::BadHost),
        (None, None) if parts.version >= Version::HTTP_2 => Err(Problem::BadHost),
        (target, field) => Ok(target.or(field)),
    }
}

/// Chunked or a length, once. The server's parser already resolved conflicts between the two; a coding under the
/// chunked one would reach the upstream as plain bytes.
fn check_framing(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let chunked = codings.next().is_none_or(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    if !chunked || codings.next().is_some() {
        return Err(Problem::TransferCoding);
    }
    if headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(Problem::BadFraming);
    }
    Ok(())
}

fn check_size(headers: &HeaderMap, limits: &Limits) -> Result<(), Problem> {
    if headers.len() > limits.max_headers {
        return Err(Problem::HeaderTooLarge);
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > limits.max_header_bytes { Err(Problem::HeaderTooLarge) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_or_an_address_with_an_optional_port() {
        for (text, name, port) in [
            ("a.example", "a.example", None),
            ("a.example:8080", "a.example", Some("8080")),
            ("a.example:", "a.example", None),
            ("[::1]", "[::1]", None),
            ("[::1]:1", "[::1]", Some("1")),
            ("127.0.0.1:80", "127.0.0.1", Some("80")),
        ] {
            assert_eq!(Named::parse(text), Some(Named { full: text, name, port }), "{text}");
        }
        for bad in [
            "",
            ":80",
            "a b",
            "a@b",
            "user:pw@a",
            "a:b",
            "a:123456",
            "[::1",
            "[::1]x",
            "[]",
            "a/b",
            "a,b",
            "a\"",
            "::1",
        ] {
            assert_eq!(Named::parse(bad), None, "{bad}");
        }
    }
}
