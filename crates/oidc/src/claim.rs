//! Finds the texts that a configuration maps to groups and roles. Gives them no meaning.

use serde_json::{Map, Value};

/// In bytes of a path.
const LONGEST: usize = 256;
/// Dots in a path: they bound the search.
const DEEPEST: usize = 8;
/// Texts of one claim.
const MOST: usize = 256;

/// The texts at `path`: of a string that one, of an array its strings, of anything else none. At most 256.
///
/// A dot steps into an object: `groups`, `realm_access.roles`. A name that itself contains dots
/// (`https://app.example/roles`) is found too; the longest name that exists is preferred. A path over 256 bytes or with
/// more than 8 dots finds nothing.
pub fn claim<'v>(claims: &'v Map<String, Value>, path: &str) -> Vec<&'v str> {
    if path.len() > LONGEST || path.matches('.').count() > DEEPEST {
        return Vec::new();
    }
    match find(claims, path) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).take(MOST).collect(),
        _ => Vec::new(),
    }
}

fn find<'v>(claims: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    claims.get(path).or_else(|| {
        path.rmatch_indices('.').find_map(|(at, _)| {
            let (name, rest) = (path.get(..at)?, path.get(at.saturating_add(1)..)?);
            find(claims.get(name)?.as_object()?, rest)
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(path: &str) -> Vec<String> {
        let claims = json!({
            "groups": ["a", "b", 1, null, ["c"]],
            "role": "admin",
            "realm_access": {"roles": ["x"]},
            "resource_access": {"my.app": {"roles": ["y"]}, "my": {"other": "z"}},
            "https://app.example/roles": ["u"],
            "number": 7,
        });
        claim(claims.as_object().unwrap(), path).into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_path_finds_the_texts_of_a_claim() {
        assert_eq!(found("groups"), ["a", "b"]);
        assert_eq!(found("role"), ["admin"]);
        assert_eq!(found("realm_access.roles"), ["x"]);
        assert_eq!(found("resource_access.my.app.roles"), ["y"]);
        assert_eq!(found("resource_access.my.other"), ["z"]);
        assert_eq!(found("https://app.example/roles"), ["u"]);
    }

    #[test]
    fn whatever_is_no_text_is_nothing() {
        for path in ["", ".", "number", "realm_access", "groups.a", "missing.roles", "realm_access..roles", "role."] {
            assert_eq!(found(path), [""; 0], "{path}");
        }
    }

    #[test]
    fn the_search_is_bounded() {
        let deep = |dots: usize| "a.".repeat(dots) + "a";
        let mut value = json!("found");
        for _ in 0..9 {
            value = json!({"a": value});
        }
        assert_eq!(claim(value.as_object().unwrap(), &deep(8)), ["found"]);
        let value = json!({"a": value});
        assert_eq!(claim(value.as_object().unwrap(), &deep(9)), [""; 0]);
        let wide = json!({"g": vec!["x"; 300]});
        assert_eq!(claim(wide.as_object().unwrap(), "g").len(), 256);
    }
}
