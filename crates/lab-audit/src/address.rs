//! What may be shown of an address: where it leads, and the names of what it carries, but no value.

use url::Url;

use crate::secret;

/// Origin, path with random parts cut out, and the names of the query's fields. What is no URL is shown as a path.
pub(crate) fn shown(address: &str) -> String {
    let Ok(url) = Url::parse(address) else {
        let (path, query) = address.split_once(['?', '#']).unwrap_or((address, ""));
        return format!("{}{}", way(path), if query.is_empty() { "" } else { "?…" });
    };
    let names: Vec<_> = url.query_pairs().map(|(name, _)| way(&name)).collect();
    let query = if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) };
    let origin = match url.host_str() {
        Some(host) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{host}{port}", url.scheme())
        }
        None => format!("{}:", url.scheme()),
    };
    format!("{origin}{}{query}", way(url.path()))
}

fn way(path: &str) -> String {
    let part = |part: &str| {
        let looks =
            secret::kind(part).is_some() || part.split(['.', '=', ';']).any(|part| secret::kind(part).is_some());
        if looks { "…".to_owned() } else { part.to_owned() }
    };
    path.chars().take(300).collect::<String>().split('/').map(part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_shown() {
        assert_eq!(shown("https://a.test:8443/x/y?token=abc&q=1#z"), "https://a.test:8443/x/y?token&q");
        assert_eq!(shown("http://localhost/reset/nJ3kq8Zb0WfR5tYc7LdX2a"), "http://localhost/reset/…");
        assert_eq!(shown("/login?next=/"), "/login?…");
    }
}
