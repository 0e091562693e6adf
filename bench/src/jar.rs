//! A cookie jar: what a browser keeps, and what of it goes along with which request (RFC 6265 §5.4).

use crate::http::Answer;
use std::collections::BTreeMap;

/// Name to path and value. No domains, no time: everything here talks to one site.
#[derive(Clone, Default)]
pub(crate) struct Jar(BTreeMap<String, (String, String)>);

impl Jar {
    /// Takes in what an answer sets, and lets go of what it clears.
    pub(crate) fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers("set-cookie") {
            let mut parts = cookie.split("; ");
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { continue };
            let attributes: Vec<_> = parts.collect();
            if attributes.contains(&"Max-Age=0") {
                self.0.remove(name);
                continue;
            }
            let path = attributes.iter().find_map(|attribute| attribute.strip_prefix("Path=")).unwrap_or("/");
            self.0.insert(name.to_owned(), (path.to_owned(), value.to_owned()));
        }
    }

    /// What is left of it when the session is gone: the cookie of the device.
    pub(crate) fn of_device(&self) -> Self {
        let of_device = |name: &String| name.ends_with("cloakroom-device");
        Self(self.0.iter().filter(|(name, _)| of_device(name)).map(|(n, v)| (n.clone(), v.clone())).collect())
    }

    /// The value of `Cookie` for a request to this path, if anything goes along.
    pub(crate) fn header(&self, path: &str) -> Option<String> {
        let fits = |scope: &str| {
            scope == "/" || path == scope || path.strip_prefix(scope).is_some_and(|rest| rest.starts_with('/'))
        };
        let pairs = self.0.iter().filter(|(_, (scope, _))| fits(scope));
        let pairs: Vec<_> = pairs.map(|(name, (_, value))| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(cookies: &[&str]) -> Answer {
        let lines = cookies.iter().map(|cookie| format!("set-cookie: {cookie}"));
        Answer {
            status: 200,
            lines: std::iter::once("HTTP/1.1 200 OK".to_owned()).chain(lines).collect(),
            body: vec![],
        }
    }

    #[test]
    fn a_cookie_goes_only_where_its_path_allows_and_is_gone_once_cleared() {
        let mut jar = Jar::default();
        jar.keep(&answer(&["a=1; Path=/; HttpOnly", "r=2; Path=/auth/refresh; Secure; Max-Age=60"]));
        assert_eq!(jar.header("/x").as_deref(), Some("a=1"));
        assert_eq!(jar.header("/auth/refresh").as_deref(), Some("a=1; r=2"));
        assert_eq!(jar.header("/auth/refresher").as_deref(), Some("a=1"));
        jar.keep(&answer(&["a=; Path=/; Max-Age=0"]));
        assert_eq!(jar.header("/x"), None);
    }
}
