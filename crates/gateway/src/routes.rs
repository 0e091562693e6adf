//! Which upstream a request goes to.
//!
//! The most specific route wins: one that names the host before one that does not, then the longest prefix. Nothing
//! about a request but its host and path counts, and a path that can be read in two ways that lead to different places
//! leads nowhere.

use url::Url;

use crate::readings::{is_plain, is_plain_prefix, prefix_len, readings};
use crate::step_up::{self, Flaw};
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
    /// More rules than are compared with every request.
    #[error("step_up has more than 128 rules; a path that ends with /** is a rule for everything below it")]
    StepUpRules,
    /// The path of the rule at this position, from 0, is no plain path.
    #[error(
        "step_up[{0}].path must be as a path of an upstream, and may end with /* (any one segment) or /** (all below)"
    )]
    StepUpPath(usize),
    /// The path of the rule at this position would never be asked of this upstream.
    #[error("step_up[{0}].path must begin with the path of its upstream, and no other upstream may serve it")]
    StepUpElsewhere(usize),
    /// The fields that the rule at this position shows.
    #[error("step_up[{0}].show must be at most 16 field names of 1 to 64 characters, with '.' between nested ones")]
    StepUpShow(usize),
}

impl Routes {
    /// Judges all upstreams and reports every mistake. Paths under `reserved` (such as `/auth` or
    /// `/.well-known/jwks.json`, segment-wise) are never forwarded, nor is a path that some server would read as one.
    /// A slash at the end of an upstream's path, or of a rule's, is dropped.
    pub fn new(upstreams: Vec<Upstream>, reserved: &[&str]) -> Result<Self, Vec<RouteError>> {
        let mut upstreams = upstreams;
        for upstream in &mut upstreams {
            drop_slash(&mut upstream.path);
            upstream.step_up.iter_mut().for_each(|rule| drop_slash(&mut rule.path));
        }
        let mut errors = Vec::new();
        for (index, upstream) in upstreams.iter().enumerate() {
            let earlier = upstreams.get(..index).unwrap_or_default();
            for kind in mistakes(upstream, earlier, reserved) {
                errors.push(RouteError { index, name: upstream.name.clone(), kind });
            }
        }
        for (index, upstream) in upstreams.iter().enumerate() {
            for (rule, at) in upstream.step_up.iter().zip(0..) {
                let kind = RouteMistake::StepUpElsewhere(at);
                let error = RouteError { index, name: upstream.name.clone(), kind };
                if serves_better(&upstreams, reserved, upstream, rule.base()) && !errors.contains(&error) {
                    errors.push(error);
                }
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

fn drop_slash(path: &mut String) {
    if path.len() > 1 && path.ends_with('/') && !path.ends_with("//") {
        path.pop();
    }
}

/// Whether a path below this upstream's goes elsewhere all the same: a rule for it would never be asked.
fn serves_better(upstreams: &[Upstream], reserved: &[&str], upstream: &Upstream, path: &str) -> bool {
    reserved.iter().any(|prefix| has_prefix(path, prefix))
        || upstreams.iter().any(|other| {
            other.host == upstream.host && other.path.len() > upstream.path.len() && has_prefix(path, &other.path)
        })
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
    if upstream.to.as_ref().is_some_and(|to| !is_origin(to)) {
        found.push(RouteMistake::To);
    }
    found.extend(step_up::flaws(&upstream.step_up, &upstream.path).into_iter().map(|flaw| match flaw {
        Flaw::TooMany => RouteMistake::StepUpRules,
        Flaw::Path(index) => RouteMistake::StepUpPath(index),
        Flaw::Elsewhere(index) => RouteMistake::StepUpElsewhere(index),
        Flaw::Show(index) => RouteMistake::StepUpShow(index),
    }));
    found
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
