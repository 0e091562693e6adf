//! A cookie jar: which cookie goes where (RFC 6265, 5.1.4 and 5.4). A cookie is for the host that set it; a port separates none (8.5).
//!
//! Deliberately absent: cookies of a whole domain, expiry by the clock, and the attribute Secure, because what is not
//! encrypted here never leaves the machine.

use http::HeaderMap;
use http::header::SET_COOKIE;
use std::collections::BTreeMap;
use url::Url;

/// Host, path and name to the value.
#[derive(Clone, Default)]
pub(crate) struct Jar {
    cookies: BTreeMap<(String, String, String), String>,
}

impl Jar {
    /// Keeps what an answer from this place sets, and throws away what it takes back.
    pub(crate) fn keep(&mut self, place: &Url, headers: &HeaderMap) {
        for line in headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok()) {
            let mut parts = line.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let attributes: BTreeMap<String, &str> = parts
                .map(|part| part.split_once('=').unwrap_or((part, "")))
                .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
                .collect();
            let path = attributes.get("path").filter(|path| path.starts_with('/'));
            let path = path.map_or_else(|| default_path(place), |path| (*path).to_owned());
            let key = (host(place), path, name.trim().to_owned());
            // Providers take a cookie back by a date of 1970 or an age of zero.
            let is_over = attributes.get("max-age").is_some_and(|age| *age == "0" || age.starts_with('-'))
                || attributes.get("expires").is_some_and(|date| date.contains("1970"));
            if is_over {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.trim().to_owned());
            }
        }
    }

    /// The header `Cookie` of a request to this place, if it has one. Longer paths come first.
    pub(crate) fn header(&self, place: &Url) -> Option<String> {
        let host = host(place);
        let mut fitting: Vec<_> = self
            .cookies
            .iter()
            .filter(|((owner, path, _), _)| *owner == host && is_below(place.path(), path))
            .collect();
        fitting.sort_by_key(|((_, path, _), _)| std::cmp::Reverse(path.len()));
        let pairs: Vec<String> = fitting.iter().map(|((_, _, name), value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn host(place: &Url) -> String {
    place.host_str().unwrap_or_default().to_owned()
}

/// RFC 6265, 5.1.4.
fn default_path(place: &Url) -> String {
    match place.path().rsplit_once('/') {
        None | Some(("", _)) => "/".to_owned(),
        Some((folder, _)) => folder.to_owned(),
    }
}

/// RFC 6265, 5.1.4.
fn is_below(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_goes_only_where_its_path_leads() {
        let place: Url = "http://127.0.0.1:1/realms/a/login".parse().unwrap();
        let mut jar = Jar::default();
        let mut headers = HeaderMap::new();
        for line in ["A=1; Path=/realms/a/; HttpOnly", "B=2", "C=3; Path=/", "D=4; Path=/realms/b/", "E=5; Path=/real"]
        {
            headers.append(SET_COOKIE, line.parse().unwrap());
        }
        jar.keep(&place, &headers);
        assert_eq!(jar.header(&place).unwrap(), "A=1; B=2; C=3");
        assert_eq!(jar.header(&"http://127.0.0.1:2/realms/b/x".parse().unwrap()).unwrap(), "D=4; C=3");
        assert_eq!(jar.header(&"http://localhost:1/realms/a/".parse().unwrap()), None);

        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, "A=; Path=/realms/a/; Max-Age=0".parse().unwrap());
        headers.append(SET_COOKIE, "C=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT".parse().unwrap());
        jar.keep(&place, &headers);
        assert_eq!(jar.header(&place).unwrap(), "B=2");
    }
}
