//! Which upstream a request goes to.
//!
//! The most specific route wins: one that names the host before one that does not, then the longest prefix. Nothing
//! about a request but its host and path counts, and a path that can be read in two ways that lead to different places
//! leads nowhere.

use url::Url;

use crate::readings::{is_plain, readings};
use crate::upstream::Upstream;

/// The route table. Built once, replaced as a whole.
#[derive(Debug)]
pub struct Routes {
    /// Most specific first.
    upstreams: Vec<Upstream>,
    reserved: Vec<String>,
}

/// Why no route was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// No route serves it, or the path is a reserved one.
    NotFound,
    /// Different readings of the path lead to different places.
    Ambiguous,
}

/// A mistake in one route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("upstream {name:?}: {kind}")]
pub struct RouteError {
    /// Position in the given list, from 0.
    pub index: usize,
    /// The upstream's name.
    pub name: String,
    /// What is wrong, and what would be right.
    pub kind: RouteMistake,
}

/// What is wrong with a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteMistake {
    /// No name, or one with other characters.
    #[error("name must be 1 to 64 characters of a-z, A-Z, 0-9, '-', '_', '.'")]
    Name,
    /// The name is taken.
    #[error("another upstream has this name")]
    NameTaken,
    /// Not a plain path.
    #[error("path must start with '/' and hold only a-z, A-Z, 0-9, '-', '_', '~', '.' and single '/', no dot segments")]
    Path,
    /// Host and path are taken, letter case aside.
    #[error("another upstream serves this host and path (upper and lower case count as the same)")]
    RouteTaken,
    /// The path lies in a prefix that the owner of the gateway serves itself.
    #[error("path lies under the reserved prefix {0:?}")]
    Reserved(String),
    /// Not a host name.
    #[error("host must be a lower-case name or address without a port")]
    Host,
    /// Not an origin with a base path.
    #[error("to must be an http or https URL with a host and an optional plain path, without user, query or fragment")]
    To,
}

