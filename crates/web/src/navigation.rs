//! Whether somebody looks at a page, or a program fetches data: only the former is ever redirected.

use cloakroom_core::return_to::ReturnTo;
use http::header::ACCEPT;
use http::{HeaderMap, Method};

/// Reads a header as text; one that comes twice is none.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// A top-level navigation: the person would see what is answered. A service worker that passes navigations through makes
/// them look like fetches (`Sec-Fetch-Mode: same-origin`, BR-02), so `Accept` breaks the tie: no `fetch` asks for HTML
/// unless told to.
pub(crate) fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    let safe = method == Method::GET || method == Method::HEAD;
    let wants_page = text(headers, ACCEPT.as_str()).is_some_and(|accept| accept.contains("text/html"));
    let mode = matches!(text(headers, "sec-fetch-mode"), None | Some("navigate" | "same-origin"));
    let dest = matches!(text(headers, "sec-fetch-dest"), None | Some("document" | "empty"));
    safe && wants_page && mode && dest
}

/// A route of ours with `?return_to=`, left out where there is nothing to return to.
pub(crate) fn with_return(to: &str, path: &str) -> String {
    match ReturnTo::parse(path) {
        Some(path) if path != ReturnTo::home() => {
            let encoded: String = url::form_urlencoded::byte_serialize(path.as_str().as_bytes()).collect();
            format!("{to}?return_to={encoded}")
        }
        _ => to.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn navigates(headers: &[(&'static str, &'static str)]) -> bool {
        let map = headers.iter().map(|(n, v)| (n.parse().unwrap(), v.parse().unwrap())).collect();
        is_navigation(&Method::GET, &map)
    }

    #[test]
    fn only_somebody_who_looks_at_a_page_is_redirected() {
        const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        assert!(navigates(&[HTML]));
        assert!(navigates(&[HTML, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]));
        assert!(navigates(&[HTML, ("sec-fetch-mode", "same-origin"), ("sec-fetch-dest", "empty")]));
        assert!(!navigates(&[]));
        assert!(!navigates(&[("accept", "*/*"), ("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")]));
        assert!(!navigates(&[HTML, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]));
        assert!(!navigates(&[HTML, ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")]));
        assert!(!is_navigation(&Method::POST, &HeaderMap::new()));
    }
}