impl Routes {
    /// Judges all upstreams and reports every mistake. Paths under `reserved` (such as `/auth` or
    /// `/.well-known/jwks.json`, segment-wise) are never forwarded, nor is a path that some server would read as one.
    /// A slash at the end of an upstream's path is dropped.
    pub fn new(upstreams: Vec<Upstream>, reserved: &[&str]) -> Result<Self, Vec<RouteError>> {
        let mut upstreams = upstreams;
        for upstream in &mut upstreams {
            if upstream.path.len() > 1 && upstream.path.ends_with('/') && !upstream.path.ends_with("//") {
                upstream.path.pop();
            }
        }
        let mut errors = Vec::new();
        for (index, upstream) in upstreams.iter().enumerate() {
            let earlier = upstreams.get(..index).unwrap_or_default();
            for kind in mistakes(upstream, earlier, reserved) {
                errors.push(RouteError { index, name: upstream.name.clone(), kind });
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        upstreams.sort_by_key(|upstream| (upstream.host.is_none(), std::cmp::Reverse(upstream.path.len())));
        Ok(Self { upstreams, reserved: reserved.iter().map(|&prefix| prefix.to_owned()).collect() })
    }

    /// The upstream for a host (any case, no port) and a raw path (no query).
    pub fn find(&self, host: &str, raw_path: &str) -> Result<&Upstream, Lost> {
        self.place(host, raw_path).map(|(_, upstream)| upstream)
    }

    /// All upstreams, most specific first.
    pub fn upstreams(&self) -> &[Upstream] {
        &self.upstreams
    }

    /// As [`Self::find`], with the position in [`Self::upstreams`].
    pub(crate) fn place(&self, host: &str, raw_path: &str) -> Result<(usize, &Upstream), Lost> {
        let host = host.strip_suffix('.').unwrap_or(host);
        let place = self.read_as(host, raw_path)?;
        if !is_plain(raw_path) {
            for reading in readings(raw_path).map_err(|_| Lost::Ambiguous)? {
                if self.read_as(host, &reading)? != place {
                    return Err(Lost::Ambiguous);
                }
                let folded = reading.to_uppercase().to_lowercase();
                if !reading.is_ascii() && self.first(host, &folded) != place {
                    return Err(Lost::Ambiguous);
                }
            }
        }
        let Place::Upstream(index) = place else { return Err(Lost::NotFound) };
        let upstream = self.upstreams.get(index).ok_or(Lost::NotFound)?;
        // With the prefix cut off, the rest must not climb out of it, not even to come back.
        if upstream.strip_prefix
            && !is_plain(raw_path)
            && readings(raw_path.get(prefix_len(&upstream.path)..).unwrap_or_default()).is_err()
        {
            return Err(Lost::Ambiguous);
        }
        Ok((index, upstream))
    }

    /// Where one reading leads. A reading that only leads there for servers that do not tell cases apart is ambiguous.
    fn read_as(&self, host: &str, path: &str) -> Result<Place, Lost> {
        let place = self.first(host, path);
        let prefix = match place {
            Place::Nowhere => return Ok(place),
            Place::Reserved(index) => self.reserved.get(index).map(String::as_str),
            Place::Upstream(index) => self.upstreams.get(index).map(|upstream| upstream.path.as_str()),
        };
        let prefix = prefix.unwrap_or_default();
        if path.get(..prefix_len(prefix)) == prefix.get(..prefix_len(prefix)) {
            Ok(place)
        } else {
            Err(Lost::Ambiguous)
        }
    }

    /// The first place whose prefix the path has, letter case aside.
    fn first(&self, host: &str, path: &str) -> Place {
        if let Some(index) = self.reserved.iter().position(|prefix| has_prefix(path, prefix)) {
            return Place::Reserved(index);
        }
        let serves = |upstream: &Upstream| {
            upstream.host.as_deref().is_none_or(|name| name.eq_ignore_ascii_case(host))
                && has_prefix(path, &upstream.path)
        };
        self.upstreams.iter().position(serves).map_or(Place::Nowhere, Place::Upstream)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Reserved(usize),
    Upstream(usize),
}

/// Whether `path` is `prefix` or lies under it, letter case aside.
fn has_prefix(path: &str, prefix: &str) -> bool {
    if prefix == "/" {
        return path.starts_with('/');
    }
    let (path, prefix) = (path.as_bytes(), prefix.as_bytes());
    match path.split_at_checked(prefix.len()) {
        Some((start, rest)) => start.eq_ignore_ascii_case(prefix) && matches!(rest, [] | [b'/', ..]),
        None => false,
    }
}

/// How much of a path a prefix takes: `/` takes nothing, since its slash begins the rest.
pub(crate) fn prefix_len(prefix: &str) -> usize {
    if prefix == "/" { 0 } else { prefix.len() }
}

fn mistakes(upstream: &Upstream, earlier: &[Upstream], reserved: &[&str]) -> Vec<RouteMistake> {
    let mut found = Vec::new();
    let name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if upstream.name.is_empty() || upstream.name.len() > 64 || !upstream.name.bytes().all(name_byte) {
        found.push(RouteMistake::Name);
    }
    if earlier.iter().any(|other| other.name == upstream.name) {
        found.push(RouteMistake::NameTaken);
    }
    if !is_plain_prefix(&upstream.path) {
        found.push(RouteMistake::Path);
    }
    if earlier.iter().any(|other| other.host == upstream.host && other.path.eq_ignore_ascii_case(&upstream.path)) {
        found.push(RouteMistake::RouteTaken);
    }
    if let Some(prefix) = reserved.iter().find(|prefix| has_prefix(&upstream.path, prefix)) {
        found.push(RouteMistake::Reserved((*prefix).to_owned()));
    }
    if upstream.host.as_deref().is_some_and(|host| !is_host(host)) {
        found.push(RouteMistake::Host);
    }
    if !is_origin(&upstream.to) {
        found.push(RouteMistake::To);
    }
    found
}

/// A plain path, or one whose segments begin with a dot and go on (`/.well-known`).
fn is_plain_prefix(path: &str) -> bool {
    let hidden = path.split('/').all(|segment| segment != "." && segment != ".." && !segment.ends_with('.'));
    hidden && is_plain(&path.replace("/.", "/"))
}

fn is_host(host: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let address = |text: &str| text.strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok();
    address(host).is_some()
        || (!host.is_empty()
            && host.len() <= 253
            && host.bytes().all(fine)
            && !host.ends_with('.')
            && !host.starts_with('.'))
}

fn is_origin(to: &Url) -> bool {
    matches!(to.scheme(), "http" | "https")
        && to.has_host()
        && to.username().is_empty()
        && to.password().is_none()
        && to.query().is_none()
        && to.fragment().is_none()
        && is_plain_prefix(to.path())
}

#[cfg(test)]
#[path = "routes_tests.rs"]
mod tests;
